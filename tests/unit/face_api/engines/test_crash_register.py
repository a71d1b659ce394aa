from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from face_api.engines.crash_register import REMEMBERED, CrashRegister, Mark
from faces.errors import CrashedBefore, SettingsError
from faces.settings import load

PHOTO, OTHER = "a" * 64, "b" * 64


def _die_under(directory: Path, sha256: str) -> None:
    CrashRegister(directory).mark(sha256)
    os.kill(os.getpid(), signal.SIGKILL)


def crash(directory: Path, sha256: str) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_die_under, args=(directory, sha256))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL


def test_a_photo_that_ended_two_processes_is_refused_and_others_are_not(tmp_path: Path) -> None:
    register = CrashRegister(tmp_path)
    crash(tmp_path, PHOTO)
    register.refuse_repeated(PHOTO)
    crash(tmp_path, PHOTO)
    with pytest.raises(CrashedBefore, match="2 processes"):
        register.refuse_repeated(PHOTO)
    register.refuse_repeated(OTHER)
    with pytest.raises(CrashedBefore):
        CrashRegister(tmp_path).refuse_repeated(PHOTO)


def test_a_photo_in_hand_is_no_crash_and_a_removed_mark_neither(tmp_path: Path) -> None:
    register = CrashRegister(tmp_path)
    marks = [register.mark(PHOTO) for _ in range(3)]
    CrashRegister(tmp_path).refuse_repeated(PHOTO)
    for mark in marks:
        mark.remove()
        mark.remove()
    assert [*(tmp_path / "in_hand").iterdir(), *(tmp_path / "crashed").iterdir()] == []


def test_two_threads_may_remove_one_mark_at_the_same_moment(tmp_path: Path) -> None:
    register, together = CrashRegister(tmp_path), threading.Barrier(2)

    def remove(mark: Mark) -> None:
        together.wait()
        mark.remove()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(2) as pool:
            for _ in range(300):
                mark = register.mark(PHOTO)
                for removed in [pool.submit(remove, mark) for _ in range(2)]:
                    removed.result()
    finally:
        sys.setswitchinterval(interval)
    assert list((tmp_path / "in_hand").iterdir()) == []


def test_a_crash_is_forgotten_after_a_day(tmp_path: Path) -> None:
    register = CrashRegister(tmp_path)
    crash(tmp_path, PHOTO)
    crash(tmp_path, PHOTO)
    register.collect_crashes()
    for file in (tmp_path / "crashed").iterdir():
        os.utime(file, (time.time() - REMEMBERED - 1,) * 2)
    register.refuse_repeated(PHOTO)
    assert list((tmp_path / "crashed").iterdir()) == []


def test_a_mark_from_before_a_reboot_blames_nobody(tmp_path: Path) -> None:
    register = CrashRegister(tmp_path)
    assert register.why_unwritable() is None
    for number in range(2):
        (tmp_path / "in_hand" / f"{PHOTO}.another-boot.{number}.1").touch()
    register.refuse_repeated(PHOTO)
    assert list((tmp_path / "in_hand").iterdir()) == []


def test_a_state_folder_that_was_asked_for_must_be_writable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="FACE_STATE_DIR"):
        CrashRegister.of(load(state_dir=tmp_path / "file"))
