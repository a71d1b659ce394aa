from __future__ import annotations

import json

import pytest

from faces.system.terminal import visible, visible_lines

#: One of each range: escape, delete, a one-byte escape sequence, separators, and what turns the reading direction.
COMMANDS = (
    *("\x00", "\x07", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\x9b"),
    *("\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202e", "\u2066", "\u2069"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=ascii)
def test_what_commands_a_terminal_is_written_out(command: str) -> None:
    assert visible(f"a{command}b") == f"a\\u{ord(command):04x}b"


@pytest.mark.parametrize(
    "text", ["Ада", "שרה", "\U0001f469\u200d\U0001f680", "\u0928\u094d\u200d", "a b\\u0041"], ids=ascii
)
def test_letters_of_any_script_stay(text: str) -> None:
    """Also the joiners that some scripts and pictures are written with."""
    assert visible(text) == text


def test_bytes_that_are_no_text_become_question_marks() -> None:
    assert visible("a\udcffb") == "a?b"


def test_json_says_the_same_as_before() -> None:
    name = "\x1b[31m\x7f\u202e" + '"\\'
    assert json.loads(visible(json.dumps(name, ensure_ascii=False))) == name


def test_our_own_line_breaks_stay() -> None:
    assert visible_lines("a\x1b\nb") == "a\\u001b\nb"
