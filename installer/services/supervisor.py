"""The sidecar under supervisor: programs of their own files, and supervisorctl."""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from installer import ports
from installer.changes.change import Change
from installer.changes.files import PutFile
from installer.face_env import FaceEnv
from installer.install_paths import Places
from installer.sentence import Refusal, Sentence, say
from installer.services.service import command, filled

#: States of a program that ended.
_FAILED = {"BACKOFF", "FATAL", "EXITED"}

#: Seconds between two looks at the port.
_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The programs, with `workers` processes of the worker's one."""

    places: Places
    workers: int
    settings: FaceEnv

    def files(self, etc: Path) -> list[Change]:
        """Every program of the release, the worker's only where one is wanted."""
        changes: list[Change] = []
        for file in sorted((etc / "supervisor").glob("face-*.conf")):
            text = file.read_text(encoding="utf-8")
            is_worker = "worker" in file.name
            text = _with(text, "numprocs", max(1, self.workers))
            if is_worker and not self.workers:
                text = _with(text, "autostart", "false")
            if seconds := self.settings.worker_stop_seconds if is_worker else self.settings.api_stop_seconds:
                text = _with(text, "stopwaitsecs", seconds)
            changes.append(PutFile(self.places.programs / file.name, filled(text, self.places.prefix)))
        return changes

    def not_running(self) -> list[Sentence]:
        """Programs that are wanted and do not run."""
        up = {"RUNNING", "STARTING"}
        wanted = [name for name, state in _states().items() if state not in up and self._is_wanted(name)]
        if not any("face-api" in name for name in _states()):
            wanted.append("face-api")
        return [say("start {unit}", unit=name) for name in wanted]

    def restart(self, *, address_changed: bool) -> float:
        """Supervisor holds no port: returns the seconds for which connections were refused."""
        command("supervisorctl", "reread")
        was_there = _listens(self.settings.address)
        words = ["supervisorctl", "update"]
        refused = self._watch(words) if was_there else _run(words)
        ours = [name for name, state in _states().items() if self._is_wanted(name)]
        before = {name for name in ours if "face-worker" not in name}
        refused += (
            self._watch(["supervisorctl", "restart", *sorted(before)])
            if was_there
            else _run(["supervisorctl", "start", *sorted(before)])
        )
        workers = sorted(set(ours) - before)
        if workers:
            _run(["supervisorctl", "restart", *workers])
        return refused

    def stop(self) -> None:
        """Stop our programs; their files are removed afterwards."""
        ours = sorted(_states())
        if ours:
            subprocess.run(["supervisorctl", "stop", *ours], check=False, capture_output=True)

    def forget(self) -> None:
        """Programs without files."""
        subprocess.run(["supervisorctl", "update"], check=False, capture_output=True)

    def last_words(self) -> str:
        """Of the program's log."""
        name = next((name for name in _states() if "face-api" in name), "face-api")
        words = ["supervisorctl", "tail", name]
        return "\n".join(
            subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip().splitlines()[-5:]
        )

    def _is_wanted(self, name: str) -> bool:
        return "face-worker" not in name or self.workers > 0

    def _watch(self, words: list[str]) -> float:
        """Run it and look at the port meanwhile, and until a process listens again."""
        refused, last = 0.0, time.monotonic()
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            end = time.monotonic() + 120
            while process.poll() is None or (not _listens(self.settings.address) and time.monotonic() < end):
                if process.poll() is not None:
                    self._require_no_failure()
                time.sleep(_LOOK)
                now = time.monotonic()
                refused += 0.0 if _listens(self.settings.address) else now - last
                last = now
        return refused

    def _require_no_failure(self) -> None:
        """Supervisor tries a program that ends at once again and again; one that was just started is given up here.

        Raises:
            Refusal: it ended.
        """
        for name, state in _states().items():
            if self._is_wanted(name) and state in _FAILED:
                raise Refusal(
                    say("found {name} in supervisor's state {state}, needed it running", name=name, state=state)
                )


def _with(text: str, name: str, value: object) -> str:
    return re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)


def _run(words: list[str]) -> float:
    subprocess.run(words, check=False, capture_output=True)
    return 0.0


def _listens(address: str) -> bool:
    host, port = ports.split(address)
    return ports.answers(host, port)


def _states() -> dict[str, str]:
    """Our programs, by supervisor's names, and their states."""
    words = ["supervisorctl", "status"]
    listed = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    rows = (line.split() for line in listed.splitlines())
    return {row[0]: row[1] for row in rows if len(row) > 1 and re.search(r"(^|:)face-(api|worker)", row[0])}
