"""Options stand wherever the usage line has room for them."""

from __future__ import annotations

import argparse
from itertools import permutations
from pathlib import Path

import pytest

from faces.photo.face import Box
from worker.__main__ import _parser
from worker.commands.verbs import VERBS

#: For each verb its words and an option, with what is to be read of them.
CALLS = {
    "demo": (["photos"], ["--known", "people"], {"photos": Path("photos"), "known": Path("people")}),
    "scan": (["photos", "b.jpg"], ["--forget-missing"], {"paths": [Path("photos"), Path("b.jpg")]}),
    "enrol": (["Bob", "a.jpg", "b.jpg"], ["--face", "0"], {"photos": [Path("a.jpg"), Path("b.jpg")], "face": 0}),
    "link": ([], ["--dry-run"], {"dry_run": True}),
    "faces": ([], ["--name", "Bob"], {"name": "Bob"}),
    "people": ([], ["--after", "p12"], {"after": 12}),
    "name": (["f1", "g2", "Bob"], ["--new"], {"ids": ["f1", "g2"], "who": "Bob", "new": True}),
    "confirm": (["f1", "p2"], ["--json"], {"ids": ["f1", "p2"], "as_json": True}),
    "reject": (["f1", "f2"], ["--person", "Bob"], {"ids": ["f1", "f2"], "person": "Bob"}),
    "move": (["f1", "p3"], ["--new"], {"ids": ["f1"], "who": "p3", "new": True}),
    "unknown": (["f1", "g2"], ["--json"], {"ids": ["f1", "g2"], "as_json": True}),
    "stranger": (["g2"], ["--json"], {"ids": ["g2"], "as_json": True}),
    "not-face": (["f1"], ["--json"], {"ids": ["f1"], "as_json": True}),
    "apart": (["p1", "p2"], ["--json"], {"one": "p1", "other": "p2"}),
    "add": (["a.jpg", "Bob"], ["--box", "1,4,3,2"], {"words": ["a.jpg", "Bob"], "box": Box(1, 4, 3, 2)}),
    "ledger": ([], ["--by", "machine"], {"by": "machine"}),
    "why": (["f12"], ["--json"], {"face": 12, "as_json": True}),
    "undo": (["17"], ["--new", "--dry-run"], {"entry": 17, "new": True, "dry_run": True}),
    "join": (["p1", "p2", "p3"], ["--json"], {"ids": ["p1", "p2", "p3"], "as_json": True}),
    "split": (["g1", "f2", "f3"], ["--json"], {"whole": "g1", "ids": ["f2", "f3"]}),
    "rename": (["p1", "Bob"], ["--new"], {"person": "p1", "name": "Bob", "new": True}),
    "hide": (["p1", "p2"], ["--off"], {"ids": ["p1", "p2"], "off": True}),
    "favourite": (["p1"], ["--off"], {"ids": ["p1"], "off": True}),
    "cover": (["p1", "f2"], ["--json"], {"person": "p1", "face": "f2"}),
    "forget": (["p1"], ["--json"], {"person": "p1", "as_json": True}),
    "evaluate": ([], ["--json"], {"as_json": True}),
    "group": ([], ["--json"], {"as_json": True}),
    "groups": ([], ["--min", "3"], {"min": 3}),
    "gold": (["export", "gold.jsonl"], ["--dry-run"], {"what": "export", "file": Path("gold.jsonl"), "dry_run": True}),
    "refresh": ([], ["--dry-run"], {"dry_run": True}),
    "report": (["people"], ["--limit", "3"], {"directory": Path("people"), "limit": 3}),
    "export": ([], ["--csv", "all.csv"], {"csv": "all.csv"}),
    "recognise": (["people", "photos"], ["--tolerance", "0.5"], {"known": Path("people"), "photos": "photos"}),
    "process": (["17", "18"], ["--json"], {"image_ids": [17, 18], "as_json": True}),
    "run": ([], ["--queue", "faces"], {}),
    "tables": ([], ["--create"], {"create": True}),
    "status": ([], ["--check"], {"check": True}),
    "key": ([], ["--scope", "answer"], {"scope": "answer", "add": False}),
}


def parse(*arguments: str) -> argparse.Namespace:
    return _parser(arguments).parse_args(arguments)


def test_every_verb_is_tried() -> None:
    assert CALLS.keys() == VERBS.keys()


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"run"}))
def test_an_option_may_stand_before_between_and_behind_the_words(verb: str) -> None:
    words, option, wanted = CALLS[verb]
    for place in range(len(words) + 1):
        parsed = vars(parse(verb, *words[:place], *option, *words[place:]))
        assert {name: parsed[name] for name in wanted} == wanted


@pytest.mark.parametrize("order", list(permutations((("Bob",), ("--rename",), ("--id", "7")))), ids=str)
def test_the_name_of_a_face_may_stand_anywhere(order: tuple[tuple[str, ...], ...]) -> None:
    parsed = parse("enrol", *(word for part in order for word in part))
    assert (parsed.name, parsed.face_id, parsed.rename, parsed.photos) == ("Bob", 7, True, [])


def test_behind_two_hyphens_everything_is_a_word() -> None:
    parsed = parse("enrol", "--face", "0", "--", "-Bob", "--b.jpg")
    assert (parsed.name, parsed.photos, parsed.face) == ("-Bob", [Path("--b.jpg")], 0)


@pytest.mark.parametrize(
    "words",
    [("faces", "Bob"), ("report", "a", "b"), ("process", "one"), ("export",), ("faces", "--limit", "-1"), ("report",)],
)
def test_wrong_usage_ends_with_2(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*words)
    assert ended.value.code == 2


def test_an_error_about_what_was_typed_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("faces", "\x1b[31m")
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert r"unrecognized arguments: \u001b[31m" in told


@pytest.mark.parametrize("words", [("process", "17", str(2**63)), ("enrol", "Bob", "--id", str(-(2**63) - 1))])
def test_an_id_that_no_database_can_have_is_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(*words)
    assert f"found '{words[-1]}', needed a whole number of at most 64 bits" in capsys.readouterr().err


def test_a_page_beyond_all_numbers_of_a_database_is_the_largest_that_it_can_be_asked_for() -> None:
    page = parse("faces", "--limit", "9" * 30, "--offset", "9" * 30)
    assert page.limit + page.offset < 2**63
    assert page.limit >= 10**18
