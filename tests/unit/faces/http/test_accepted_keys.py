from __future__ import annotations

from pathlib import Path

import pytest

from faces.http.accepted_keys import AcceptedKeys

KEY = "0123456789abcdef"


def test_a_keys_file_that_breaks_leaves_the_last_good_keys(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n", encoding="utf-8")
    keys = AcceptedKeys((), file, "FACE_API_KEYS")
    file.write_text("short\n", encoding="utf-8")
    assert keys.accept(KEY)
    file.unlink()
    assert keys.accept(KEY)
    file.write_text(f"{KEY}-next\n", encoding="utf-8")
    assert keys.accept(f"{KEY}-next")
    assert not keys.accept(KEY)


@pytest.mark.parametrize("content", ["", "\n \n", "# rotation\n"])
def test_a_keys_file_that_is_emptied_leaves_the_last_good_keys_and_says_so_once(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n", encoding="utf-8")
    keys = AcceptedKeys((), file, "FACE_API_KEYS")
    file.write_text(content, encoding="utf-8")
    for _ in range(3):
        assert keys.accept(KEY)
    assert [record.message for record in caplog.records] == [
        f"FACE_API_KEYS_FILE: {file} has no key any more; the keys read before stay valid"
    ]


def test_a_key_outside_ascii_is_wrong_and_no_error() -> None:
    keys = AcceptedKeys([KEY], None, "FACE_API_KEYS")
    assert not keys.accept("ключ" * 4)
