from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer import options, usage
from installer.russian import RUSSIAN
from installer.sentence import Language, Refusal, say

ROOT = Path(__file__).resolve().parents[3]


def templates() -> set[str]:
    return {text for file in (ROOT / "installer").rglob("*.py") for text in said(file.read_text(encoding="utf-8"))}


def said(text: str) -> Iterator[str]:
    for call in ast.walk(ast.parse(text)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "say":
            first = call.args[0]
            assert isinstance(first, ast.Constant), "a template is written where it is said"
            yield str(first.value)


def fields(template: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(template)} - {None}


def test_all_that_is_said_is_said_in_russian_too_and_nothing_else_is_translated() -> None:
    assert templates() == set(RUSSIAN)


def test_both_languages_tell_the_same_facts() -> None:
    assert [english for english, russian in RUSSIAN.items() if fields(english) != fields(russian)] == []


def test_a_sentence_within_a_sentence_is_in_the_same_language() -> None:
    inner = say("nothing was changed")
    assert Language("ru").render(say("note: {sentence}", sentence=inner)) == "заметьте: ничего не изменено"
    assert Language("en").render(say("note: {sentence}", sentence=inner)) == "note: nothing was changed"


def test_a_refusal_reads_as_its_sentences() -> None:
    assert str(Refusal(say("nothing was changed"), say("Do this?"))) == "nothing was changed; Do this?"


def test_every_option_is_explained_in_both_languages() -> None:
    assert set(usage.ENGLISH.options) == set(usage.RUSSIAN.options)


def test_help_speaks_the_language_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        options.parse(["--lang", "ru", "--help"], {})
    assert "коды выхода" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="0"):
        options.parse(["--help"], {})
    assert "exit codes" in capsys.readouterr().out
