"""Debian packages that are missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from installer.changes.change import Work
from installer.sentence import Refusal, Sentence, say


@dataclass(frozen=True, slots=True)
class InstallPackages:
    """By script/packages.sh, so that nothing is started by it; supervisor by apt-get itself, which starts it."""

    names: tuple[str, ...]
    source: Path

    def describe(self) -> list[Sentence]:
        """Installing what is missing."""
        missing = self._missing()
        return [say("install Debian packages: {names}", names=" ".join(missing))] if missing else []

    def do(self, work: Work) -> None:
        """Install them."""
        quiet = [name for name in self._missing() if name != "supervisor"]
        if quiet:
            self._run("bash", "-c", '. "$0/script/packages.sh"; install_packages "$@"', str(self.source), *quiet)
        if "supervisor" in self._missing():
            self._run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "supervisor")

    def _missing(self) -> list[str]:
        return [name for name in self.names if not _is_installed(name)]

    def _run(self, *words: str) -> None:
        ended = subprocess.run(words, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if ended.returncode:
            sys.stderr.write(ended.stderr)
            raise Refusal(
                say("the Debian packages could not be installed: {names}; see above", names=" ".join(self._missing()))
            )


def _is_installed(name: str) -> bool:
    if shutil.which("dpkg-query") is None:
        return False
    words = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout == "installed"
