"""What the pages of `docs/` say and a machine can check: files, verbs, paths, codes and settings that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from face_api.http.errors import reply_to
from face_api.http.routes import router
from faces.errors import FacesError
from faces.settings import Settings
from script import settings_docs

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
    "threshold": "threshold: float",
    "too large": "(PhotoTooLarge, 413)",
    "EXIF": "0x0112",
    "tried again": "def outcome_of",
    "serialized": "class PhpObject",
    "SQL": "sa.select",
    "soft-deleted": "row.deleted",
    "delay queue": ".delay.",
    "processes": "api_processes",
    "colour": "(0, 230, 118)",
    "lock": '"face-processing:"',
    "real one": "resolve(strict=True)",
    "job class": "settings.job_class:",
    "without a key": "OPEN_PATHS",
}


def test_each_question_of_a_newcomer_is_answered_by_the_file_that_the_page_names() -> None:
    asked = {row[0]: re.findall(r"`([^`]+)`", row[1]) for row in rows(page("architecture.md")) if row[0].endswith("?")}
    assert len(asked) == len(QUESTIONS)
    for word, answer in QUESTIONS.items():
        (files,) = (files for question, files in asked.items() if word in question)
        assert answer in (ROOT / files[0]).read_text(encoding="utf-8"), word
