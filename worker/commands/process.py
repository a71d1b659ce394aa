"""process IMAGE_ID…: does the job of these images, as the queue would."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from threading import Event
from typing import Any

from faces.errors import EngineError, FacesError, MissingError, OutsideDisks, PhotoError
from worker.commands.session import Session
from worker.commands.verb import add_verb
from worker.jobs.faces import Processed, Tools
from worker.jobs.patience import process_patiently

_DETAILS = """\
Finds the faces of these images' photos again and brings their rows up to date; doing it twice changes nothing.
FACE_DISK_ROOTS says where the app's disks lie, for example local=/srv/app/storage/app/private."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "process", run, _DETAILS)
    parser.add_argument("image_ids", metavar="IMAGE_ID", type=int, nargs="+", help="images.id")


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Process each; 1 if one failed."""
    failed = 0
    count = len(arguments.image_ids)
    with session.store() as store, session.tools(store) as tools, session.output.progress("images", count) as step:
        for image_id in arguments.image_ids:
            failed += not _process(session, tools, image_id)
            step()
    return 1 if failed else 0


def _process(session: Session, tools: Tools, image_id: int) -> bool:
    try:
        done = process_patiently(tools, image_id, Event())
    except (PhotoError, MissingError, OutsideDisks, EngineError) as error:
        _tell_failure(session, image_id, error)
        return False
    _tell(session, done)
    return True


def _tell_failure(session: Session, image_id: int, error: FacesError) -> None:
    session.output.say(f"image {image_id}: {error}")
    session.output.record({"image_id": image_id, "error": str(error), "code": error.code})


def _tell(session: Session, done: Processed) -> None:
    for warning in done.warnings:
        session.output.say(f"image {done.image_id}: {warning}")
    numbers = f"{done.found} faces, {done.inserted} new, {done.removed} gone, {done.linked} newly linked"
    session.output.result(f"image {done.image_id}: {numbers}")
    session.output.record(asdict(done))
