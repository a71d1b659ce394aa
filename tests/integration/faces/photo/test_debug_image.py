"""A debug picture on a disk that is full, as the kernel says it to a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def test_a_disk_that_takes_only_a_part_is_an_error_and_keeps_nothing(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path;"
        "from tests.unit.faces.photo import test_debug_image as t;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
        "t.saved(Path(sys.argv[1]), 'a.jpg')"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert "PictureNotWritten: the debug picture" in done.stderr
    assert "File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []
