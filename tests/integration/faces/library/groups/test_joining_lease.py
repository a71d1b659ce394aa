"""The right to join groups: who waits for it, and what is told of a wait."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from faces.library.groups.joining_lease import WORTH_A_LINE, JoiningLease
from faces.store.database import Store
from tests.servers.settled_album import Album


@dataclass
class Waiting:
    """A clock that only a pause moves on, and what happens after so many seconds of it."""

    now: float = 0.0
    happenings: dict[float, Callable[[], object]] = field(default_factory=dict)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for due in [due for due in self.happenings if due <= self.now]:
            self.happenings.pop(due)()


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@pytest.fixture
def lease(store: Store, waiting: Waiting) -> JoiningLease:
    return JoiningLease(store, clock=waiting.clock, sleep=waiting.sleep)


@pytest.fixture
def other(store: Store) -> JoiningLease:
    """That of another process, which has it."""
    other = JoiningLease(store)
    assert other.take()
    return other


def test_it_is_had_at_once_where_no_other_process_has_it(lease: JoiningLease, waiting: Waiting) -> None:
    with lease.held():
        assert waiting.now == 0


def test_a_moment_that_another_process_has_it_is_not_told(
    lease: JoiningLease, other: JoiningLease, waiting: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    waiting.happenings[WORTH_A_LINE - 0.5] = other.give_back
    with caplog.at_level(logging.INFO), lease.held():
        assert waiting.now >= WORTH_A_LINE - 0.5
    assert caplog.messages == []


def test_a_long_wait_for_a_process_that_lives_is_told_once(
    lease: JoiningLease, other: JoiningLease, waiting: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(5, 300, 5):
        waiting.happenings[second] = other.take
    waiting.happenings[300] = other.give_back
    with lease.held():
        assert not other.take()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_of_a_killed_process_one_line_says_when_it_goes_on(
    lease: JoiningLease, other: JoiningLease, waiting: Waiting, album: Album, caplog: pytest.LogCaptureFixture
) -> None:
    waiting.happenings[89] = lambda: album.run("UPDATE {library} SET joining_until = '2020-01-01 00:00:00'")
    with lease.held():
        assert not other.take()
    assert caplog.messages == [
        "still waiting, since another process is joining groups; if that one was killed, this one goes on within 90 s"
    ]
