"""One run of schemathesis against an API: all its checks, so many cases of each operation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache/hypothesis"
SETTINGS = Path(__file__).with_name("schemathesis.toml")
OF_PEOPLE = Path(__file__).with_name("people.toml")

#: What the API is to be set up with: a debug picture that has no place is to be a warning, since paths are any text.
API = {"FACE_DEBUG_PICTURES": "best_effort"}


#: Schemathesis shows a wrong key beside the right one. One of those shown is enough, so where no path is free of keys
#: that is no finding; other tests show wrong ones alone.
_OF_KEYS = ["--exclude-checks", "ignored_auth"]


def findings(url: str, key: str | None, cases: int, seed: int, settings: Path = SETTINGS) -> str | None:
    """Ask the API at `url` whatever its document allows and forbids. What differs, in schemathesis' words, or None."""
    words = ["--config-file", str(settings), "run", f"{url}/openapi.json", "--checks", "all"]
    words += ["--max-examples", str(cases), "--seed", str(seed), *(["--header", f"X-API-Key: {key}"] if key else [])]
    words += _OF_KEYS if settings == OF_PEOPLE else []
    ended = subprocess.run(
        [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120", "HYPOTHESIS_STORAGE_DIRECTORY": str(CACHE)},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return ended.stdout + ended.stderr if ended.returncode else None
