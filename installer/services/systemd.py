"""The sidecar under systemd: units with drop-ins that fit this machine, and systemctl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from installer.changes.change import Change
from installer.changes.files import MakeFolder, PutFile
from installer.face_env import FaceEnv
from installer.install_paths import Places
from installer.machine_share import MachineShare
from installer.sentence import Refusal, Sentence, say
from installer.services.service import command, filled

TARGET, SOCKET, API, WORKER = "face.target", "face-api.socket", "face-api.service", "face-worker@.service"

_HEAD = "# Written by install.sh from face.env and from this machine; the next run of it writes it anew.\n"


@dataclass(frozen=True, slots=True)
class Systemd:
    """The units, for `workers` workers."""

    places: Places
    share: MachineShare
    workers: int
    settings: FaceEnv

    def files(self, etc: Path) -> list[Change]:
        """Units of the release, each with its drop-in."""
        changes: list[Change] = []
        for name, settings in self._drop_ins().items():
            text = (etc / "systemd" / name).read_text(encoding="utf-8")
            folder = self.places.units / f"{name}.d"
            changes.append(PutFile(self.places.units / name, filled(text, self.places.prefix)))
            if settings:
                changes += [MakeFolder(folder), PutFile(folder / "box.conf", (_HEAD + settings).encode())]
        return changes

    def not_running(self) -> list[Sentence]:
        """Units that should run and do not, or that should not and do."""
        found = [say("enable and start {unit}", unit=unit) for unit in self._units() if not _is_on(unit)]
        return found + [say("stop and disable {unit}", unit=unit) for unit in self._surplus()]

    def restart(self, *, address_changed: bool) -> float:
        """The socket stays open meanwhile, unless it has to be another one."""
        command("systemctl", "daemon-reload")
        if address_changed:
            command("systemctl", "stop", API, SOCKET)
        surplus = self._surplus()
        if surplus:
            command("systemctl", "disable", "--now", *surplus)
        subprocess.run(["systemctl", "reset-failed", *self._units()], check=False, capture_output=True)
        command("systemctl", "enable", *self._units())
        command("systemctl", "start", SOCKET)
        command("systemctl", "restart", API)
        workers = [unit for unit in self._units() if unit.startswith("face-worker@")]
        if workers:
            command("systemctl", "restart", *workers)
        command("systemctl", "start", TARGET)
        return 0.0

    def stop(self) -> None:
        """The socket, too: PHP's next request would start the service again."""
        here = [unit for unit in (TARGET, SOCKET, API) if (self.places.units / unit).exists()]
        running = _workers()
        if here or running:
            subprocess.run(["systemctl", "disable", "--now", *here, *running], check=False, capture_output=True)

    def forget(self) -> None:
        """Units without files."""
        subprocess.run(["systemctl", "daemon-reload"], check=False, capture_output=True)
        subprocess.run(["systemctl", "reset-failed", "face-*"], check=False, capture_output=True)

    def last_words(self) -> str:
        """Of the journal."""
        words = ["journalctl", "--unit", API, "--lines", "5", "--no-pager", "--output", "cat"]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()

    def _units(self) -> list[str]:
        return [SOCKET, API, *(f"face-worker@{number}.service" for number in range(1, self.workers + 1)), TARGET]

    def _surplus(self) -> list[str]:
        return [unit for unit in _workers() if unit not in self._units()]

    def _drop_ins(self) -> dict[str, str]:
        settings, share = self.settings, self.share
        listen = [f"ListenStream={address}" for address in settings.listening()]
        # What the app has below /home is seen, and still only what its rights and ReadWritePaths= allow.
        both = ["ProtectHome=read-only"] if settings.is_at_home else []
        api = [
            f"MemoryHigh={share.memory_high_mb}M",
            f"MemoryMax={share.memory_max_mb}M",
            f"CPUQuota={share.cpu_percent}%",
        ]
        api += [f"ReadWritePaths=-{root}" for root in settings.disk_roots]
        worker = [f"MemoryMax={share.worker_memory_max_mb}M", "CPUQuota=100%"]
        return {
            TARGET: "",
            SOCKET: _section("Socket", ["ListenStream=", *listen]),
            API: _section("Service", [*api, *_stop(settings.api_stop_seconds), *both]),
            WORKER: _section("Service", [*worker, *_stop(settings.worker_stop_seconds), *both]),
        }


def _section(name: str, lines: list[str]) -> str:
    return "\n".join([f"[{name}]", *lines, ""])


def _stop(seconds: int | None) -> list[str]:
    return [f"TimeoutStopSec={seconds}"] if seconds else []


def _is_on(unit: str) -> bool:
    def answer(word: str) -> bool:
        return subprocess.run(["systemctl", "--quiet", word, unit], check=False, capture_output=True).returncode == 0

    return answer("is-active") and answer("is-enabled")


def _workers() -> list[str]:
    words = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "face-worker@*"]
    try:
        listed = command(*words)
    except (Refusal, FileNotFoundError):
        return []
    return [line.split()[0] for line in listed.splitlines() if line.split()]
