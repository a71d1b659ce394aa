"""The rules of the house that a machine can check, each of them seen to fail on a small counter-example."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faces import errors
from faces.settings import Settings
from worker.commands.verbs import VERBS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("faces", "face_api", "worker", "installer")

#: Who may not import what: a package or module, and what is forbidden to it.
WALLS = (
    ("faces", ("face_api", "worker")),
    ("face_api", ("worker", "faces.store")),
    (
        "worker",
        (
            "face_api",
            "faces.photo.engine",
            "faces.photo.open_engine",
            "faces.photo.detector",
            "faces.photo.encoder",
            "faces.photo.fast",
            "dlib",
            "cv2",
        ),
    ),
    (
        "faces.store",
        (
            "faces.photo.engine",
            "faces.photo.detector",
            "faces.photo.encoder",
            "faces.photo.fast",
            "faces.photo.decoding",
            "dlib",
            "cv2",
        ),
    ),
    ("faces.photo.engine", ("faces.store",)),
    (
        "faces.photo.fast",
        (
            "faces.store",
            "faces.photo.engine",
            "faces.photo.open_engine",
            "faces.photo.detector",
            "faces.photo.encoder",
            "dlib",
        ),
    ),
    ("installer", ("face_api", "worker", "pydantic", "faces.settings", "faces.photo.engine", "faces.store")),
    ("", ("face_recognition", "face_recognition_models")),
)

#: The only package that may speak SQL, and what speaking it looks like.
STORE = "faces.store"
SQL = ("sqlalchemy", "pymysql", "sqlite3")

#: The only modules that may touch dlib.
DLIB_OWNERS = {"faces.photo.detector", "faces.photo.encoder"}

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
        ("faces.photo.photo", "from worker.jobs.faces import process_image"),
        ("face_api.http.routes", "import worker"),
        ("worker.jobs.faces", "from face_api.http import errors"),
        ("worker.commands.scan", "from faces.photo import engine"),
        ("faces.store.faces", "def f():\n    import faces.photo.engine"),
        ("faces.photo.engine", "from faces.store.images import find"),
        ("faces.people.matching", "from sqlalchemy import select"),
        ("faces.photo.quality", "import dlib"),
        ("faces.photo.models", "import face_recognition_models"),
    ],
)
def test_an_arrow_through_a_wall_is_seen(module: str, text: str) -> None:
    assert broken_walls(module, text)


def faults_of_form(text: str) -> list[str]:
    """What one module's text does against the house, beside its imports."""
    faults = []
    if not ast.get_docstring(ast.parse(text)):
        faults.append("no docstring says what is in it")
    if len(text.splitlines()) > LONGEST_MODULE:
        faults.append(f"longer than {LONGEST_MODULE} lines")
    if "68_face_landmarks" in text:
        faults.append("names the model whose licence excludes commercial use")
    return faults


def test_every_module_says_what_is_in_it_is_short_and_leaves_the_closed_model_alone() -> None:
    assert [f"{module}: {fault}" for module, text in sources() for fault in faults_of_form(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        '"""Long."""\n' + "x = 1\n" * LONGEST_MODULE,
        '"""Points."""\nMODEL = "shape_predictor_68_face_landmarks.dat"',
    ],
)
def test_a_module_of_another_form_is_seen(text: str) -> None:
    assert faults_of_form(text)


#: Imports the named modules, then tells what they did that is more than defining.
LOUD = """
import importlib, sys, threading
watched = {"socket.connect", "socket.bind", "subprocess.Popen", "os.fork", "sqlite3.connect"}
done = []
sys.addaudithook(lambda event, arguments: done.append(event) if event in watched else None)
for name in sys.argv[1:]:
    importlib.import_module(name)
done += [f"thread {thread.name}" for thread in threading.enumerate() if thread is not threading.main_thread()]
print(*done)
"""


def run_python(script: str, *words: str, folder: Path = ROOT) -> str:
    """What a fresh interpreter prints, with wrong settings around it; an error that it ends with fails the test."""
    wrong = {f"FACE_{name.upper()}": "?" for name in Settings.model_fields}
    ended = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **wrong},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_importing_a_module_starts_nothing_opens_nothing_and_reads_no_setting() -> None:
    modules = [name for name, _ in sources() if not name.endswith("__main__") and ".conf" not in name]
    assert run_python(LOUD, *modules) == ""


@pytest.mark.parametrize(
    "text",
    [
        "import sqlite3\nsqlite3.connect(':memory:')",
        "import subprocess\nsubprocess.run(['true'])",
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
    ],
)
def test_a_module_that_acts_when_imported_is_seen(text: str, tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(text)
    assert run_python(LOUD, "loud", folder=tmp_path)


def test_the_job_door_loads_no_dlib_however_far_its_imports_lead() -> None:
    modules = [name for name, _ in sources() if lies_in(name, "worker") or lies_in(name, STORE)]
    loaded = run_python(
        """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*{"dlib", "cv2", "faces.photo.engine"} & set(sys.modules))
""",
        *modules,
    )
    assert loaded == ""


def unexplained(requirements: str) -> list[str]:
    """The lines that ask for a package and do not say why."""
    lines = [line for line in requirements.splitlines() if re.match(r"[a-zA-Z]", line)]
    return [line for line in lines if not re.match(r"\S+ +# \S", line)]


def drawn_tree(text: str) -> dict[str, str]:
    """Each error of a drawing, and the one that it hangs on."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for indent, name in re.findall(r"^    ([│ ├└─]*)([A-Z]\w*)", text, re.MULTILINE):
        path[len(indent) // 4 :] = [name]
        parents[name] = path[-2] if len(path) > 1 else "Exception"
    return parents


def test_the_error_tree_is_the_one_that_is_drawn() -> None:
    defined = {
        name: kind.__base__.__name__
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.FacesError) and kind.__base__
    }
    assert drawn_tree(errors.__doc__ or "") == defined
    assert drawn_tree("    A\n    ├── B\n    │   └── C\n") == {"A": "Exception", "B": "A", "C": "B"}


def test_every_dependency_says_what_it_is_for() -> None:
    files = list(ROOT.glob("requirements*.in"))
    assert files
    assert [line for file in files for line in unexplained(file.read_text(encoding="utf-8"))] == []
    assert unexplained("numpy   # pixels\nscipy\n") == ["scipy"]


def unlocked(lock: str) -> list[str]:
    """What does not belong into a lock: packages without a version and hash, and places."""
    logical = lock.replace("\\\n", " ").splitlines()
    packages = [line for line in logical if line and not line.lstrip().startswith("#")]
    loose = [line for line in packages if "==" not in line or "--hash=sha256:" not in line]
    return loose + re.findall(r"https?://\S+|^-\S+.*|file:\S+|\s/\w+/\S+", lock, re.MULTILINE)


def test_lock_files_name_versions_and_hashes_and_no_place() -> None:
    files = list(ROOT.glob("requirements*.txt"))
    assert files
    assert [f"{file.name}: {line}" for file in files for line in unlocked(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    "lock",
    [
        "numpy==2.0\n",
        "numpy --hash=sha256:12\n",
        "--index-url https://example.org/simple\n",
        "numpy==2.0 \\\n    --hash=sha256:12\n    # via -r /home/me/requirements.in\n",
    ],
)
def test_a_loose_lock_is_seen(lock: str) -> None:
    assert unlocked(lock)


READMES = ("README.md", "README.ru.md")


def readme(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def promised_files(text: str) -> list[str]:
    """Every file that a page links to or runs."""
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    return linked + re.findall(r"^    (script/\w+)", text, re.MULTILINE)


@pytest.mark.parametrize("name", READMES)
def test_no_readme_promises_a_file_that_is_not_there(name: str) -> None:
    promised = promised_files(readme(name))
    assert {"LICENSE", "script/demo", "script/test"} <= set(promised)
    assert [file for file in promised if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_every_verb_stands_in_both_readmes_and_each_verb_there_exists(name: str) -> None:
    verbs = set(VERBS) - {"demo"}  # what script/demo starts
    shown = set(re.findall(r"^    \.venv/bin/python -m worker (\w+)", readme(name), re.MULTILINE))
    assert shown == verbs


def test_both_readmes_show_the_same_commands() -> None:
    english, russian = ([line.split("#")[0].rstrip() for line in shown(readme(name))] for name in READMES)
    assert english == russian


def shown(text: str) -> list[str]:
    """The commands on a page: its indented lines."""
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    assert lines
    return lines


def cells(text: str) -> list[tuple[str, ...]]:
    """The words in `code` of every table row."""
    return [tuple(re.findall(r"`([^`]+)`", line)) for line in text.splitlines() if line.startswith("| ")]


def test_both_readmes_have_the_same_tables() -> None:
    english, russian = (cells(readme(name)) for name in READMES)
    assert english == russian
