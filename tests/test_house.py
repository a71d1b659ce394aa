"""The rules of the house that a machine can check, each of them seen to fail on a small counter-example."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("faces", "face_api", "worker")

#: Who may not import what: a package or module, and what is forbidden to it.
WALLS = (
    ("faces", ("face_api", "worker")),
    ("face_api", ("worker", "faces.store")),
    ("worker", ("face_api", "faces.engine", "dlib", "cv2")),
    ("faces.store", ("faces.engine", "faces.photo", "dlib", "cv2")),
    ("faces.engine", ("faces.store",)),
    ("", ("face_recognition", "face_recognition_models")),
)

#: The only package that may speak SQL, and what speaking it looks like.
STORE = "faces.store"
SQL = ("sqlalchemy", "pymysql", "sqlite3")

#: The only modules that may touch dlib.
DLIB_OWNERS = {"faces.engine"}

LONGEST_MODULE = 350


def sources() -> list[tuple[str, str]]:
    """Every module of ours: dotted name and text."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return [(module_name(file.relative_to(ROOT)), file.read_text(encoding="utf-8")) for file in files]


def module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports(text: str) -> Iterator[str]:
    """Everything that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "import the project's modules by full name"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def lies_in(name: str, package: str) -> bool:
    return not package or name == package or name.startswith(f"{package}.")


def broken_walls(module: str, text: str) -> list[str]:
    used = set(imports(text))
    wrong = [
        f"{module} imports {name}"
        for owner, forbidden in WALLS
        if lies_in(module, owner)
        for name in sorted(used)
        if any(lies_in(name, package) for package in forbidden)
    ]
    if not lies_in(module, STORE):
        wrong += [f"{module} imports {name}" for name in sorted(used) if any(lies_in(name, package) for package in SQL)]
    if module not in DLIB_OWNERS:
        wrong += [f"{module} imports {name}" for name in sorted(used) if lies_in(name, "dlib")]
    return wrong


def test_doors_and_house_keep_their_arrows() -> None:
    assert [wrong for module, text in sources() for wrong in broken_walls(module, text)] == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("faces.photo", "from worker.process import process_image"),
        ("face_api.routes", "import worker"),
        ("worker.process", "from face_api import errors"),
        ("worker.commands.scan", "from faces import engine"),
        ("faces.store.faces", "def f():\n    import faces.engine"),
        ("faces.engine", "from faces.store.images import find"),
        ("faces.matching", "from sqlalchemy import select"),
        ("faces.quality", "import dlib"),
        ("faces.models", "import face_recognition_models"),
    ],
)
def test_an_arrow_through_a_wall_is_seen(module: str, text: str) -> None:
    assert broken_walls(module, text)


def test_every_module_says_what_is_in_it_and_is_not_too_long() -> None:
    modules = sources()
    assert [module for module, text in modules if not ast.get_docstring(ast.parse(text))] == []
    assert [module for module, text in modules if len(text.splitlines()) > LONGEST_MODULE] == []


def test_the_model_with_the_closed_licence_is_named_nowhere() -> None:
    assert [module for module, text in sources() if "68_face_landmarks" in text] == []


def run_python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)


def test_importing_a_module_starts_nothing_and_opens_nothing() -> None:
    modules = [name for name, _ in sources() if not name.endswith("__main__") and ".conf" not in name]
    ended = run_python(f"""
import importlib, sys, threading
opened = []
watched = {{"socket.connect", "socket.bind", "subprocess.Popen", "sqlite3.connect"}}
sys.addaudithook(lambda event, arguments: opened.append((event, arguments)) if event in watched else None)
for name in {modules!r}:
    importlib.import_module(name)
assert threading.active_count() == 1, threading.enumerate()
assert not opened, opened
""")
    assert ended.returncode == 0, ended.stderr


def test_the_job_door_loads_no_dlib_however_far_its_imports_lead() -> None:
    modules = [name for name, _ in sources() if lies_in(name, "worker") or lies_in(name, STORE)]
    ended = run_python(f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
assert "dlib" not in sys.modules and "faces.engine" not in sys.modules
""")
    assert ended.returncode == 0, ended.stderr


def test_every_dependency_says_what_it_is_for() -> None:
    for file in ROOT.glob("requirements*.in"):
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if re.match(r"^[a-zA-Z]", line)]
        assert lines
        assert [line for line in lines if not re.match(r"^\S+ +# \S.*", line)] == [], file.name


def test_lock_files_name_hashes_and_no_place() -> None:
    for file in ROOT.glob("requirements*.txt"):
        text = file.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|--index-url|--find-links|/(root|home|tmp|work)/", text), file.name


def test_no_readme_promises_a_file_that_is_not_there() -> None:
    for readme in ("README.md", "README.ru.md"):
        text = (ROOT / readme).read_text(encoding="utf-8")
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
        assert links
        assert [link for link in links if not (ROOT / link).exists()] == [], readme


def test_both_readmes_show_the_same_commands() -> None:
    blocks = [
        re.findall(r"^    (\S.*)$|^(script/\S+.*)$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name in ("README.md", "README.ru.md")
    ]
    commands = [[(first or second).split("#")[0].rstrip() for first, second in block] for block in blocks]
    assert commands[0] == commands[1]
    assert commands[0]
