"""demo [PHOTO_DIR]: from a folder of photos to a page of who is who, in one command."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from faces.errors import RequestError
from faces.sources.folder import PhotoFile, Trouble, find_photos
from faces.sources.known_portraits import find_portraits
from worker.commands import results_folder
from worker.commands.demo_run import Demo
from worker.commands.session import Session
from worker.commands.verb import add_verb

_DETAILS = """\
Starts the face API as production runs it, sends it each photo of PHOTO_DIR and its sub-folders, keeps images and faces
in demo-out/faces.db and writes the contact sheet demo-out/index.html. The API stops at the end; the results stay, and
the next run only looks at new and changed photos. PHOTO_DIR is never written to.

demo-out, in the folder where you are, holds the results of one PHOTO_DIR; those of another are set aside in
demo-out-NAME-…, and come back when that PHOTO_DIR is shown again. People stay known: remove demo-out to start afresh.

Without PHOTO_DIR: sample photos (docs/samples.md), with one portrait of each of two people."""

#: What script/samples fetches.
_SAMPLES = Path(__file__).resolve().parents[2] / ".cache/samples"

_RESULTS = Path("demo-out")


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "demo", run, _DETAILS)
    parser.add_argument("photos", metavar="PHOTO_DIR", type=Path, nargs="?", help="a folder with photos")
    parser.add_argument(
        "--known", metavar="DIR", type=Path, help="portraits of people to recognise: Ann.jpg, or a folder Ann, a person"
    )
    parser.add_argument("--port", metavar="N", type=_port, help="where the API listens meanwhile; default: a free port")


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Check what was asked for, then do it; 1 if a photo could not be used."""
    photos, known = _places(arguments)
    found = _photos_in(photos)
    portraits = find_portraits(known, session.output.say) if known else []
    if arguments.port:
        _refuse_used(arguments.port)
    settings = session.settings.model_copy(update={"database_url": SecretStr(f"sqlite:///{_RESULTS}/faces.db")})
    with results_folder.claimed(_RESULTS, photos, session.output.say):
        demo = Demo(Session(settings, session.output), photos, found, portraits, _RESULTS, arguments.port)
        return demo.run()


def _places(arguments: argparse.Namespace) -> tuple[Path, Path | None]:
    """The folders of photos and of known people, without links; the results lie in neither."""
    given: Path | None = arguments.photos
    if given is None and not _SAMPLES.is_dir():
        raise RequestError(f"found no sample photos in {_SAMPLES}: run script/samples, or name a folder of photos")
    photos = _resolved(given or _SAMPLES / "photos")
    known = arguments.known or (None if given else _SAMPLES / "known")
    for folder in filter(None, (photos, known and _resolved(known))):
        _refuse_results_inside(folder)
    return photos, known and _resolved(known)


def _resolved(folder: Path) -> Path:
    try:
        return folder.resolve()
    except (OSError, RuntimeError) as error:
        raise RequestError(f"the folder {folder} cannot be found: {error}") from error


def _refuse_results_inside(folder: Path) -> None:
    results = _resolved(_RESULTS)
    if results.is_relative_to(folder) or folder.is_relative_to(results):
        raise RequestError(
            f"the results would go to {results}, and nothing is ever written to {folder}: "
            "start the demo in a folder outside of it"
        )


def _photos_in(photos: Path) -> list[PhotoFile | Trouble]:
    """What there is to look at; also where links lead, but never the results."""
    results = _resolved(_RESULTS)
    found = [one for one in find_photos(photos) if not one.path.is_relative_to(results)]
    if any(isinstance(one, PhotoFile) for one in found):
        return found
    reasons = [f": {one.path}: {one.reason}" for one in found if isinstance(one, Trouble)]
    raise RequestError(f"found no photo in {photos}, needed at least one (.jpg, .png, .heic …){''.join(reasons[:1])}")


def _refuse_used(port: int) -> None:
    with socket.socket() as probe:
        # As the API itself does: a port is free when only connections that have ended still hold it.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise RequestError(
                f"port {port} cannot be used ({error.strerror}): leave --port out for a free one"
            ) from error


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"found {text!r}, needed a number from 1 to 65535")
    return int(text)
