"""The native library compiled in other ways: warnings as errors, with sanitizers, for a CPU that lacks something."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dlib
import numpy as np
import pytest

from faces.photo import models
from faces.photo.fast import resnet_file
from faces.photo.fast.native_library import Code, LibraryUnusable, load
from faces.photo.fast.resnet import Resnet

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "native/src"

LANGUAGE = ("-std=c11", "-D_POSIX_C_SOURCE=200809L", "-pthread", "-ffp-contract=off")
STRICT = (*LANGUAGE, "-O3", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden")
SANITIZERS = "-fsanitize=address,undefined,float-divide-by-zero,float-cast-overflow"
#: A leak is told with the names of those who called for the memory.
SANITIZED = (*LANGUAGE, "-O1", "-g", "-fno-omit-frame-pointer", SANITIZERS, "-fno-sanitize-recover=all")

pytestmark = pytest.mark.long


def compiled(library: Path, sources: Path, *flags: str) -> Path:
    files = sorted(str(file) for file in sources.glob("*.c"))
    subprocess.run(["gcc", *flags, "-fPIC", "-shared", *files, "-o", str(library), "-lm"], check=True)
    return library


def test_no_line_is_worth_a_warning(tmp_path: Path) -> None:
    assert load(compiled(tmp_path / "strict.so", SOURCES, *STRICT)).lanczos


def gcc_file(name: str) -> str:
    return subprocess.run(
        ["gcc", f"-print-file-name={name}"], check=True, capture_output=True, text=True
    ).stdout.strip()


def fuzzed(program: str, library: Path, count: int) -> subprocess.CompletedProcess[str]:
    """A fuzz in a process of its own, where the sanitizers' library comes first and sees every allocation."""
    environment = os.environ | {
        # dlib throws, which the sanitizers' library only follows if C++'s own is there from the start.
        "LD_PRELOAD": f"{gcc_file('libasan.so')} {gcc_file('libstdc++.so')}",
        "PYTHONMALLOC": "malloc",
        # What the interpreter and its packages leave behind is not our matter; see below.
        "LSAN_OPTIONS": "exitcode=0",
    }
    command = [sys.executable, "-m", program, str(library), "3", str(count)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_resizes_touch_no_memory_but_their_own_and_leave_none_behind(tmp_path: Path) -> None:
    ended = fuzzed("tests.fuzz.resizes", compiled(tmp_path / "sanitized.so", SOURCES, *SANITIZED), 3000)
    assert ended.returncode == 0, ended.stderr
    assert "lanczos" not in ended.stderr


def test_scans_touch_no_memory_but_their_own_and_leave_none_behind(tmp_path: Path) -> None:
    ended = fuzzed("tests.fuzz.scans", compiled(tmp_path / "sanitized.so", SOURCES, *SANITIZED), 1000)
    assert ended.returncode == 0, ended.stderr
    assert "face_scan" not in ended.stderr


#: What stands for the compiler's own cpuid.h: the same instruction, with one bit of its answer taken away.
CPUID = """
static inline int __get_cpuid_count(unsigned leaf, unsigned part, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {{
    __asm__("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "0"(leaf), "2"(part));
    if (leaf == {leaf}) *{register} &= ~(1u << {bit});
    return 1;
}}
static inline int __get_cpuid(unsigned leaf, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {{
    return __get_cpuid_count(leaf, 0, a, b, c, d);
}}
"""


def lacking(folder: Path, leaf: int, register: str, bit: int) -> str:
    """The flag by which a library compiled with it believes that its CPU lacks something."""
    (folder / "cpuid.h").write_text(CPUID.format(leaf=leaf, register=register, bit=bit), encoding="utf-8")
    return f"-I{folder}"


@pytest.mark.parametrize("lacks", ["nothing", "AVX2"])
def test_encodings_touch_no_memory_but_their_own_and_leave_none_behind(tmp_path: Path, lacks: str) -> None:
    without = [lacking(tmp_path, 7, "b", 5)] if lacks == "AVX2" else []
    library = compiled(tmp_path / "sanitized.so", SOURCES, *SANITIZED, *without)
    ended = fuzzed("tests.fuzz.encodings", library, 3)
    assert ended.returncode == 0, ended.stderr
    assert "resnet" not in ended.stderr


@pytest.mark.parametrize(
    ("program", "count", "file", "right", "wrong", "found"),
    [
        ("resizes", 100, "lanczos_strip.c", "at + SPREAD_BYTES <= bytes", "at < bytes", "heap-buffer-overflow"),
        ("resizes", 100, "lanczos.c", "free(resize->bench.cells);", "", "lanczos"),
        (
            "resizes",
            100,
            "lanczos_weights.c",
            "(int32_t)floor(weight + 0.5)",
            "(int32_t)floor(weight * 9e9)",
            "runtime error",
        ),
        ("encodings", 1, "resnet_stem.h", "y < CHIP_SIDE;", "y <= CHIP_SIDE;", "heap-buffer-overflow"),
        ("encodings", 1, "resnet_room.c", "free(room->memory);", "(void)room;", "resnet_room_make"),
        ("scans", 40, "feature.c", "SPARE_ROWS = 16", "SPARE_ROWS = 0", "heap-buffer-overflow"),
        ("scans", 40, "scan.c", "    room_free(&scanner->part_room);\n", "", "face_scan"),
        ("scans", 40, "search.c", "(1u << left) - 1", "(1u << (left + 32)) - 1", "runtime error"),
    ],
)
def test_the_sanitizers_see_a_mistake(
    tmp_path: Path, program: str, count: int, file: str, right: str, wrong: str, found: str
) -> None:
    sources = shutil.copytree(SOURCES, tmp_path / "src")
    text = (sources / file).read_text(encoding="utf-8")
    assert right in text
    (sources / file).write_text(text.replace(right, wrong), encoding="utf-8")
    library = compiled(tmp_path / "wrong.so", sources, *SANITIZED)
    assert found in fuzzed(f"tests.fuzz.{program}", library, count).stderr


@pytest.mark.parametrize(
    ("leaf", "register", "bit", "lack"),
    [(7, "b", 5, "lacks AVX2,"), (1, "c", 12, "lacks FMA,"), (1, "c", 27, "lacks AVX2 and FMA,")],
)
def test_a_cpu_without_what_is_needed_is_left_to_dlib_and_pillow(
    tmp_path: Path, leaf: int, register: str, bit: int, lack: str
) -> None:
    library = compiled(tmp_path / "old_cpu.so", SOURCES, *STRICT, lacking(tmp_path, leaf, register, bit))
    with pytest.raises(LibraryUnusable, match=lack):
        load(library)
    pixels = np.zeros((4, 4, 3), dtype=np.uint8)
    address = ctypes.c_void_p(pixels.ctypes.data)
    native = ctypes.CDLL(str(library))
    assert native.face_lanczos(address, 4, 4, 12, address, 2, 2, 0) == Code.UNSUPPORTED
    assert native.face_scanner_make(address, ctypes.byref(address)) == Code.UNSUPPORTED


def test_faces_are_encoded_on_a_cpu_that_lacks_something_too(tmp_path: Path) -> None:
    library = compiled(tmp_path / "old_cpu.so", SOURCES, *STRICT, lacking(tmp_path, 7, "b", 5))
    old = load(library, on_any_cpu=True)
    file = models.find().resnet
    chips = list(np.random.default_rng(1).integers(0, 256, (8, 150, 150, 3), np.uint8))
    truth = dlib.face_recognition_model_v1(str(file))
    distances = np.array(Resnet(old, resnet_file.read(file.read_bytes())).encode(chips))
    distances -= [np.array(truth.compute_face_descriptor(chip)) for chip in chips]
    assert max(np.linalg.norm(distances, axis=1)) < 1e-5
