from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_nothing_is_imported_from_where_the_person_stands(tmp_path: Path) -> None:
    """Root may stand in a folder of the app, which the web server writes."""
    for name in ("sys.py", "json.py", "argparse.py", "installer.py", "faces.py"):
        (tmp_path / name).write_text("raise SystemExit('strange code was run')")
    (tmp_path / "installer").mkdir()
    (tmp_path / "installer/__init__.py").write_text("raise SystemExit('strange code was run')")
    ended = subprocess.run([ROOT / "install.sh", "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert ended.stderr == ""
    assert ended.stdout.startswith("usage: install.sh ")
