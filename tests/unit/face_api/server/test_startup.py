from __future__ import annotations

from pathlib import Path

import pytest

from face_api.server.startup import warn_of_pictures, warn_of_unwritable
from faces.settings import Settings


def test_a_root_that_cannot_be_written_is_said_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # Where nobody, not even root, may write: as the service sees a folder without its ReadWritePaths.
    warn_of_unwritable({"good": tmp_path, "gone": tmp_path / "gone", "kernel": Path("/proc/sys/kernel")})
    gone, kernel = caplog.messages
    assert gone == (
        f"FACE_DISK_ROOTS: no debug picture can be written to the disk gone: {tmp_path}/gone is not there, or is no "
        "folder; needed a folder that this user may write, and under systemd a line "
        f"ReadWritePaths={tmp_path}/gone for face-api"
    )
    assert "the disk kernel: /proc/sys/kernel is not writable; needed" in kernel


def test_a_setting_that_may_cost_names_is_said_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    roots = {"gone": tmp_path / "gone"}
    warn_of_pictures(Settings(disk_roots={}, debug_pictures="required"))
    assert caplog.messages == []
    warn_of_pictures(Settings(disk_roots=roots, debug_pictures="best_effort"))
    risk, gone = caplog.messages
    assert risk.startswith("FACE_DEBUG_PICTURES is best_effort: the app's images:faces:check deletes the faces")
    assert "the disk gone" in gone
    caplog.clear()
    warn_of_pictures(Settings(disk_roots=roots, debug_pictures="off"))
    (risk,) = caplog.messages
    assert risk.startswith("FACE_DEBUG_PICTURES is off: ")
