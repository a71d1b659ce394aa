"""Which photos crashed a process: a mark for each photo in hand, which stays when its process dies.

A mark is an empty file in `in_hand/`, named after the photo's SHA-256, whose process holds a lock on it. A mark
without a lock belongs to a process that died under the photo: the first process that sees it moves it to `crashed/`,
so that each crash counts once. Locks, not process ids, because ids mean nothing across containers and restarts.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import tempfile
import threading
import time
from pathlib import Path

from faces.errors import CrashedBefore, SettingsError
from faces.settings import Settings

_log = logging.getLogger(__name__)

#: Processes that one photo may crash before it is refused.
CRASHES_ALLOWED = 1

#: Seconds for which a crash counts.
REMEMBERED = 24 * 3600

#: Errors of a folder that is the right one, but whose disk is full, read-only or broken, perhaps only for now.
_TEMPORARY = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)


def require_folder(settings: Settings) -> None:
    """Check that a FACE_STATE_DIR that was set can be our folder, even if its disk is full now.

    Raises:
        SettingsError: it cannot.
    """
    if "state_dir" in settings.model_fields_set:
        error = CrashRegister(settings.state_dir).why_unwritable()
        if error is not None and error.errno not in _TEMPORARY:
            raise SettingsError(f"FACE_STATE_DIR: {settings.state_dir} cannot be written ({error})") from error


class CrashRegister:
    """The marks below one directory. Any number of processes may use it at once.

    The engine's thread marks and checks each photo; the master collects what dead processes left behind.
    """

    def __init__(self, directory: Path) -> None:
        """Touches no file yet."""
        self._in_hand, self._crashed = directory / "in_hand", directory / "crashed"
        # A mark from before a reboot says that the machine went down, not that the photo ended a process.
        self._boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()

    @classmethod
    def of(cls, settings: Settings) -> CrashRegister:
        """The register below FACE_STATE_DIR; below the temporary folder when only the default is not writable.

        Where neither can be written, crashes are not counted until FACE_STATE_DIR can be.

        Raises:
            SettingsError: as `require_folder`; or the folder in the temporary one belongs to another user.
        """
        require_folder(settings)
        register = cls(settings.state_dir)
        if reason := register.why_unwritable():
            if "state_dir" not in settings.model_fields_set and (
                fallback := cls._in_temporary_folder(reason, settings)
            ):
                return fallback
            _log.warning(
                "FACE_STATE_DIR: %s cannot be written (%s): photos that crash are not counted until it can",
                settings.state_dir,
                reason,
            )
        return register

    @classmethod
    def _in_temporary_folder(cls, reason: OSError, settings: Settings) -> CrashRegister | None:
        try:
            fallback = Path(tempfile.gettempdir()) / f"face-sidecar-{os.getuid()}"
            fallback.mkdir(mode=0o700, exist_ok=True)
            if fallback.is_symlink() or fallback.stat().st_uid != os.getuid():
                raise SettingsError(f"FACE_STATE_DIR: {fallback} belongs to somebody else; set it") from reason
        except OSError:
            return None
        register = cls(fallback)
        if register.why_unwritable():
            return None
        _log.warning(
            "%s cannot be written (%s): photos that crash are remembered in %s until that is emptied; "
            "set FACE_STATE_DIR",
            settings.state_dir,
            reason,
            fallback,
        )
        return register

    def why_unwritable(self) -> OSError | None:
        """Make the two folders and write a file into each; the error, or None."""
        try:
            self._make_folders()
            for folder in (self._in_hand, self._crashed):
                with tempfile.TemporaryFile(dir=folder):
                    pass
        except OSError as error:
            return error
        return None

    def refuse_repeated(self, sha256: str) -> None:
        """Refuse a photo that crashed more than `CRASHES_ALLOWED` processes within a day.

        Raises:
            CrashedBefore: it did.
        """
        self.collect_crashes()
        crashes = sum(1 for mark in self._crashed.glob(f"{sha256}.*") if _is_fresh(mark))
        if crashes > CRASHES_ALLOWED:
            raise CrashedBefore(
                f"this photo ended {crashes} processes of the face API within {REMEMBERED // 3600} hours; "
                "it is refused until a day after the last of them"
            )

    def mark(self, sha256: str) -> Mark:
        """Mark the photo as in this process's hand, until `Mark.remove`."""
        self._make_folders()
        name = f"{sha256}.{self._boot}.{os.getpid()}.{time.monotonic_ns()}"
        # Locked before it has its name, so that no process ever sees it without its lock.
        unnamed = self._in_hand / f".{name}"
        handle = os.open(unnamed, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            unnamed.rename(self._in_hand / name)
        except OSError:
            os.close(handle)
            raise
        return Mark(self._in_hand / name, handle)

    def collect_crashes(self) -> None:
        """Count the photos whose process died, and forget crashes that are too old."""
        self._make_folders()
        for mark in self._in_hand.glob("[!.]*"):
            if self._move_if_crashed(mark):
                sha256, _boot, pid, _at = mark.name.split(".")
                _log.error(
                    "process %s ended under the photo with SHA-256 %s; a second time, it is refused", pid, sha256
                )
        for mark in self._crashed.iterdir():
            if not _is_fresh(mark):
                mark.unlink(missing_ok=True)

    def _make_folders(self) -> None:
        """Also later, because a clean-up may have removed them while we ran."""
        for folder in (self._in_hand, self._crashed):
            folder.mkdir(parents=True, exist_ok=True)

    def _move_if_crashed(self, mark: Path) -> bool:
        """Move a mark whose process died under its photo to `crashed/`; True when this process did."""
        try:
            handle = os.open(mark, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if mark.name.split(".")[1] != self._boot:
                mark.unlink()
                return False
            os.utime(mark)
            mark.rename(self._crashed / mark.name)
        except (BlockingIOError, FileNotFoundError):
            return False  # its process lives, or another one has moved it
        finally:
            os.close(handle)
        return True


class Mark:
    """The mark of the photo that this process has in hand. Any thread may remove it."""

    def __init__(self, path: Path, handle: int) -> None:
        """Keep the locked handle open: the lock ends with the process, however that ends."""
        self._path, self._handle = path, handle
        # The engine may be done with a photo while the event loop handles a signal: closed twice, the descriptor could
        # belong to another file by then.
        self._lock = threading.Lock()

    def remove(self) -> None:
        """Remove the mark: the photo did no harm. Doing it twice, in two threads at once too, does nothing.

        Raises:
            OSError: the folder does not let it be removed.
        """
        with self._lock:
            if self._handle >= 0:
                self._path.unlink(missing_ok=True)
                os.close(self._handle)
                self._handle = -1


def _is_fresh(mark: Path) -> bool:
    try:
        return time.time() - mark.stat().st_mtime < REMEMBERED
    except FileNotFoundError:
        return False
