"""The rules of the house that a machine can check, each of them seen to fail on a small counter-example."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from faces import errors
from faces.http.errors import reply_to
from faces.settings import Settings
from script.census import modules as census
from script.census.modules import FULL, Module
from worker.jobs.context import Done
from worker.laravel.limits import Limits
from worker.queue.outcome import Failed, Refused, Release, outcome_of

ROOT = Path(__file__).resolve().parents[1]

#: What a room may import of ours, beside itself and `faces.errors`, which any may:
#:
#:     errors, settings <- system <- laravel, photo, people, client <- store <- library <- answers, sources, report
#:     <- gold <- doors
#:
#: `http` is for the doors alone. `photo` knows no store, `people` no SQL, no door another. An arrow to one module of a
#: room, or between neighbours, stands under its reason. Whatever lies in no room of the list belongs to none: a new
#: room is a line here.
ARROWS: dict[str, tuple[str, ...]] = {
    "faces.errors": (),
    "faces.system": (),
    "faces.settings": (),
    # What every HTTP door meets requests with: it knows no setting, no photo and no database.
    "faces.http": ("faces.system",),
    "faces.launch": ("faces.system",),
    "faces.laravel": ("faces.settings", "faces.system"),
    "faces.photo": ("faces.settings", "faces.system"),
    # An encoding and its length: values.
    "faces.people": ("faces.photo.face",),
    # The API's answer becomes the photo's values, and an error the text that `images.last_error` has room for.
    "faces.client": ("faces.settings", "faces.system", "faces.photo.face", "faces.laravel.last_error"),
    # Rows hold the photo's values, as JSON that PHP would have written, and become what `people` decides upon.
    "faces.store": ("faces.system", "faces.photo.face", "faces.people", "faces.laravel.php_json"),
    # People and groups in memory and in a file: it asks `people`, and follows and writes our tables by `store`.
    "faces.library": ("faces.system", "faces.store", "faces.people", "faces.photo.face"),
    # What people say becomes rows, facts and an entry of the ledger, by what `people` and `library` know.
    "faces.answers": ("faces.store", "faces.library", "faces.people", "faces.photo.face"),
    # Marks in a file become answers, and are made of what was answered; the file is replaced whole or not at all.
    "faces.gold": ("faces.system", "faces.store", "faces.answers", "faces.people", "faces.photo.face"),
    # The name of a person's folder is written as any name of a person; people and groups follow what becomes of photos.
    # A file's EXIF block says when its photo was taken.
    "faces.sources": (
        *("faces.system", "faces.store", "faces.library", "faces.people.names"),
        "faces.photo.files.capture",
    ),
    # It cuts faces out of photos, names them and their errors as the app does, and writes ids and offers as lists do.
    "faces.report": (
        *("faces.system", "faces.store", "faces.photo", "faces.laravel"),
        *("faces.people.refs", "faces.people.names"),
    ),
    # It compares two photos by the distance that `people` matches by, and draws only on the app's disks.
    "face_api": (
        *("faces.system", "faces.settings", "faces.http", "faces.photo"),
        *("faces.people.matching", "faces.laravel.disks"),
    ),
    # It tells what lists, the library and the ledger say, and gives answers, in the database that the settings name.
    "people_api": (
        *("faces.system", "faces.settings", "faces.http", "faces.laravel", "faces.people", "faces.store"),
        *("faces.library", "faces.answers", "faces.photo.face"),
        # A photo is searched for by the encodings that the face API gives.
        "faces.client",
    ),
    # Only bytes and errors, and its parts of the settings.
    "worker.amqp": ("faces.settings", "faces.laravel.app_rabbitmq", "faces.system.address"),
    # Of photos it knows the values and the limits of a sheet's pictures: faces are found by the API.
    "worker": (
        *("faces.system", "faces.settings", "faces.laravel", "faces.people", "faces.client", "faces.store"),
        *(
            "faces.library",
            "faces.answers",
            "faces.gold",
            "faces.sources",
            "faces.report",
            # The words of a key's scope.
            "faces.http.scopes",
            "faces.photo.face",
            "faces.photo.decoding",
            "worker.amqp",
        ),
    ),
    # It runs before there is a venv: what it imports needs no package.
    "installer": ("faces.system", "faces.laravel.dotenv"),
}

#: What any module may import of ours.
FOR_ALL = ("faces.errors", "faces.__version__")

#: Who alone may import a package: its types and its exceptions stop there. What finds faces in another way, nobody.
OWNERS: dict[str, tuple[str, ...]] = {
    "dlib": ("faces.photo.detector", "faces.photo.encoder"),
    "cv2": ("faces.photo",),
    "sqlalchemy": ("faces.store",),
    "pymysql": ("faces.store",),
    "sqlite3": ("faces.store",),
    "pika": ("worker.amqp",),
    "redis": ("worker.laravel",),
    "fastapi": ("face_api", "people_api", "faces.http"),
    "jwt": ("people_api.http.tokens",),
    "gunicorn": ("faces.http.server",),
    "face_recognition": (),
    "face_recognition_models": (),
}

LONGEST_MODULE = 350

MODULES = census.modules_of(ROOT)


def module(name: str, text: str = "") -> Module:
    """One for a counter-example."""
    return Module(PurePosixPath(*name.split(".")).with_suffix(".py"), text)


def lies_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def room_of(name: str) -> str | None:
    """The narrowest room of the list that a module lies in."""
    return max((room for room in ARROWS if lies_in(name, room)), key=len, default=None)


def broken_arrows(module: Module) -> list[str]:
    """What a module imports of ours or of others' and may not."""
    if module.name in census.packages_of(ROOT):
        return [f"{module.name} imports {name}: a package's own file holds nothing" for name in module.imports()]
    room = room_of(module.name)
    if room is None:
        return [f"{module.name} lies in no room"]
    allowed = (room, *FOR_ALL, *ARROWS[room])
    ours = [name for name in module.imports() if name.split(".")[0] in census.packages_of(ROOT)]
    wrong = [name for name in ours if not any(lies_in(name, target) for target in allowed)]
    wrong += [
        name
        for name in module.imports()
        for package, owners in OWNERS.items()
        if lies_in(name, package) and not any(lies_in(module.name, owner) for owner in owners)
    ]
    return [f"{module.name} imports {name}" for name in sorted(set(wrong))]


def test_doors_and_house_keep_their_arrows() -> None:
    assert [wrong for module in MODULES for wrong in broken_arrows(module)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("faces.photo.photo", "from worker.jobs.faces import process_image"),
        ("face_api.http.routes", "import worker"),
        ("face_api.http.routes", "from faces.store.images import find"),
        ("worker.jobs.faces", "from face_api.http import errors"),
        ("worker.commands.scan", "from faces.photo import engine"),
        ("worker.amqp.channel", "from worker.queue.supervision import Stop"),
        ("faces.store.faces", "def f():\n    import faces.photo.engine"),
        ("faces.photo.engine", "from faces.store.images import find"),
        ("faces.people.matching", "from faces.store.candidates import read"),
        ("faces.people.matching", "from sqlalchemy import select"),
        ("faces.system.logs", "from faces.settings import load"),
        ("faces.client.face_client", "from faces.photo import decoding"),
        ("faces.errors", "from faces.system import address"),
        ("faces.photo.quality", "import dlib"),
        ("worker.queue.loop", "from pika.exceptions import AMQPError"),
        ("faces.photo.models", "import face_recognition_models"),
        ("installer.plan", "from faces.settings import load"),
        ("faces.http.guard", "from face_api.http import access"),
        ("face_api.server.startup", "import gunicorn"),
        ("people_api.http.lists", "from face_api.http import schemas"),
        ("people_api.http.access", "import jwt"),
        ("faces.hall", ""),
        ("faces.__init__", "import faces.errors"),
    ],
)
def test_an_arrow_that_is_not_on_the_list_is_seen(name: str, text: str) -> None:
    assert broken_arrows(module(name, text))


def unused_arrows(modules: list[Module]) -> list[str]:
    """Arrows that no import needs any more."""
    used = {(room_of(module.name), name) for module in modules for name in module.imports()}
    return [
        f"{room} -> {target}"
        for room, targets in ARROWS.items()
        for target in targets
        if not any(room == importer and lies_in(name, target) for importer, name in used)
    ]


def test_the_list_has_no_arrow_that_nothing_needs() -> None:
    assert unused_arrows(MODULES) == []
    one = [module("faces.people.matching", "from faces.photo.face import Encoding")]
    assert "faces.people -> faces.photo.face" not in unused_arrows(one)
    assert "faces.sources -> faces.store" in unused_arrows(one)


def test_a_base_name_stands_once_so_that_there_is_one_place_to_look() -> None:
    assert census.base_names_twice(MODULES) == {}


def test_a_class_name_stands_once() -> None:
    assert census.class_names_twice(MODULES) == {}


@pytest.mark.parametrize(
    "names",
    [
        ("faces.store.queues", "worker.amqp.queues"),
        ("faces.people.persons", "faces.store.persons", "worker.jobs.persons"),
        ("worker.queue.scan", "faces.sources.scan", "worker.commands.scan"),
        ("face_api.http.deep.access", "installer.access"),
    ],
)
def test_a_base_name_that_stands_twice_is_seen(names: tuple[str, ...]) -> None:
    assert len(census.base_names_twice([module(name) for name in names])) == 1


@pytest.mark.parametrize(
    "names",
    [
        ("faces.errors", "faces.http.errors"),
        ("faces.settings", "worker.amqp.settings"),
        ("faces.people.persons", "faces.store.persons"),
        ("worker.queue.status", "worker.commands.status"),
        ("face_api.http.access", "installer.access"),
        ("face_api.__main__", "worker.__main__"),
    ],
)
def test_some_base_names_may_stand_twice(names: tuple[str, ...]) -> None:
    assert census.base_names_twice([module(name) for name in names]) == {}


def test_a_class_name_that_stands_twice_is_seen() -> None:
    two = [module("faces.photo.face", "class Box: ..."), module("installer.plan", "def f():\n    class Box: ...")]
    assert list(census.class_names_twice(two)) == ["Box"]
    assert census.class_names_twice(two[:1]) == {}


def test_a_folder_is_short_enough_to_be_read_as_the_design() -> None:
    assert census.full_folders(MODULES) == {}
    assert census.full_folders([module(f"worker.queue.m{number}") for number in range(FULL)]) == {}
    assert census.full_folders([module(f"worker.queue.m{number}") for number in range(FULL + 1)])
    assert census.full_folders([module(f"faces.store.m{number}") for number in range(FULL + 1)]) == {}


def faults_of_form(module: Module) -> list[str]:
    """What one module's text does against the house, beside its imports."""
    faults = []
    if not module.docstring:
        faults.append("no docstring says what is in it")
    if module.lines > LONGEST_MODULE:
        faults.append(f"longer than {LONGEST_MODULE} lines")
    if "68_face_landmarks" in module.text:
        faults.append("names the model whose licence excludes commercial use")
    return faults


def test_every_module_says_what_is_in_it_is_short_and_leaves_the_closed_model_alone() -> None:
    assert [f"{module.name}: {fault}" for module in MODULES for fault in faults_of_form(module)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        '"""Long."""\n' + "x = 1\n" * LONGEST_MODULE,
        '"""Points."""\nMODEL = "shape_predictor_68_face_landmarks.dat"',
    ],
)
def test_a_module_of_another_form_is_seen(text: str) -> None:
    assert faults_of_form(module("faces.photo.models", text))


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


def run_python(script: str, *words: str, folder: Path = ROOT, options: tuple[str, ...] = ()) -> str:
    """What a fresh interpreter prints, with wrong settings around it; an error that it ends with fails the test."""
    wrong = {f"FACE_{name.upper()}": "?" for name in Settings.model_fields}
    ended = subprocess.run(
        [sys.executable, *options, "-c", script, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **wrong},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_importing_a_module_starts_nothing_opens_nothing_and_reads_no_setting() -> None:
    names = [module.name for module in MODULES if module.path.stem not in {"__main__", "gunicorn.conf"}]
    assert run_python(LOUD, *names) == ""


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


#: Imports the named modules, then tells which of those that follow `--` were loaded on the way.
LOADED = """
import importlib, sys
place = sys.argv.index("--")
for name in sys.argv[1:place]:
    importlib.import_module(name)
print(*sorted(set(sys.argv[place:]) & set(sys.modules)))
"""


def test_the_job_door_loads_no_dlib_however_far_its_imports_lead() -> None:
    names = [module.name for module in MODULES if lies_in(module.name, "worker") or lies_in(module.name, "faces.store")]
    assert run_python(LOADED, *names, "--", "dlib", "cv2", "faces.photo.engine") == ""
    assert run_python(LOADED, "faces.photo.quality", "--", "dlib", "cv2") == "cv2"


#: Python's own libraries, and no others: what there is before a venv, and for whoever starts us as root.
BARE = ("-S",)


def test_what_runs_before_there_is_a_venv_needs_no_package(tmp_path: Path) -> None:
    names = [module.name for module in MODULES if lies_in(module.name, "installer")]
    assert run_python(LOADED, *names, "faces.launch", "--", options=BARE) == ""
    (tmp_path / "needy.py").write_text("import pydantic")
    with pytest.raises(AssertionError, match="No module named 'pydantic'"):
        run_python(LOADED, "needy", "--", folder=tmp_path, options=BARE)


def unexplained(requirements: str) -> list[str]:
    """The lines that ask for a package and do not say why."""
    lines = [line for line in requirements.splitlines() if re.match(r"[a-zA-Z]", line)]
    return [line for line in lines if not re.match(r"\S+ +# \S", line)]


#: A line of the drawing: indent, name, and after gaps what the error means in a request and in a job.
BRANCH = re.compile(r"^    ([│ ├└─]*)([A-Z]\w*)(?: {2,}(\S+) {2,}(\S.*))?$", re.MULTILINE)

#: Errors that are made of more than their sentence.
MADE: dict[type, dict[str, int]] = {errors.NotOneFace: {"faces": 2}, errors.AnswerLost: {"timed_out": False}}


def drawn_tree(text: str) -> dict[str, str]:
    """Each error of a drawing, and the one that it hangs on."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for indent, name, _, _ in BRANCH.findall(text):
        path[len(indent) // 4 :] = [name]
        parents[name] = path[-2] if len(path) > 1 else "Exception"
    return parents


def drawn_meanings(text: str) -> dict[str, tuple[str, str]]:
    """What each error of a drawing means in a request and in a job, where it says nothing as the one it hangs on."""
    parents, meanings = drawn_tree(text), dict[str, tuple[str, str]]()
    for _, name, request, job in BRANCH.findall(text):
        meanings[name] = (request, job) if request else meanings[parents[name]]
    return meanings


def meaning_at_the_doors(kind: type[errors.FacesError]) -> tuple[str, str]:
    """In the drawing's words, what the two doors make of such an error; of a job it is the first of three attempts."""
    error = kind("x", **MADE.get(kind, {}))
    status = reply_to(error).status
    outcome = outcome_of(error, 1, Limits(tries=3, backoff=(0,), timeout=60), now=0, exceptions=0)
    if isinstance(outcome, Release):
        job = "a try" if outcome.attempts == 1 else "no try: again in a moment"
    else:
        ends = {
            Done: "the end: done, with a note",
            Failed: "the end: failed",
            Refused: "no try: it waits for the world",
        }
        job = ends[type(outcome)]
    return "4xx" if 400 <= status < 500 else str(status), job


KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.FacesError)]


def test_the_error_tree_is_the_one_that_is_drawn() -> None:
    defined = {kind.__name__: kind.__base__.__name__ for kind in KINDS if kind.__base__}
    assert drawn_tree(errors.__doc__ or "") == defined
    assert drawn_tree("    A\n    ├── B\n    │   └── C\n") == {"A": "Exception", "B": "A", "C": "B"}


def test_the_error_tree_says_what_the_doors_do() -> None:
    assert drawn_meanings(errors.__doc__ or "") == {kind.__name__: meaning_at_the_doors(kind) for kind in KINDS}
    drawing = "    A      500    a try\n    ├── B\n    └── C  4xx    the end: failed\n"
    assert drawn_meanings(drawing) == {"A": ("500", "a try"), "B": ("500", "a try"), "C": ("4xx", "the end: failed")}


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
