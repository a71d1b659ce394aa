"""The library's photos as gold sets see them: by content, each once, copies together, with all faces that are known.

Reads rows; what only a file or the face API can say is asked of `PhotoFiles`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol, TypeVar

from faces.gold.box_pairs import pairs
from faces.gold.gold_file import GoldMark, GoldSet, Says, hint_of, is_markable, rounded
from faces.people.kept_face import FaceState, Said
from faces.photo.face import RatioBox
from faces.store.database import Store
from faces.store.sidecar import marked_photos
from faces.store.sidecar.marked_photos import StoredFace, StoredPhoto

_T = TypeVar("_T")

#: Images, and contents, that are read at a time.
_AT_ONCE = 500

_ANSWERED = {
    FaceState.CONFIRMED: Says.PERSON,
    FaceState.STRANGER: Says.STRANGER,
    FaceState.NOT_FACE: Says.NOT_FACE,
}


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a photo's file is."""

    sha256: bytes
    size: int


class PhotoFiles(Protocol):
    """What files say of photos, and the face API."""

    def size(self, photo: StoredPhoto) -> int | None:
        """The bytes of the photo's file; None where it cannot be read."""

    def read(self, photo: StoredPhoto) -> ReadFile | None:
        """What the file is; None where it cannot be read."""

    def boxes(self, photo: StoredPhoto) -> Mapping[int, RatioBox]:
        """Where the photo's faces are, by id, as far as the face API finds them there."""


@dataclass(frozen=True, slots=True)
class LibraryFace:
    """A face of a photo, and what is known of it."""

    id: int
    image_id: int
    box: RatioBox
    state: FaceState
    person_id: int | None
    person: str | None
    answer: Said | None
    taken_back: bool = False
    """Whether people have once said here who it is, and nothing is said of it now."""

    @property
    def is_answered(self) -> bool:
        """Whether people have said what it is."""
        return self.state in _ANSWERED

    @property
    def mark(self) -> GoldMark | None:
        """What people have said of it, as a mark; None where nothing, or that it is a person without a name."""
        says = _ANSWERED.get(self.state)
        if says is None or (says is Says.PERSON and self.person is None):
            return None
        return GoldMark(rounded(self.box), says, self.person if says is Says.PERSON else None)


@dataclass(frozen=True, slots=True)
class Content:
    """A photo by its content."""

    sha256: str
    size: int
    hint: str
    checked: bool
    """Whether its faces were looked for."""
    faces: tuple[LibraryFace, ...]


@dataclass(slots=True)
class Unusable:
    """What had to be left out, and told: examples, and how many."""

    files: list[str] = field(default_factory=list)
    """Photos whose file cannot be read, by disk and name."""
    faces: list[int] = field(default_factory=list)
    """Faces of which it is not known where they are."""


@dataclass(frozen=True, slots=True)
class _OneContent:
    """The images of one content, and the size of their file."""

    size: int
    images: list[StoredPhoto]


@dataclass(slots=True)
class Contents:
    """The photos of a database by content."""

    store: Store
    files: PhotoFiles
    unusable: Unusable = field(default_factory=Unusable)

    def of_gold(self, gold: GoldSet) -> Iterator[Content]:
        """The photos here that a gold set has marks of; of files only those of their sizes are read."""
        with self.store.reading() as transaction:
            images = marked_photos.all_images(transaction)
        yield from self._read(self._by_content(images, gold, every=False))

    def answered(self, gold: GoldSet) -> Iterator[Content]:
        """Photos with a face of which people have said what it is, and those that a gold set has marks of."""
        with self.store.reading() as transaction:
            answered = marked_photos.answered_images(transaction)
            others = marked_photos.all_images(transaction) if gold else ()
        found = self._by_content(answered, gold, every=True)
        known = set(answered)
        for sha256, one in self._by_content(
            [image for image in others if image not in known], gold, every=False
        ).items():
            # Copies of which nothing was said.
            found.setdefault(sha256, _OneContent(one.size, [])).images.extend(one.images)
        yield from self._read(found, looks_back=True)

    def _by_content(self, images: Sequence[int], gold: GoldSet, *, every: bool) -> dict[bytes, _OneContent]:
        wanted = {bytes.fromhex(sha256) for sha256 in gold}
        sizes = {photo.size for photo in gold.values()}
        found: dict[bytes, _OneContent] = {}
        for some in _in_parts(images):
            with self.store.reading() as transaction:
                photos = marked_photos.photos(transaction, some)
            for photo in photos:
                one = self._content(photo, None if every else sizes)
                if one is not None and (every or one.sha256 in wanted):
                    found.setdefault(one.sha256, _OneContent(one.size, [])).images.append(photo)
        return found

    def _content(self, photo: StoredPhoto, sizes: Collection[int] | None) -> ReadFile | None:
        """What a photo is; None where it is of none of these sizes, or cannot be read."""
        if photo.sha256 is not None and photo.size is not None:
            return ReadFile(photo.sha256, photo.size)
        size = self.files.size(photo) if sizes is not None else None
        if sizes is not None and size is not None and size not in sizes:
            return None
        read = self.files.read(photo) if sizes is None or size is not None else None
        if read is None:
            self.unusable.files.append(f"{photo.disk or ''}:{photo.filename}")
        return read

    def _read(self, found: Mapping[bytes, _OneContent], *, looks_back: bool = False) -> Iterator[Content]:
        for some in _in_parts(sorted(found)):
            images = [photo for sha256 in some for photo in found[sha256].images]
            with self.store.reading() as transaction:
                stored = marked_photos.faces_in(transaction, [photo.image_id for photo in images])
                silent = [face.id for of in stored.values() for face in of if face.state not in _ANSWERED]
                back = marked_photos.taken_back(transaction, silent) if looks_back else set[int]()
            for sha256 in some:
                yield self._whole(sha256.hex(), found[sha256], stored, back)

    def _whole(
        self, sha256: str, one: _OneContent, stored: Mapping[int, Sequence[StoredFace]], back: set[int]
    ) -> Content:
        photos = sorted(one.images, key=lambda photo: photo.image_id)
        faces = together([self._placed(photo, stored[photo.image_id], back) for photo in photos])
        checked = any(photo.checked for photo in photos)
        return Content(sha256, one.size, hint_of(photos[0].filename), checked, tuple(faces))

    def _placed(self, photo: StoredPhoto, stored: Sequence[StoredFace], back: set[int]) -> list[LibraryFace]:
        asked = self.files.boxes(photo) if any(face.box is None for face in stored) else {}
        placed = []
        for face in stored:
            box = face.box or asked.get(face.id)
            if box is None or not is_markable(box):
                self.unusable.faces.append(face.id)
                continue
            who = (face.state, face.person_id, face.person, face.answer)
            placed.append(LibraryFace(face.id, face.image_id, box, *who, taken_back=face.id in back))
        return placed


def together(images: Sequence[Sequence[LibraryFace]]) -> list[LibraryFace]:
    """The faces of several images of one photo, each once: one of which something was said, else the first."""
    if not images:
        return []
    faces = list(images[0])
    for others in images[1:]:
        same = pairs([face.box for face in faces], [face.box for face in others])
        for place, other in same.items():
            if others[other].is_answered and not faces[place].is_answered:
                faces[place] = others[other]
        faces += [face for place, face in enumerate(others) if place not in set(same.values())]
    return faces


def _in_parts(of: Sequence[_T]) -> Iterator[list[_T]]:
    rest = iter(of)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
