"""Compiles src/*.c into one shared library beside face_native/__init__.py, with the C compiler that CC names."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent

LANGUAGE = ("-std=c11", "-D_POSIX_C_SOURCE=200809L", "-pthread")
#: Without -ffp-contract=off a compiler may join a product and a sum, and the last bit differs from dlib's and Pillow's.
FLAGS = (*LANGUAGE, "-O3", "-ffp-contract=off", "-Wall", "-Wextra", "-fvisibility=hidden")
SHARED = ("-fPIC", "-shared", "-s")


class Build(build_py):
    """Puts the library beside the package's Python file."""

    def run(self) -> None:
        """Copy, then compile."""
        super().run()
        sources = sorted(str(file) for file in HERE.glob("src/*.c"))
        library = Path(self.build_lib, "face_native", "libface_native.so")
        command = [*compiler(), *FLAGS, *SHARED, *sources, "-o", str(library), "-lm"]
        subprocess.run(command, check=True)  # noqa: S603  the compiler is named by who builds


class Package(Distribution):
    """Not Python alone, although setuptools sees no extension module."""

    def has_ext_modules(self) -> bool:
        """Have the wheel be for one platform."""
        return True


class Wheel(bdist_wheel):
    """One wheel a platform for every Python 3: the library knows nothing of Python."""

    def get_tag(self) -> tuple[str, str, str]:
        """py3-none-PLATFORM."""
        return ("py3", "none", super().get_tag()[2])


def compiler() -> list[str]:
    """CC, which may have options; else the first of cc, gcc and clang."""
    if named := os.environ.get("CC"):
        return shlex.split(named)
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found]
    raise SystemExit("found no C compiler (cc, gcc, clang), and CC names none")


setup(distclass=Package, cmdclass={"build_py": Build, "bdist_wheel": Wheel})
