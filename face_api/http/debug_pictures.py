"""Where a request's debug picture is to be written, and what becomes of a request whose picture has no place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from faces.errors import NoDiskForPicture
from faces.laravel.disks import Disks
from faces.photo import debug_image
from faces.settings import DebugPictures


@dataclass(frozen=True, slots=True)
class PicturePlace:
    """The directory and the original's name for `debug_image.save`; no directory: no picture, and perhaps a warning."""

    directory: str | None
    name: str
    warning: str | None


NOT_ASKED = PicturePlace(None, "", None)


@dataclass(frozen=True, slots=True)
class PicturePlaces:
    """Decides as FACE_DEBUG_PICTURES says, before an engine spends a second on the photo."""

    disks: Disks
    debug_pictures: DebugPictures

    def place(self, original_path: str | None, original_disk: str | None, subdir: str) -> PicturePlace:
        """The place of an original's picture; asks the disk, and writes nothing that stays.

        Raises:
            OutsideDisks: a path that no request may name.
            NoDiskForPicture: pictures are required, and this one has no place.
            PictureNotWritten: pictures are required, and the disk is full, read-only or broken.
        """
        # Before the question whether there is to be one: what is no path is none in every request.
        found = self._found(original_path or "", original_disk, subdir)
        if not original_path:
            return NOT_ASKED
        if self.debug_pictures == "off":
            return PicturePlace(None, "", "no debug picture: FACE_DEBUG_PICTURES is off")
        if self.debug_pictures == "required":
            if found.directory is None:
                raise NoDiskForPicture(f"{found.warning}; {debug_image.NEEDED}")
            debug_image.require_place(Path(found.directory))
        return found

    def _found(self, original_path: str, original_disk: str | None, subdir: str) -> PicturePlace:
        name = PurePosixPath(original_path).name
        found = self.disks.debug_directory(original_path, original_disk, subdir)
        if not name:
            return PicturePlace(None, name, f"no debug picture: original_path is {original_path!r}, need a file's path")
        if found.path:
            return PicturePlace(str(found.path), name, None)
        return PicturePlace(None, name, found.reason or "no debug picture: FACE_DISK_ROOTS names no disk")
