"""dlib built for this machine's CPU, in place of the wheel: only if it finds the same faces with the same encodings."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from installer.changes.change import Work
from installer.sentence import Language, Refusal, Sentence, say

#: Largest distance (L2) between two encodings of a face; two photos of one person are 0.3 to 0.6 apart.
FARTHEST = 1e-5

#: For this CPU; a multiplication and an addition in one would change the last bits, and with them the boxes'
#: scores, so that the native library's scan, three times as fast as dlib's, would not be used.
_FLAGS = "-O3 -march=native -ffp-contract=off"

#: Prints the faster parts that fit this dlib, and boxes and encodings of all photos below a folder, found by dlib alone
#: without anything faster.
_LOOK = """
import json, pathlib, sys
from faces.photo.decoding import PhotoLimits
from faces.photo.open_engine import open_engine
from faces.settings import load
engine = open_engine(load(fast=()))
found = {}
for path in sorted(file for file in pathlib.Path(sys.argv[1]).rglob("*") if file.suffix in {".jpg", ".png"}):
    faces = engine.find(engine.decode(path.read_bytes(), PhotoLimits(120_000_000, 64_000_000))).faces
    found[path.name] = [
        {
            "box": [face.box.top, face.box.right, face.box.bottom, face.box.left],
            "encoding": list(map(float, face.encoding)),
        }
        for face in faces
    ]
print(json.dumps({"fast": sorted(open_engine(load()).fast), "photos": found}))
"""

_DONE = ".native"


class Found(TypedDict):
    """What one dlib finds: the faster parts that fit it, and faces by photo."""

    fast: list[str]
    photos: dict[str, list[dict[str, list[float]]]]


@dataclass(frozen=True, slots=True)
class BuildDlib:
    """Into the release's venv. What was decided is in the release's file `.native`."""

    release: Path

    def describe(self) -> list[Sentence]:
        """Building and comparing."""
        if (self.release / _DONE).exists():
            return []
        return [say("build dlib for this CPU (10 to 30 minutes), compare it, and use it if it finds the same")]

    def do(self, work: Work) -> None:
        """Build, compare, take it or leave it."""
        if (self.release / _DONE).exists():
            return
        work.tell(say("building dlib for this CPU"))
        wheel = self._build(work)
        if not (self.release / ".cache/samples/.done").exists():
            self._run(str(self.release / "script/samples"))
        beside = self.release / ".cache/dlib-built"
        self._pip("install", "--no-index", "--no-deps", "--upgrade", "--target", str(beside), str(wheel))
        reason = difference(self._look(None), self._look(beside))
        if reason:
            work.tell(say("dlib built here is not used: {reason}", reason=reason))
        else:
            self._pip("uninstall", "--yes", "dlib-bin")
            self._pip("install", "--no-index", "--no-deps", "--force-reinstall", str(wheel))
            work.tell(say("dlib built here finds the same faces and is used"))
        text = Language().render(reason) if reason else "built here"
        shutil.rmtree(self.release / ".cache", ignore_errors=True)
        (self.release / _DONE).write_text(f"{text}\n", encoding="utf-8")

    def _build(self, work: Work) -> Path:
        folder = self.release / ".cache/dlib"
        if wheels := sorted(folder.glob("dlib-*.whl")):
            return wheels[0]
        words = [*self._pip_words("wheel"), "--verbose", "--no-deps", "--no-binary", "dlib", "--no-build-isolation"]
        words += ["--require-hashes", "--wheel-dir", str(folder), "-r", str(self.release / "requirements-dlib.txt")]
        environment = os.environ | {"CXXFLAGS": _FLAGS, "CFLAGS": _FLAGS}
        shown, last = -10, ""
        with subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process:
            for line in process.stdout or ():
                last = line.strip() or last
                percent = re.match(r"\s*\[\s*(\d+)%\]", line)
                if percent and int(percent[1]) >= shown + 10:
                    shown = int(percent[1])
                    work.tell(say("building dlib: {percent} %", percent=shown))
        if process.returncode:
            raise Refusal(say("dlib could not be built: {why}; run this again, with --native or without", why=last))
        return next(folder.glob("dlib-*.whl"))

    def _look(self, beside: Path | None) -> Found:
        folders = [str(beside)] if beside else []
        environment = {"PATH": os.environ["PATH"], "HOME": "/root", "OPENBLAS_NUM_THREADS": "1"}
        ended = subprocess.run(
            [str(self.release / ".venv/bin/python"), "-c", _LOOK, str(self.release / ".cache/samples")],
            env=environment | {"PYTHONPATH": ":".join([*folders, str(self.release)])},
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            why = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
            raise Refusal(say("dlib built here could not be compared: {why}", why=why))
        found: Found = json.loads(ended.stdout.splitlines()[-1])
        return found

    def _pip(self, *words: str) -> None:
        self._run(*self._pip_words(*words))

    def _pip_words(self, *words: str) -> list[str]:
        python = str(self.release / ".venv/bin/python")
        return [python, "-m", "pip", "--disable-pip-version-check", "--no-input", *words]

    def _run(self, *words: str) -> None:
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        if ended.returncode:
            why = (ended.stderr.strip().splitlines() or ["-"])[-1]
            raise Refusal(say("could not do: {words} ({why})", words=" ".join(words), why=why))


def difference(usual: Found, built: Found) -> Sentence | None:
    """What the built one finds otherwise; None where it is the same. No face at all proves nothing."""
    if lost := sorted(set(usual["fast"]) - set(built["fast"])):
        return say("these faster parts would not fit it: {parts}", parts=", ".join(lost))
    if not any(usual["photos"].values()):
        return say("no face was there to compare")
    for name, faces in usual["photos"].items():
        others = built["photos"].get(name, [])
        if [face["box"] for face in faces] != [face["box"] for face in others]:
            return say("it finds other boxes in {name}", name=name)
        for one, other in zip(faces, others, strict=True):
            if not math.dist(one["encoding"], other["encoding"]) < FARTHEST:
                return say("it gives another encoding in {name}", name=name)
    return None
