from __future__ import annotations

from pathlib import Path

from installer import notes
from installer.sentence import Language
from tests.unit.installer.situations import app_in, situation


def test_a_disk_that_is_not_shared_is_said_with_the_command_that_shares_it(app_folder: Path, tmp_path: Path) -> None:
    at = situation(tmp_path, app=app_in(app_folder))
    disk = app_folder / "storage"

    def said() -> list[str]:
        return [Language().render(sentence) for sentence in notes.notes(at)]

    (sentence,) = said()
    assert sentence.startswith(f"disk local: www-data may not write {disk}")
    disk.chmod(0o777)
    (sentence,) = said()
    assert sentence.endswith(f"chgrp web {disk} && chmod g+ws {disk}")
    disk.rmdir()
    assert said() == [f"disk local: there is no folder {disk}; no debug pictures there"]
