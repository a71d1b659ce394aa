"""What the switch asks of systemd and of supervisor."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Protocol

from installer.changes.change import Change
from installer.sentence import Refusal, Sentence, say


class Service(Protocol):
    """Starts, restarts and stops the API and the workers."""

    def files(self, etc: Path) -> list[Change]:
        """Units or programs of a release, from its folder `etc`."""
        ...

    def not_running(self) -> list[Sentence]:
        """What `start` would start, enable or stop."""
        ...

    def restart(self, *, address_changed: bool) -> float:
        """Everything as its files say it now, also at the next boot; returns the seconds that refused connections.

        Raises:
            Refusal: it did not start.
        """
        ...

    def stop(self) -> None:
        """Everything, also at the next boot."""
        ...

    def forget(self) -> None:
        """After the files are gone: nothing of them is kept in memory."""
        ...

    def last_words(self) -> str:
        """What the API wrote last, for a person."""
        ...


def command(*words: str) -> str:
    """Run it and return what it prints.

    Raises:
        Refusal: it failed; with its last words.
    """
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    if ended.returncode:
        lines = (ended.stderr.strip() or ended.stdout.strip() or f"exit code {ended.returncode}").splitlines()
        raise Refusal(say("could not do: {words} ({why})", words=" ".join(words), why=lines[0]))
    return ended.stdout


def filled(text: str, prefix: Path) -> bytes:
    """A file of ours for another prefix than the usual one."""
    return text.replace("/opt/face-sidecar", str(prefix)).encode()
