"""One does all its work in the middle of another's, before each lock that this one takes."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import sqlalchemy as sa

from tests.unit.faces.people.made_people import made_people, photos_of

PEOPLE = made_people(60, seed=3)

#: Seconds that the other's work may take, unless it waits for a lock of the one's.
_PATIENCE = 0.3

#: What locks rows, or inserts one that another may insert at the same time; and the end, where all of it is released.
_LOCKS = ("FOR UPDATE", "UPDATE face_sidecar", "INSERT INTO face_sidecar", "LOCK IN SHARE MODE")


class InTheMiddle:
    """Does something in a thread of its own before the lock of a number, and waits for it as long as it may take."""

    def __init__(self, number: int, words: tuple[str, ...], work: Callable[[], object]) -> None:
        self.number, self.words = number, words
        self.thread = threading.Thread(target=work)

    def __call__(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if threading.current_thread() is threading.main_thread() and any(words in statement for words in self.words):
            self.number -= 1
            if self.number == 0:
                self.thread.start()
                self.thread.join(_PATIENCE)


Works = tuple[Callable[[], object], Callable[[], object]]


def at_each_lock(prepare: Callable[[np.ndarray], Works], words: tuple[str, ...] = _LOCKS, *, every: int = 1) -> int:
    """Do two works, the second before the first lock of the first one, then before its second … ; how many locks.

    `prepare` gets three photos of somebody who was not there before. `words` are those of other statements
    than locks. With `every` only before the first, and each so many later.
    """
    number = 1 - every
    while True:
        number += every
        one, other = prepare(photos_of(PEOPLE[number + 1], 3))
        middle = InTheMiddle(number, words, other)
        sa.event.listen(sa.Engine, "before_cursor_execute", middle)
        try:
            one()
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", middle)
        if middle.number > 0:
            other()
            return number - 1
        middle.thread.join()
