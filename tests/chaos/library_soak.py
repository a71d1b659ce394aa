"""The soak of a library: processes group and link the faces of photos, are killed at any statement, and begin again.

Meanwhile rows are changed past us, as people and PHP do, and looked at. In the end everything must be as made anew.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from faces.store.database import Store
from tests.servers.app_schema import ALL
from tests.servers.arriving import COHORT, Arriving, add_photos
from tests.servers.library_verdict import unlike_a_fresh_one, wrong
from tests.servers.lives import kill_and_go_on, kill_and_settle
from tests.servers.made_album import made_album, name_people
from tests.servers.mariadb import running_mariadb
from tests.servers.rows import Rows
from tests.servers.sidecar import create_tables

#: What is done to a face's row past us.
_CHANGES = (
    "UPDATE faces SET status = 'ok', name = 'Ann', parent_id = NULL WHERE id = :id",
    "UPDATE faces SET status = 'ok', name = 'Bob', parent_id = NULL WHERE id = :id",
    "UPDATE faces SET status = 'ok' WHERE id = :id",
    "UPDATE faces SET status = 'process', name = NULL, parent_id = NULL WHERE id = :id",
    "UPDATE faces SET status = 'unknown' WHERE id = :id",
    "UPDATE faces SET status = 'not_face' WHERE id = :id",
    "UPDATE faces SET deleted_at = '2024-05-01 10:00:00' WHERE id = :id",
    "UPDATE faces SET deleted_at = NULL WHERE id = :id",
)

#: Statements that a process lives for, at most: some jobs, or some joins of groups.
_LONGEST_LIFE = 400

#: The part of all people who have a photo with their name before.
_NAMED = 5


@dataclass(frozen=True)
class LibraryTold:
    """How it is to be; the same seed brings the same photos and deaths in the same order."""

    seed: int
    photos: int
    deaths: int
    workers: int
    database: str
    """`sqlite` or `mariadb`."""


def soak(told: LibraryTold, say: Callable[[str], None]) -> list[str]:
    """Do it; says a summary, and returns what is wrong."""
    start, dice = time.monotonic(), random.Random(told.seed)  # noqa: S311  the same again is what it is for
    people = max(told.photos // 10, 6)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        url = _new_library(stack, told.database, folder)
        rows = stack.enter_context(closing(Rows(url)))
        named = name_people(rows, people, people // _NAMED, told.seed)
        photos = add_photos(url, folder / "disk", made_album(told.photos, people, told.seed))
        follower = stack.enter_context(closing(Arriving(photos)))
        follower.arrivals.update_images(named)

        def meanwhile() -> None:
            follower.follow()
            if faces := rows.read("SELECT id, image_id FROM faces"):
                face = dice.choice(faces)
                rows.run(dice.choice(_CHANGES), id=face["id"])
                follower.arrivals.update_images([face["image_id"]])

        deaths = [dice.randint(1, _LONGEST_LIFE) for _ in range(told.deaths)]
        kills = kill_and_go_on(photos, told.workers, deaths, meanwhile)
        kills += kill_and_settle(photos, told.workers, deaths[: told.deaths // 4], meanwhile)
        found = [*wrong(follower.store, COHORT), *unlike_a_fresh_one(follower.store, follower.library)]
        if left := photos.waiting():
            found.append(f"{len(left)} photos are not done")
        groups, number = len(follower.library.groups), follower.library.state.number
        say(
            f"seed {told.seed}, {told.database}: {told.photos} photos by {told.workers} processes, {kills} kills, "
            f"{photos.conflicts} conflicts that were tried again, {groups} groups, neighbourhood {number}, "
            f"{time.monotonic() - start:.0f} s: {len(found)} things are wrong"
        )
        return found


def _new_library(stack: ExitStack, database: str, folder: Path) -> str:
    if database == "sqlite":
        url = f"sqlite:///{folder / 'faces.db'}"
        Store.open(url, create=True).close()
        return url
    url = stack.enter_context(running_mariadb()).new_database(*ALL)
    create_tables(url)
    return url
