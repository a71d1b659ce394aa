"""The group of what PHP and we both write, and the service's user in it."""

from __future__ import annotations

import grp
import subprocess
from dataclasses import dataclass

from installer.changes.change import Work
from installer.record import Footprint
from installer.sentence import Refusal, Sentence, say


@dataclass(frozen=True, slots=True)
class MakeGroup:
    """Makes the group where there is none, and puts the user into it."""

    group: str
    user: str

    def describe(self) -> list[Sentence]:
        """Making it, joining it."""
        found = []
        members = self._members()
        if members is None:
            found.append(say("make the group {group}", group=self.group))
        if self.user not in (members or []):
            found.append(say("put the user {user} into the group {group}", user=self.user, group=self.group))
        return found

    def do(self, work: Work) -> None:
        """Make it and join it."""
        if self._members() is None:
            work.record.add(Footprint("group", self.group, data=True))
            _run("groupadd", "--system", self.group)
        if self.user not in (self._members() or []):
            work.record.add(Footprint("member", f"{self.user} {self.group}", data=True))
            _run("usermod", "--append", "--groups", self.group, self.user)

    def _members(self) -> list[str] | None:
        try:
            return grp.getgrnam(self.group).gr_mem
        except KeyError:
            return None


def _run(*words: str) -> None:
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Refusal(say("could not do: {words} ({why})", words=" ".join(words), why=ended.stderr.strip()))
