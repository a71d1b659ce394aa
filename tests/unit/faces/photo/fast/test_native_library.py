"""Loading the native library: what it says of itself and of the CPU, and every reason not to use it."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import face_native
import pytest

from faces.photo.fast import native_library
from faces.photo.fast.native_library import ABI, Code, Lack, LibraryUnusable
from faces.photo.fast.resize import Order

ROOT = Path(__file__).resolve().parents[5]
HEADER = (ROOT / "native/src/face_native.h").read_text(encoding="utf-8")


def test_the_installed_library_can_be_used() -> None:
    assert native_library.load().lanczos


def numbers(kind: str) -> dict[str, int]:
    """The names and values of an enum in the header."""
    (body,) = re.findall(rf"enum {kind} \{{(.*?)\}};", HEADER, re.DOTALL)
    return {name: int(value) for name, value in re.findall(r"FACE_(\w+) = (\d+)", body)}


def test_python_and_the_header_agree_on_every_number() -> None:
    assert re.findall(r"#define FACE_ABI (\d+)", HEADER) == [str(ABI)]
    assert numbers("face_code") == {code.name: code for code in Code}
    assert numbers("face_lack") == {f"LACKS_{lack.name}": lack for lack in Lack}
    assert numbers("face_order") == {order.name: order for order in Order}


def test_what_it_says_of_the_cpu_is_what_the_kernel_says() -> None:
    words = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    expected = Lack(0)
    if platform.machine() != "x86_64":
        expected = Lack.X86_64
    else:
        expected |= Lack(0) if "avx2" in words else Lack.AVX2
        expected |= Lack(0) if "fma" in words else Lack.FMA
    assert ctypes.CDLL(str(face_native.library())).face_cpu_lacks() == expected


def test_the_library_of_another_interface_is_refused() -> None:
    assert native_library.reason_against(ABI, 0) is None
    assert native_library.reason_against(ABI + 1, 0) == (
        f"the native library has interface {ABI + 1}, need {ABI}: run script/setup"
    )


@pytest.mark.parametrize(
    ("lacks", "words"),
    [
        (Lack.AVX2, "this CPU or its operating system lacks AVX2"),
        (Lack.FMA, "this CPU or its operating system lacks FMA"),
        (Lack.AVX2 | Lack.FMA, "this CPU or its operating system lacks AVX2 and FMA"),
        (Lack.X86_64, "no fast path for this machine, need an x86_64 CPU"),
    ],
)
def test_a_machine_that_lacks_something_is_told_what(lacks: Lack, words: str) -> None:
    assert words in (native_library.reason_against(ABI, lacks) or "")


def test_a_package_that_is_not_there_is_named() -> None:
    # Without -S the interpreter would know the installed packages.
    ended = subprocess.run(
        [sys.executable, "-S", "-c", "from faces.photo.fast import native_library; native_library.load()"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert (
        "LibraryUnusable: the native library is not installed: the Python package face-sidecar-native" in ended.stderr
    )


def test_a_library_that_is_not_ours_is_refused() -> None:
    with pytest.raises(LibraryUnusable, match=r"libm\.so\.6 is not the sidecar's native library"):
        native_library.load(Path("libm.so.6"))


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.so").touch()
    with pytest.raises(LibraryUnusable, match=r"the native library cannot be loaded: .*empty\.so: file too short"):
        native_library.load(tmp_path / "empty.so")


#: Lets the process have 8 MB more than it has, then asks for a resize that needs 25.
SHORT_OF_MEMORY = """
import resource
import numpy as np
from faces.photo.fast import native_library, resize
native, pixels = native_library.load(), np.zeros((20_000, 200, 3), dtype=np.uint8)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 8_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
resize.lanczos(native, pixels, (200, 1))
"""


def test_memory_that_is_not_there_is_an_error_and_no_crash() -> None:
    ended = subprocess.run([sys.executable, "-c", SHORT_OF_MEMORY], cwd=ROOT, capture_output=True, text=True)
    assert "MemoryError: there is not enough memory for the native library's work" in ended.stderr


def test_a_code_becomes_the_error_that_it_means() -> None:
    native_library.check(Code.OK)
    for code, error in (
        (Code.NO_MEMORY, MemoryError),
        (Code.BAD_SIZE, ValueError),
        (Code.UNSUPPORTED, LibraryUnusable),
    ):
        with pytest.raises(error):
            native_library.check(code)
