from __future__ import annotations

from pathlib import Path

import pytest

from faces.errors import SettingsError
from faces.system import env_file

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("  A = 1 \t\r", "1"),
        ("A=", ""),
        ("A=a b", "a b"),
        ('A="a b "', "a b "),
        ("A=' $HOME `id` \\n '", " $HOME `id` \\n "),
        ('A="it\'s"', "it's"),
        ("A=\"'a'\"", "'a'"),
        ("A=a=b", "a=b"),
        ("A=geheim#1 # still the value", "geheim#1 # still the value"),
        (r"A=App\Jobs\FaceProcessJob", r"App\Jobs\FaceProcessJob"),
        ("A=a\x0bb\u2028c", "a\x0bb\u2028c"),
    ],
)
def test_all_behind_the_equals_sign_is_the_value(line: str, value: str) -> None:
    assert env_file.parse(f"# a remark\n\n   # another\n{line}\n", "face.env") == {"A": value}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("no equals sign", "found no '='"),
        ("export A=1", "is no name of a variable"),
        ("1A=1", "is no name of a variable"),
        ("Ä=1", "is no name of a variable"),
        ("=1", "is no name of a variable"),
        ("A=a\0b", "NUL"),
        ('A="secret', 'begins with "'),
        ("A='secret' # remark", "begins with '"),
        ('A="', 'begins with "'),
        ("B=2", "B is there a second time"),
    ],
)
def test_a_wrong_line_is_named_and_its_value_is_not(line: str, words: str) -> None:
    with pytest.raises(SettingsError, match=r"^/etc/face\.env, line 2: ") as raised:
        env_file.parse(f"B=1\n{line}", "/etc/face.env")
    assert words in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "face.env"
    file.write_bytes("\ufeffA=é\r\nB=2".encode())
    assert env_file.read(file) == {"A": "é", "B": "2"}


def test_the_example_is_a_file_that_sets_nothing() -> None:
    assert env_file.read(ROOT / "etc/face.env.example") == {}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.env", None, r"found no .*gone\.env, needed a file like"),
        ("latin.env", b"A=\xe9", r"latin\.env cannot be read: .*utf-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=words):
        env_file.read(tmp_path / name)
