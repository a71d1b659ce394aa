from __future__ import annotations

import pytest

from face_api.http.access import Access
from faces.errors import SettingsError
from faces.settings import load
from faces.system.address import Address

KEY = "0123456789abcdef"


def test_addresses_are_read_with_names_ports_and_brackets() -> None:
    assert Address.parse("127.0.0.1:5000", "X") == Address("127.0.0.1", 5000)
    assert Address.parse("[::1]:80", "X") == Address("::1", 80)
    assert str(Address("::1", 80)) == "[::1]:80"


@pytest.mark.parametrize("text", ["", "5000", ":5000", "host:", "host:0", "host:65536", "::1:80", "host:http"])
def test_anything_else_is_refused_by_the_variables_name(text: str) -> None:
    with pytest.raises(SettingsError, match="FACE_X"):
        Address.parse(text, "FACE_X")


def test_loopback_is_told_from_what_others_can_reach() -> None:
    assert Address("127.0.0.53", 1).is_loopback
    assert Address("::1", 1).is_loopback
    assert not Address("0.0.0.0", 1).is_loopback  # noqa: S104
    assert not Address("192.0.2.1", 1).is_loopback


def test_the_first_address_wants_no_key_while_it_is_loopback() -> None:
    access = Access.of(load(api_address="127.0.0.1:5000", api_outside_address="0.0.0.0:5001", api_keys=[KEY]))
    assert access.allows("/encode", ("127.0.0.1", 5000), [])
    assert not access.allows("/encode", ("127.0.0.1", 5001), [])
    assert not access.allows("/encode", ("192.0.2.1", 5000), [])
    assert access.allows("/encode", ("192.0.2.1", 5001), ["wrong", KEY])


def test_a_first_address_that_others_reach_wants_a_key_from_this_machine_too() -> None:
    access = Access.of(load(api_address="0.0.0.0:5000", api_keys=[KEY]))
    assert not access.allows("/encode", ("127.0.0.1", 5000), [])
    assert access.allows("/encode", ("127.0.0.1", 5000), [KEY])


def test_a_server_that_does_not_say_where_a_request_came_in_gets_no_free_pass() -> None:
    access = Access.of(load(api_address="127.0.0.1:5000", api_keys=[KEY]))
    assert not access.allows("/encode", ("", 0), [])
