"""From one release to the next: a link, the units of that release, a restart; and back if it does not serve."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from faces.system import atomic_file
from installer.changes.change import Change, Work
from installer.changes.release import FINISHED
from installer.install_paths import Places
from installer.ready import Readiness
from installer.record import Footprint
from installer.sentence import Refusal, Sentence, say
from installer.services.service import Service


@dataclass(frozen=True, slots=True)
class Switch:
    """`switching.json` says from where to where, from before the first change until the new release has answered."""

    release: Path
    source: Path
    """Where the release is made from: the same files, before it is there."""
    places: Places
    service: Service
    readiness: Readiness

    def describe(self) -> list[Sentence]:
        """The link, the files, what is started."""
        found = []
        if self._current() != self.release:
            found.append(say("link {path} -> {target}", path=self.places.current, target=self.release))
        found += [sentence for change in self._files() for sentence in change.describe()]
        if found or self.places.switching.exists():
            return [
                *found,
                say("restart the service and wait for /readyz at {address}", address=self.readiness.address),
            ]
        return self.service.not_running()

    def do(self, work: Work) -> None:
        """Switch, or continue a switch that was interrupted."""
        if not self.describe():
            return
        before = self._before()
        self._write_down(before)
        try:
            refused = self._turn_to(self.release, work)
        except Refusal as refusal:
            self._turn_back(before, work, refusal)
            raise
        self.places.switching.unlink()
        if refused:
            work.tell(say("the port refused connections for {seconds:.1f} s", seconds=refused))

    def _turn_to(self, release: Path, work: Work) -> float:
        self._point_to(release, work)
        files = [change for change in self.service.files(release / "etc") if change.describe()]
        # Of the socket's files only its addresses: all else of it waits for the next boot, and the port stays open.
        address_changed = any(
            "socket.d/" in str(sentence.fields.get("path")) for change in files for sentence in change.describe()
        )
        for change in files:
            change.do(work)
        work.tell(say("starting the service"))
        try:
            refused = self.service.restart(address_changed=address_changed)
            self._wait()
        except Refusal as refusal:
            words = say("the service's last words: {words}", words=self.service.last_words() or "-")
            raise Refusal(*refusal.sentences, words) from refusal
        return refused

    def _wait(self) -> None:
        if not self.readiness.wait():
            raise Refusal(
                say(
                    "found no answer at {address}/readyz within {seconds:.0f} s, needed 200",
                    address=self.readiness.address,
                    seconds=self.readiness.seconds,
                )
            )

    def _turn_back(self, before: Path | None, work: Work, refusal: Refusal) -> None:
        """To what served before; where nothing did, nothing is left running.

        Raises:
            Refusal: with what happened, and what serves now.
        """
        if before is None or before == self.release:
            self.service.stop()
            self.places.switching.unlink()
            raise Refusal(
                *refusal.sentences, say("the service is stopped; run this again when the reason is gone")
            ) from refusal
        work.tell(say("the new release does not serve: back to {before}", before=before.name))
        # Not one to go back to later; run again, its set-up is looked through once more.
        (self.release / FINISHED).unlink(missing_ok=True)
        try:
            self._turn_to(before, work)
        except Refusal as again:
            raise Refusal(
                *refusal.sentences, say("going back to {before} failed, too: {why}", before=before.name, why=again)
            ) from refusal
        self.places.switching.unlink()
        raise Refusal(*refusal.sentences, say("the release {before} serves again", before=before.name)) from refusal

    def _point_to(self, release: Path, work: Work) -> None:
        work.record.add(Footprint("link", str(self.places.current)))
        beside = self.places.current.with_name(".current.new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(release)
        beside.rename(self.places.current)

    def _files(self) -> list[Change]:
        return self.service.files(self.source / "etc")

    def _current(self) -> Path | None:
        return self.places.current.readlink() if self.places.current.is_symlink() else None

    def _before(self) -> Path | None:
        """The release that served last: an interrupted switch wrote it down."""
        if self.places.switching.exists():
            told = json.loads(self.places.switching.read_bytes())["from"]
            before = Path(told) if told else None
        else:
            before = self._current()
        return before if before and (before / FINISHED).exists() else None

    def _write_down(self, before: Path | None) -> None:
        text = json.dumps({"from": str(before) if before else None, "to": str(self.release)})
        atomic_file.replace_as(self.places.switching, text.encode(), 0o644)


@dataclass(frozen=True, slots=True)
class RemoveOldReleases:
    """All but the one in use and the one before it."""

    release: Path
    places: Places

    def describe(self) -> list[Sentence]:
        """Which."""
        return [say("remove the old release {folder}", folder=folder) for folder in self._old()]

    def do(self, work: Work) -> None:
        """Remove them; an interrupted one is no release any more."""
        for folder in self._old():
            (folder / FINISHED).unlink(missing_ok=True)
            shutil.rmtree(folder)

    def _old(self) -> list[Path]:
        if not self.places.releases.is_dir():
            return []
        others = [folder for folder in self.places.releases.iterdir() if folder != self.release]
        finished = sorted((folder for folder in others if (folder / FINISHED).exists()), key=_finished_at)
        current = self.places.current.readlink() if self.places.current.is_symlink() else None
        kept = {current, *([finished[-1]] if finished else [])}
        return sorted(folder for folder in others if folder not in kept)


def _finished_at(folder: Path) -> float:
    return (folder / FINISHED).stat().st_mtime
