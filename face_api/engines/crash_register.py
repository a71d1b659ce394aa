"""Which photos ended a process: a mark for each photo in hand, kept when nobody is left to remove it.

A mark is an empty file in `in_hand/`, named after the photo's SHA-256, whose process holds a lock on it. A mark
without a lock belongs to a process that died under the photo: whoever sees it first moves it to `crashed/`, so each
death counts once. Locks, and not process numbers, because numbers mean nothing across containers and restarts.
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

#: Processes that one photo may end before it is refused.
CRASHES_ALLOWED = 1

#: Seconds for which a crash counts.
REMEMBERED = 24 * 3600


#: What stands in the way of a folder that is the right one: a disk that is full, read-only or broken may come back.
_PASSES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)


def require_folder(settings: Settings) -> None:
    """Check that a FACE_STATE_DIR that was set can be a folder of ours, be its disk full or not.

    Raises:
        SettingsError: it cannot.
    """
    if "state_dir" in settings.model_fields_set:
        error = CrashRegister(settings.state_dir).why_not()
        if error is not None and error.errno not in _PASSES:
            raise SettingsError(f"FACE_STATE_DIR: {settings.state_dir} cannot be written ({error})") from error


class CrashRegister:
    """Marks below one directory. Safe to use from several processes at once."""

    def __init__(self, directory: Path) -> None:
        """Nothing is made or tried yet."""
        self._in_hand, self._crashed = directory / "in_hand", directory / "crashed"
        # A mark from before a reboot says that the machine went down, not that the photo ended a process.
        self._boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()

    @classmethod
    def of(cls, settings: Settings) -> CrashRegister:
        """The register below FACE_STATE_DIR; below the temporary folder when only the default is not writable.

        Where neither takes anything, photos that crash are counted again as soon as it does.

        Raises:
            SettingsError: as `require_folder`; or the one in the temporary folder is somebody else's.
        """
        require_folder(settings)
        register = cls(settings.state_dir)
        if reason := register.why_not():
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
        if register.why_not():
            return None
        _log.warning(
            "%s cannot be written (%s): photos that crash are remembered in %s until that is emptied; "
            "set FACE_STATE_DIR",
            settings.state_dir,
            reason,
            fallback,
        )
        return register

    def why_not(self) -> OSError | None:
        """Make the two folders and try them; what stands in the way, if anything does."""
        try:
            self._make_folders()
            for folder in (self._in_hand, self._crashed):
                with tempfile.TemporaryFile(dir=folder):
                    pass
        except OSError as error:
            return error
        return None

    def refuse_repeated(self, sha256: str) -> None:
        """Let a photo through that did not end two processes within a day.

        Raises:
            CrashedBefore: it did.
        """
        self.bury_dead()
        crashes = sum(1 for mark in self._crashed.glob(f"{sha256}.*") if _is_fresh(mark))
        if crashes > CRASHES_ALLOWED:
            raise CrashedBefore(
                f"this photo ended {crashes} processes of the face API within {REMEMBERED // 3600} hours; "
                "it is refused until a day after the last of them"
            )

    def mark(self, sha256: str) -> Mark:
        """Say that this process takes the photo in hand; `Mark.remove` says that it put it down alive."""
        self._make_folders()
        name = f"{sha256}.{self._boot}.{os.getpid()}.{time.monotonic_ns()}"
        # Locked before it has its name, so that nobody ever sees it without its lock.
        unnamed = self._in_hand / f".{name}"
        handle = os.open(unnamed, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            unnamed.rename(self._in_hand / name)
        except OSError:
            os.close(handle)
            raise
        return Mark(self._in_hand / name, handle)

    def bury_dead(self) -> None:
        """Count the photos whose process died, forget what is too old."""
        self._make_folders()
        for mark in self._in_hand.glob("[!.]*"):
            if self._bury(mark):
                sha256, _boot, pid, _at = mark.name.split(".")
                _log.error(
                    "process %s ended under the photo with SHA-256 %s; a second time, it is refused", pid, sha256
                )
        for mark in self._crashed.iterdir():
            if not _is_fresh(mark):
                mark.unlink(missing_ok=True)

    def _make_folders(self) -> None:
        """Also again: somebody may have swept them away while we ran."""
        for folder in (self._in_hand, self._crashed):
            folder.mkdir(parents=True, exist_ok=True)

    def _bury(self, mark: Path) -> bool:
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
            return False  # its process lives; or somebody else was quicker
        finally:
            os.close(handle)
        return True


class Mark:
    """The mark of the photo that this process has in hand."""

    def __init__(self, path: Path, handle: int) -> None:
        """Keep the locked handle open: the lock ends with the process, however that ends."""
        self._path, self._handle = path, handle
        # The engine puts a photo down while the event loop hears a signal: closed twice, the number would by then
        # belong to another file.
        self._lock = threading.Lock()

    def remove(self) -> None:
        """Take the mark away: the photo did no harm. Calling it twice, in two threads at once too, does nothing.

        Raises:
            OSError: its folder does not let it go.
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
