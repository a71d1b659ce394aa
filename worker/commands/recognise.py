"""recognise: who of a folder of known people is in photos, a line a face, without a database."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from faces.client.face_client import Encoded, FaceClient, NotEncoded
from faces.errors import EngineError, FacesError, FileMissing, NotOneFace, PhotoError, RequestError
from faces.people.matching import Encodings, distances
from faces.people.portrait_quality import doubt_of
from faces.photo.face import Encoding
from faces.sources.folder import PhotoFile, find_photos, is_folder
from faces.sources.known_portraits import KnownPortrait, find_portraits
from worker.commands import spreadsheet
from worker.commands.interrupts import held_back
from worker.commands.invocation import Invocation
from worker.commands.process import patiently
from worker.commands.scanner import in_flight_of
from worker.commands.verbs import add_verb

_DETAILS = """\
Prints a line for each face in a photo, or in the photos of a folder and all folders below: the photo and the name of
the nearest known face, as the command `face_recognition` does. Nothing is kept.

  photos/a.jpg,Ann                  a face that is Ann's
  photos/a.jpg,unknown_person       a face that nobody in KNOWN_DIR has
  photos/b.jpg,no_persons_found     a photo without a face

KNOWN_DIR has one file or one folder of files a person: Ann.jpg, or everything in Ann, is Ann. Where such a photo has
several faces the best found one counts, and a warning says so; one without a face is left out with a warning.

A photo that cannot be used is told on stderr and makes exit code 1."""

#: As `face_recognition` writes them.
UNKNOWN, NOBODY = "unknown_person", "no_persons_found"

#: What ends one photo, and not the next ones.
_OF_THE_PHOTO = (PhotoError, FileMissing, EngineError)

_TITLES = ("photo", "face", "name", "distance")


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "recognise", run, _DETAILS)
    parser.add_argument("known", metavar="KNOWN_DIR", type=Path, help="portraits of the people to recognise")
    parser.add_argument("photos", metavar="PHOTO_OR_DIR", help="where to look for them")
    parser.add_argument("--tolerance", metavar="N", type=_tolerance, help="largest distance; default: FACE_THRESHOLD")
    parser.add_argument("--all", action="store_true", help="a line for each known person near enough, nearest first")
    parser.add_argument("--show-distance", metavar="true", type=_truth, default=False, help="a third field: how far")
    parser.add_argument("--csv", action="store_true", help="for a spreadsheet: titles, the face's number, the distance")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Tell of each photo; 1 where one could not be used."""
    troubles = _Troubles(invocation)
    portraits, photos = find_portraits(arguments.known, troubles.tell), _photos(arguments.photos, troubles)
    # Here, and not above: a worker of the queue starts no API.
    from faces.client.private_api import face_api

    with face_api(invocation.settings, invocation.api_url, invocation.output.say) as client:
        known = _known(client, portraits, troubles)
        tolerance = invocation.threshold if arguments.tolerance is None else arguments.tolerance
        found = (
            Recognised.of(name, answer, known, tolerance, every=arguments.all)
            for name, answer in _usable(_encoded(client, photos), troubles)
        )
        _print(found, arguments, invocation)
    return 1 if troubles.told else 0


@dataclass(frozen=True, slots=True)
class Likeness:
    """A known person that a face may be, and how far it is from the nearest portrait."""

    name: str
    distance: float


@dataclass(frozen=True, slots=True)
class KnownPeople:
    """The known people: a name for each row of `encodings`, which has the shape (n, 128)."""

    names: tuple[str, ...]
    encodings: Encodings

    def matches(self, encoding: Encoding, tolerance: float) -> list[Likeness]:
        """The people at or below the tolerance, each once, nearest first."""
        near: dict[str, float] = {}
        for name, distance in zip(self.names, distances(encoding, self.encodings).tolist(), strict=True):
            if distance <= min(tolerance, near.get(name, tolerance)):
                near[name] = distance
        return sorted((Likeness(*pair) for pair in near.items()), key=lambda match: (match.distance, match.name))


@dataclass(frozen=True, slots=True)
class Recognised:
    """A photo, as it was named, and for each of its faces the people that it may be."""

    name: str
    faces: tuple[tuple[Likeness, ...], ...]

    @classmethod
    def of(cls, name: str, encoded: Encoded, known: KnownPeople, tolerance: float, *, every: bool) -> Recognised:
        """Compare its faces with the known people; the nearest of them, or `every` one that is near enough."""
        most = None if every else 1
        return cls(name, tuple(tuple(known.matches(face.encoding, tolerance)[:most]) for face in encoded.faces))

    def lines(self) -> Iterator[dict[str, object]]:
        """What is printed, by `_TITLES`: a line for each face and match."""
        if not self.faces:
            yield {"photo": self.name, "face": None, "name": NOBODY, "distance": None}
        for number, matches in enumerate(self.faces):
            for match in matches or (None,):
                who = {"name": match.name, "distance": match.distance} if match else {"name": UNKNOWN, "distance": None}
                yield {"photo": self.name, "face": number, **who}


class _Troubles:
    """Tells what cannot be used, each with its photo, and remembers whether there was any."""

    def __init__(self, invocation: Invocation) -> None:
        self._output = invocation.output
        self.told = False

    def tell(self, sentence: str) -> None:
        self.warn(sentence)
        self.told = True

    def warn(self, sentence: str) -> None:
        self._output.say(f"recognise: {sentence}")

    def tell_of(self, photo: str, error: FacesError) -> None:
        self.tell(str(error) if photo in str(error) else f"{photo}: {error}")


def _photos(given: str, troubles: _Troubles) -> list[tuple[str, Path]]:
    """Photos by what they are called in the output: the folder as it was typed, and the path in it."""
    place = Path(given)
    if not is_folder(place):
        return [(given, place)]
    photos, below, start = [], place.resolve(), given if given.endswith("/") else f"{given}/"
    for found in find_photos(place):
        # A link may have led out of the folder.
        inside = found.path.is_relative_to(below)
        name = f"{start}{found.path.relative_to(below)}" if inside else str(found.path)
        if isinstance(found, PhotoFile):
            photos.append((name, found.path))
        else:
            troubles.tell(f"{name}: {found.reason}")
    if not photos:
        raise RequestError(f"found no photo in {given}, needed at least one")
    return photos


def _known(client: FaceClient, portraits: Sequence[KnownPortrait], troubles: _Troubles) -> KnownPeople:
    """The first face of each portrait, which is the best found one; several and poor ones are warned of."""
    names, encodings = [], []
    files = [(str(portrait.file.path), portrait.file.path) for portrait in portraits]
    for portrait, (photo, answer) in zip(portraits, _encoded(client, files), strict=True):
        if isinstance(answer, FacesError):
            troubles.tell_of(photo, answer)
            continue
        if len(answer.faces) != 1:
            which = "the best found one counts" if answer.faces else f"{portrait.name} is not known by it"
            troubles.warn(f"{photo}: found {len(answer.faces)} faces, needed one: {which}")
        for face in answer.faces[:1]:
            names.append(portrait.name)
            encodings.append(face.encoding)
            if face.quality and (doubt := doubt_of(face.quality.total, face.quality.size)):
                troubles.warn(f"{photo}: {doubt}")
    if not encodings:
        raise NotOneFace("found no face in the photos of known people, needed at least one", 0)
    return KnownPeople(tuple(names), np.stack(encodings))


def _usable(answers: Iterator[tuple[str, Encoded | FacesError]], troubles: _Troubles) -> Iterator[tuple[str, Encoded]]:
    for photo, answer in answers:
        if isinstance(answer, FacesError):
            troubles.tell_of(photo, answer)
        else:
            yield photo, answer


def _encoded(client: FaceClient, photos: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, Encoded | FacesError]]:
    """The answers in order, as many asked for at a time as the API has engines.

    Raises:
        FaceApiUnavailable: the API is unavailable, and stayed so.
    """
    stop = Event()

    def ask(file: Path) -> Encoded | FacesError:
        try:
            return patiently(lambda: _ask(client, file), stop)
        except _OF_THE_PHOTO as error:
            return error

    with held_back() as check, ThreadPoolExecutor(in_flight_of(client)) as pool:
        try:
            answers = pool.map(ask, [file for _, file in photos])
            for (name, _), answer in zip(photos, answers, strict=True):
                check()
                yield name, answer
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _ask(client: FaceClient, file: Path) -> Encoded:
    answer = client.encode(file, file.name)
    if isinstance(answer, NotEncoded):
        raise answer.error
    return answer


def _print(photos: Iterator[Recognised], arguments: argparse.Namespace, invocation: Invocation) -> None:
    output = invocation.output
    if arguments.csv:
        for piece in spreadsheet.lines(_TITLES, (line for photo in photos for line in photo.lines())):
            output.data(piece)
        return
    for photo in photos:
        output.record({"photo": photo.name, "faces": [[asdict(match) for match in face] for face in photo.faces]})
        for line in photo.lines():
            fields = [line["photo"], line["name"], *([line["distance"]] if arguments.show_distance else [])]
            output.result(",".join(map(str, fields)))


def _tolerance(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 2:
        raise argparse.ArgumentTypeError(f"found {text!r}, needed a number from 0 to 2")
    return number


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"found {text!r}, needed true or false")
    return text == "true"
