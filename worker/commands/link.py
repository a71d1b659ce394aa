"""link: matches faces found before with the people enrolled since."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from worker.commands.invocation import Invocation
from worker.commands.linking_again import Linked, Linker
from worker.commands.verbs import add_verb

_DETAILS = """\
Compares every face that nobody has touched and that is not linked with the people known today, and links it to the
nearest below the threshold (FACE_THRESHOLD). No photo is read and no API is needed: run it after naming somebody."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "link", run, _DETAILS)
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be linked")


def run(arguments: argparse.Namespace, session: Invocation) -> int:
    """Link image by image."""
    linked: list[Linked] = []
    with session.store() as store:
        linker = Linker.of(store, session.linking, linked.append)
        image_ids = linker.images()
        with session.output.progress("images", len(image_ids)) as step:
            for image_id in image_ids:
                linker.link_image(image_id, dry_run=arguments.dry_run)
                step()
    if arguments.dry_run:
        for one in linked:
            whom = f"person {one.person_id}" if one.person_id is not None else str(one.parent_id)
            session.output.result(f"face {one.face_id} would be linked to {whom} (distance {one.distance:.3f})")
    session.output.result(f"{len(linked)} faces {'would be ' if arguments.dry_run else ''}linked")
    session.output.record({"dry_run": arguments.dry_run, "linked": [asdict(one) for one in linked]})
    return 0
