"""The verb `key`: what it prints, and what it leaves in the file."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faces.errors import RequestError, SettingsError
from faces.http.accepted_keys import AcceptedKeys
from faces.http.scopes import WORDS, read_key
from faces.settings import load
from worker.__main__ import _parser
from worker.commands.invocation import Invocation
from worker.commands.output import Output


def key(file: Path | None, *words: str) -> int:
    arguments = _parser(["key", *words]).parse_args(["key", *words])
    code: int = arguments.run(arguments, Invocation(load(people_keys_file=file), Output(as_json=False)))
    return code


def accepted(file: Path) -> AcceptedKeys:
    return AcceptedKeys((), file, "FACE_PEOPLE_KEYS", read_key)


def test_a_key_is_printed_as_a_line_for_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert key(None, "--scope", "read") == 0
    assert key(None, "--scope", "read") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first != second
    (tmp_path / "keys").write_text(first, encoding="utf-8")
    found = accepted(tmp_path / "keys").find(first.removeprefix("read "))
    assert found is not None
    assert found.allows == "read"


def test_an_added_key_is_accepted_beside_those_before_and_the_file_is_its_owners(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "keys"
    file.write_text("# the app's\nread 0123456789abcdef", encoding="utf-8")
    file.chmod(0o644)
    for scope in WORDS:
        assert key(file, "--scope", scope, "--add") == 0
    keys = dict(zip(WORDS, capsys.readouterr().out.split(), strict=True))
    known = accepted(file)
    assert {scope: getattr(known.find(text), "allows", None) for scope, text in keys.items()} == {s: s for s in WORDS}
    assert known.accept("0123456789abcdef")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["keys"]


def test_of_keys_added_at_once_none_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: key(file, "--scope", "read", "--add"), range(24))) == {0}
    assert len(set(file.read_text(encoding="utf-8").splitlines())) == 24


def test_without_a_file_or_with_one_that_cannot_be_written_nothing_is_added(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="FACE_PEOPLE_KEYS_FILE is not set"):
        key(None, "--scope", "read", "--add")
    with pytest.raises(RequestError, match=r"FACE_PEOPLE_KEYS_FILE: .* cannot be written"):
        key(tmp_path / "gone/keys", "--scope", "read", "--add")
