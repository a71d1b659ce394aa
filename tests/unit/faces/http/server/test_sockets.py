from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from faces.errors import SettingsError
from faces.http.server.sockets import Addresses, inherited, require_same
from faces.system.address import Address


def both(first: Address, outside: Address | None) -> Addresses:
    """As the face API has them."""
    return Addresses(first, outside, ("FACE_API_ADDRESS", "FACE_API_OUTSIDE_ADDRESS"), "face-api")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def bound(stack: ExitStack, host: str = "127.0.0.1", family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    one = stack.enter_context(socket.socket(family))
    one.bind((host, 0))
    return one


def port_of(one: socket.socket) -> int:
    port: int = one.getsockname()[1]
    return port


def test_sockets_are_ours_only_where_they_were_held_for_this_process() -> None:
    ours, foreign = {"LISTEN_PID": str(os.getpid())}, {"LISTEN_PID": "1"}
    assert inherited(ours | {"LISTEN_FDS": "2"}) == [3, 4]
    assert inherited(foreign | {"LISTEN_FDS": "2"}) == []
    assert inherited({}) == []


def test_sockets_of_the_settings_addresses_pass_in_any_order(stack: ExitStack) -> None:
    first, outside = bound(stack), bound(stack, "0.0.0.0")  # noqa: S104  that is an outside address
    wanted = both(Address("localhost", port_of(first)), Address("0.0.0.0", port_of(outside)))  # noqa: S104
    require_same([outside.fileno(), first.fileno()], wanted)
    assert first.getsockname()[0] == "127.0.0.1", "the sockets stay open"


def test_an_ipv6_socket_passes(stack: ExitStack) -> None:
    one = bound(stack, "::1", socket.AF_INET6)
    require_same([one.fileno()], both(Address("::1", port_of(one)), None))


def test_another_port_is_refused_with_both(stack: ExitStack) -> None:
    one = bound(stack)
    with pytest.raises(SettingsError) as raised:
        require_same([one.fileno()], both(Address("127.0.0.1", 1), None))
    assert str(raised.value) == (
        f"systemd's face-api.socket listens on 127.0.0.1:{port_of(one)}, FACE_API_ADDRESS says 127.0.0.1:1: "
        "needed the same in both (install.sh takes the socket's from face.env)"
    )


def test_a_socket_too_few_and_one_too_many_are_refused(stack: ExitStack) -> None:
    one, other = bound(stack), bound(stack)
    first, second = (Address("127.0.0.1", port_of(each)) for each in (one, other))
    with pytest.raises(SettingsError, match="FACE_API_ADDRESS and FACE_API_OUTSIDE_ADDRESS say "):
        require_same([one.fileno()], both(first, second))
    with pytest.raises(SettingsError, match="FACE_API_ADDRESS says "):
        require_same([one.fileno(), other.fileno()], both(first, None))


def test_a_loopback_socket_does_not_pass_for_an_open_one_nor_the_other_way_round(stack: ExitStack) -> None:
    loopback, anywhere = bound(stack), bound(stack, "0.0.0.0")  # noqa: S104
    with pytest.raises(SettingsError):
        require_same([loopback.fileno()], both(Address("0.0.0.0", port_of(loopback)), None))  # noqa: S104
    with pytest.raises(SettingsError):
        require_same([anywhere.fileno()], both(Address("127.0.0.1", port_of(anywhere)), None))


def test_another_kind_of_socket_is_refused(stack: ExitStack) -> None:
    datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with pytest.raises(SettingsError, match="listens on one that is not TCP, "):
        require_same([datagrams.fileno()], both(Address("127.0.0.1", 5000), None))


def test_an_unknown_host_is_refused(stack: ExitStack) -> None:
    one = bound(stack)
    with pytest.raises(SettingsError, match=r"FACE_API_ADDRESS says nowhere\.invalid:5000"):
        require_same([one.fileno()], both(Address("nowhere.invalid", 5000), None))
