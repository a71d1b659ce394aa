from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from faces.system.systemd_notify import SystemdNotifier


def listening(address: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(address)
    listener.settimeout(10)
    return listener


def test_each_state_is_one_datagram(tmp_path: Path) -> None:
    place = str(tmp_path / "notify")
    with listening(place) as listener:
        systemd = SystemdNotifier(place, None)
        systemd.notify("READY=1\nSTATUS=waiting for RabbitMQ")
        systemd.notify("WATCHDOG=1")
        assert [listener.recv(100) for _ in range(2)] == [b"READY=1\nSTATUS=waiting for RabbitMQ", b"WATCHDOG=1"]


def test_an_at_sign_stands_for_an_abstract_name() -> None:
    name = f"face-sidecar-test-{os.getpid()}"
    with listening(f"\0{name}") as listener:
        SystemdNotifier(f"@{name}", None).notify("READY=1")
        assert listener.recv(100) == b"READY=1"


@pytest.mark.parametrize("place", [None, "/nowhere/notify"])
def test_nobody_listening_is_no_fault(place: str | None) -> None:
    SystemdNotifier(place, None).notify("READY=1")


def test_a_listener_that_reads_nothing_holds_nobody_up(tmp_path: Path) -> None:
    place = str(tmp_path / "notify")
    with listening(place):
        for _ in range(10_000):
            SystemdNotifier(place, None).notify("WATCHDOG=1")


def test_what_systemd_says_is_taken_out_of_the_environment() -> None:
    environment = {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid()), "A": "1"}
    assert SystemdNotifier.take(environment) == SystemdNotifier("/run/n", 30.0)
    assert environment == {"A": "1"}


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "often"}, {"NOTIFY_SOCKET": ""}],
)
def test_where_systemd_did_not_start_us_nobody_waits_for_word(environment: dict[str, str]) -> None:
    assert SystemdNotifier.take(environment) == SystemdNotifier(None, None)
