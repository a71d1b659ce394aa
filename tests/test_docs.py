"""What a machine can check of the READMEs and of `docs/`: that files, verbs, paths, codes and settings are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from face_api.http.routes import router
from faces.errors import FacesError
from faces.http.errors import reply_to
from faces.settings import Settings
from people_api.http import lists, saying, searching, state
from script import settings_docs
from worker.commands.verbs import VERBS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))

#: Folders whose files a page may call by their names alone.
CODE = ("faces", "face_api", "worker", "installer", "native", "script", "etc", "tests", "docs")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every table row."""
    for line in re.findall(r"^\| (.+) \|$", text, re.MULTILINE):
        yield line.split(" | ")


# --- every page ---


def missing_links(text: str, folder: Path) -> list[str]:
    return [link for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text) if not (folder / link).exists()]


def missing_headings(text: str, folder: Path) -> list[str]:
    """The links to a heading of one of our pages that has no such heading."""
    links = re.findall(r"\]\(([\w.-]+\.md)#([^)]+)\)", text)
    return [f"{file}#{anchor}" for file, anchor in links if anchor not in anchors((folder / file).read_text())]


def anchors(text: str) -> list[str]:
    """What GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]


def missing_files(text: str) -> list[str]:
    """Every file or folder of the project that a page names in `code` or runs, and that is not there."""
    named = re.findall(r"`((?:[\w.-]+/)*[\w.@-]+\.(?:py|sh|md|c|h|toml|example)|(?:[\w.-]+/)+)`", text)
    named += re.findall(r"(?:^    (?:sudo \./)?|`)(script/[\w-]+|install\.sh)", text, re.MULTILINE)
    return [name for name in named if not (ROOT / name).exists() and not is_known_by_its_name_alone(name)]


def is_known_by_its_name_alone(name: str) -> bool:
    return "/" not in name and any(True for folder in CODE for _ in (ROOT / folder).rglob(name))


def unknown_settings(text: str) -> list[str]:
    known = {f"FACE_{name.upper()}" for name in Settings.model_fields} | settings_docs.variables_of_the_app()
    return [name for name in re.findall(r"\bFACE_[A-Z_]*[A-Z]\b", text) if name not in known | {"FACE_BUNDLE"}]


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_a_page_names_only_what_is_there(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert missing_links(text, file.parent) == []
    assert missing_headings(text, file.parent) == []
    assert missing_files(text) == []
    assert unknown_settings(text) == []


def test_what_is_not_there_is_seen() -> None:
    assert missing_links("[a](gone.md), [b](queue.md)", ROOT / "docs") == ["gone.md"]
    assert missing_headings("[a](queue.md#gone), [b](queue.md#the-order)", ROOT / "docs") == ["queue.md#gone"]
    assert missing_files("`faces/gone.py`, `gone.py`, `faces/gone/`, `faces/photo/`, `routes.py`") == [
        "faces/gone.py",
        "gone.py",
        "faces/gone/",
    ]
    assert missing_files("    script/gone --all\n    sudo ./install.sh\n`script/test`") == ["script/gone"]
    assert unknown_settings("`FACE_GONE`, FACE_LOCK, `FACE_RABBITMQ_…`") == ["FACE_GONE"]


# --- docs/settings.md ---


def test_the_page_of_settings_is_what_script_settings_docs_would_write() -> None:
    assert page("settings.md") == settings_docs.page()


def test_the_page_of_settings_has_every_variable_once() -> None:
    found = re.findall(r"^\| `(FACE_[A-Z_]+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", page("settings.md"), re.MULTILINE)
    assert found == [f"FACE_{name.upper()}" for name in Settings.model_fields]


def test_the_page_of_settings_tells_type_default_and_meaning() -> None:
    told = {row[0]: row[1:] for row in rows(page("settings.md"))}
    assert told["`FACE_API_WAITING`"] == [
        "whole number, 1 to 1000",
        "`16`",
        "photos that may wait in each process; more get 503",
    ]
    assert told["`FACE_THRESHOLD`"][:2] == ["number, above 0, at most 2", "the app's, or 0.6"]
    assert told["`FACE_WORKER_BACKOFF`"][:2] == ["list of whole numbers", "`10,60,300`"]


def test_the_page_of_settings_has_the_variables_of_the_app_that_are_read() -> None:
    assert {
        "DB_HOST",
        "RABBITMQ_HOST",
        "QUEUE_FACES",
        "CACHE_PREFIX",
        "APP_KEY",
    } <= settings_docs.variables_of_the_app()
    with pytest.raises(ValueError, match="QUITE_NEW"):
        settings_docs.rows_of_the_app({"QUITE_NEW"})


# --- docs/api.md ---


def test_every_path_stands_on_the_page_of_the_api_and_each_path_there_exists() -> None:
    paths = {f"{method} {route.path}" for route in router.routes for method in route.methods}  # type: ignore[attr-defined]
    assert set(re.findall(r"`((?:GET|POST) /[\w-]+)`", page("api.md"))) == paths


# --- docs/people-api.md ---


def test_every_path_stands_on_the_page_of_the_people_api_and_each_path_there_exists() -> None:
    paths: set[str] = set()
    for one in (lists.router, saying.router, searching.router, state.router):
        version = "" if one is state.router else "/v1"
        routes = [route for route in one.routes if isinstance(route, APIRoute)]
        paths |= {
            f"{method} {version}{re.sub('{.*?}', '{id}', route.path)}" for route in routes for method in route.methods
        }
    assert set(re.findall(r"`((?:GET|POST) /[\w/{}-]+)`", page("people-api.md"))) == paths


# --- docs/photos.md ---


def kinds(kind: type[FacesError] = FacesError) -> Iterator[type[FacesError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from kinds(narrower)


def false_answers(text: str) -> list[str]:
    """The statuses with a code that no error of ours has."""
    ours = {f"{reply_to(kind.__new__(kind, 'x')).status} `{kind.code}`" for kind in kinds()}
    return [answer for answer in re.findall(r"\d{3} `[a-z_]+`", text) if answer not in ours]


def test_each_code_on_the_page_of_bad_input_has_its_status() -> None:
    assert len(set(re.findall(r"\d{3} `[a-z_]+`", page("photos.md")))) >= 10
    assert false_answers(page("photos.md")) == []
    assert false_answers("400 `empty_file`, 422 `empty_file`, 422 `gone`") == ["400 `empty_file`", "422 `gone`"]


# --- docs/architecture.md ---

#: A word of each question of a newcomer, and what stands in the file that answers it.
QUESTIONS = {
    "answer hold": "def lock(",
    "undo restore": "class _Undoing",
    "said of a face": "class SaidOfFace",
    "known in this process": "def follow(",
    "rule in force": "def open_library(",
    "verb that changes": "def write_rows(",
    "how what the app changes": "class OutsideChanges",
    "killed process": "class PendingUpdates",
    "refresh` make anew": "class Refresh",
    "photo taken": "def note_file(",
    "links of before": "def take_back(",
    "do not fit": "def judge_confirmed(",
    "own confirmed faces": "def leave_out(",
    "told in a sentence": "def sentence(",
    "`why` know": "def story(",
    "person's entries": "def told_of(",
    "one file a machine": "mmap.ACCESS_COPY",
    "all faces found?": "class ExactSearch",
    "search follow": "def behind(",
    "new face join": "library.nearest_groups(",
    "groups join, and": "def settle_some(",
    "linked whole": "def _link(",
    "asked about as no face": "def is_asked(",
    "go on behind": "def behind(",
    "line of a gold set": "def _line(",
    "export add": "def updated(",
    "our own tables": "def _face_index(",
    "threshold": "threshold: float",
    "too large": "(PhotoTooLarge, 413)",
    "TIFF": "_BY_PILLOW",
    "EXIF": "0x0112",
    "tried again": "def outcome_of",
    "serialized": "class PhpObject",
    "SQL": "sa.select",
    "late page": "class Jump:",
    "face's name": "def with_names(",
    "soft-deleted": "row.deleted",
    "delay queue": ".delay.",
    "processes": "api_processes",
    "colour": "(0, 230, 118)",
    "lock": '"face-processing:"',
    "real one": "resolve(strict=True)",
    "job class": "settings.job_class:",
    "without a key": "OPEN_PATHS",
    "names": "class OwnHosts",
    "may answer": "class PeopleAccess",
    "compared and replaced": "hmac.compare_digest",
}


def test_each_question_of_a_newcomer_is_answered_by_the_file_that_the_page_names() -> None:
    asked = {row[0]: re.findall(r"`([^`]+)`", row[1]) for row in rows(page("architecture.md")) if row[0].endswith("?")}
    assert len(asked) == len(QUESTIONS)
    for word, answer in QUESTIONS.items():
        (files,) = (files for question, files in asked.items() if word in question)
        assert answer in (ROOT / files[0]).read_text(encoding="utf-8"), word


# --- the READMEs and the verbs ---


READMES = ("README.md", "README.ru.md")

#: Lines of a README: one screen.
ONE_SCREEN = 60


def readme(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def promised_files(text: str) -> list[str]:
    """Every file that a page links to or runs."""
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    return linked + re.findall(r"^    (?:sudo \./)?(script/[\w-]+|install\.sh)", text, re.MULTILINE)


@pytest.mark.parametrize("name", READMES)
def test_no_readme_promises_a_file_that_is_not_there(name: str) -> None:
    promised = promised_files(readme(name))
    assert {"LICENSE", "script/demo", "script/test", "install.sh"} <= set(promised)
    assert [file for file in promised if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_a_readme_is_one_screen_and_leads_to_every_page(name: str) -> None:
    assert len(readme(name).splitlines()) <= ONE_SCREEN
    pages = {str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")}
    assert pages - set(promised_files(readme(name))) == set()


def test_every_verb_stands_on_the_page_of_the_command_line_and_each_verb_there_exists() -> None:
    verbs = set(VERBS) - {"demo"}  # what script/demo starts
    shown = set(re.findall(r"^    \.venv/bin/python -m worker ([\w-]+)", page("command-line.md"), re.MULTILINE))
    assert shown == verbs


def test_every_verb_that_a_page_shows_exists() -> None:
    pages = [file for pattern in ("README*.md", "docs/*.md", "etc/*/*.md") for file in ROOT.glob(pattern)]
    texts = [file.read_text(encoding="utf-8") for file in pages]
    shown = {verb for text in texts for verb in re.findall(r"(?:-m worker|sudo face-sidecar) ([\w-]+)", text)}
    assert {"status", "run"} <= shown
    assert shown - set(VERBS) == set()


def test_both_readmes_show_the_same_commands() -> None:
    english, russian = ([line.split("#")[0].rstrip() for line in shown(readme(name))] for name in READMES)
    assert english == russian


def shown(text: str) -> list[str]:
    """The commands on a page: its indented lines."""
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    assert lines
    return lines


def in_code(text: str) -> list[str]:
    """The words in `code` on a page, in the order in which they come."""
    words = re.findall(r"`([^`]+)`", text)
    assert words
    return words


def test_both_readmes_have_the_same_words_in_code_and_the_same_links() -> None:
    english, russian = (readme(name) for name in READMES)
    assert in_code(english) == in_code(russian)
    assert set(promised_files(english)) ^ set(promised_files(russian)) == set(READMES)


def test_no_readme_has_a_table_that_its_twin_would_have_to_repeat() -> None:
    assert [line for name in READMES for line in readme(name).splitlines() if line.startswith("|")] == []
