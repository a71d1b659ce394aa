"""A gold set's file: the same marks are the same bytes, and what is no gold set is told with its line."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from faces.errors import RequestError
from faces.gold import gold_file
from faces.gold.gold_file import GoldMark, GoldPhoto, Says
from faces.people.names import canonical
from faces.photo.face import RatioBox
from tests.unit.faces.gold.marked import A, B, gold, not_face, person, stranger

HEAD = '{"gold_set": 1}'
MARK: dict[str, Any] = {
    "photo": "a.jpg",
    "person": "Ann",
    "box": {"top": 0.1, "right": 0.5, "bottom": 0.4, "left": 0.2},
    "bytes": 10,
    "sha256": A,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gold.jsonl"


def line(**changes: Any) -> str:
    return json.dumps({name: value for name, value in (MARK | changes).items() if value is not None})


def put(file: Path, *lines: str) -> None:
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_what_is_written_is_read_again_and_the_lines_are_sorted(file: Path) -> None:
    marks = gold(person(2, "Zoë"), stranger(1), not_face(4)) | gold(person(1, "Ann"), sha256=B, hint="A.jpg")
    assert gold_file.write(file, marks)
    lines = [json.loads(text) for text in file.read_text(encoding="utf-8").splitlines()]
    assert [one.get("photo") for one in lines] == [None, "A.jpg", "a.jpg", "a.jpg", "a.jpg"]
    assert list(lines[1]) == ["photo", "person", "box", "bytes", "sha256"]
    assert [list(one)[1] for one in lines[2:]] == ["stranger", "person", "not_face"]
    assert "Zoë" in file.read_text(encoding="utf-8")
    read = gold_file.read(file)
    assert read[A].marks == (stranger(1), person(2, "Zoë"), not_face(4))
    assert not gold_file.write(file, read)


EDGES = st.lists(st.floats(0, 1), min_size=4, max_size=4).map(sorted)
BOXES = EDGES.map(lambda edges: gold_file.rounded(RatioBox(edges[0], edges[3], edges[2], edges[1])))
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50).map(canonical).filter(bool)


@given(BOXES.filter(gold_file.is_markable), NAMES, st.text(max_size=40), st.integers(1, 2**40))
def test_any_name_and_place_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, box: RatioBox, name: str, filename: str, size: int
) -> None:
    file = tmp_path_factory.mktemp("gold") / "gold.jsonl"
    photo = GoldPhoto(B, size, gold_file.hint_of(filename), (GoldMark(box, Says.PERSON, name),))
    gold_file.write(file, {B: photo})
    assert gold_file.read(file) == {B: photo}


def test_lines_in_any_order_a_mark_twice_and_empty_lines_are_read(file: Path) -> None:
    other = line(sha256=B, photo="b.jpg", person="Cafe\N{COMBINING ACUTE ACCENT}  Ann")
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([HEAD, other, "", line(), line(photo="old name.jpg")]).encode())
    read = gold_file.read(file)
    assert [mark.person for mark in read[B].marks] == ["Caf\N{LATIN SMALL LETTER E WITH ACUTE} Ann"]
    assert len(read[A].marks) == 1


@pytest.mark.parametrize(
    ("lines", "number", "sentence"),
    [
        ([], 1, 'found the end of the file, needed {"gold_set": 1}'),
        ([line()], 1, 'needed {"gold_set": 1} as the first line'),
        (['{"gold_set": 2}'], 1, "found a gold set of version 2, needed version 1"),
        ([HEAD, "name,box"], 2, "found name,box, needed a JSON object on one line"),
        ([HEAD, "[1]"], 2, "found [1], needed a JSON object"),
        ([HEAD, "[" * 60000], 2, "needed a JSON object on one line"),
        ([HEAD, line(photo="x" * 70000)], 2, "found a line of more than 65536 bytes"),
        ([HEAD, line(age=7)], 2, "found the field 'age', needed only box, bytes, not_face"),
        ([HEAD, line(), line(sha256="A" * 64)], 3, "as sha256, needed 64 hexadecimal digits in small letters"),
        ([HEAD, line(sha256=None)], 2, "found nothing as sha256"),
        ([HEAD, line(bytes=0)], 2, "found 0 as bytes, needed the size of the photo's file"),
        ([HEAD, line(bytes=True)], 2, "found true as bytes"),
        ([HEAD, line(photo=7)], 2, "found 7 as photo, needed the name of the photo's file"),
        ([HEAD, line(stranger=True)], 2, "found person and stranger, needed one of person, stranger and not_face"),
        ([HEAD, line(person=None)], 2, "found none of them, needed one of"),
        ([HEAD, line(person=None, stranger="yes")], 2, 'found "yes" as stranger, needed true'),
        ([HEAD, line(person=" ")], 2, "found a name of 0 characters, needed 1 to 255"),
        ([HEAD, line(person=["Ann"])], 2, 'found ["Ann"] as person, needed a name'),
        ([HEAD, line(person="\ud800")], 2, "found the character U+D800 in a name"),
        ([HEAD, line(box=[1, 2, 3, 4])], 2, "as box, needed an object with top, right, bottom, left"),
        ([HEAD, line(box=MARK["box"] | {"top": "0.1"})], 2, 'found "0.1" as box.top, needed a number from 0 to 1'),
        ([HEAD, line(box=MARK["box"] | {"right": 320})], 2, "found 320 as box.right, needed a number from 0 to 1"),
        ([HEAD, line(box=MARK["box"] | {"top": float("nan")})], 2, "found NaN as box.top"),
        ([HEAD, line(box=MARK["box"] | {"top": True})], 2, "found true as box.top"),
        ([HEAD, line(box=MARK["box"] | {"top": 0.4})], 2, "needed top above bottom, and left before right"),
        ([HEAD, line(), line(person="Bob")], 3, "found Bob in a.jpg at the place where line 2 has Ann"),
        ([HEAD, line(), line(bytes=11)], 3, "found 11 bytes of the photo aaaaaaaaaaaa… of which line 2 has 10"),
    ],
)
def test_what_is_no_gold_set_is_told_with_its_line(file: Path, lines: list[str], number: int, sentence: str) -> None:
    put(file, *lines)
    with pytest.raises(RequestError) as told:
        gold_file.read(file)
    assert str(told.value).startswith(f"{file}, line {number}: ")
    assert sentence in str(told.value)


def test_what_is_not_utf_8_is_told_with_its_line(file: Path) -> None:
    file.write_bytes(HEAD.encode() + b'\n{"photo": "\xe9.jpg"}\n')
    with pytest.raises(RequestError, match="line 2: found the byte 0xe9, needed UTF-8"):
        gold_file.read(file)


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=f"cannot read {tmp_path}: Is a directory"):
        gold_file.read(tmp_path)
    with pytest.raises(RequestError, match=r"cannot write .*: No such file"):
        gold_file.write(tmp_path / "none/gold.jsonl", {})


def test_rights_and_a_link_stay_and_the_names_of_files_that_are_no_text_are_written(tmp_path: Path, file: Path) -> None:
    gold_file.write(file, gold(person(1, "Ann")))
    file.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(file)
    assert gold_file.hint_of("a\udce9\n.jpg") == "a\ufffd\ufffd.jpg"
    assert gold_file.write(link, gold(person(1, "Bob"), hint=gold_file.hint_of("a\udce9.jpg")))
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert gold_file.read(file)[A].hint == "a\ufffd.jpg"
