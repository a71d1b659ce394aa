from __future__ import annotations

from pathlib import Path

import pytest

from installer.options import Choices, parse


def test_nothing_said_is_nothing_chosen() -> None:
    assert parse([], {}).choices == Choices()


def test_the_apps_env_is_named_by_word_or_by_environment_and_the_word_wins() -> None:
    around = {"LARAVEL_ENV_FILE": "/var/www/a/.env"}
    assert parse([], around).choices.laravel_env == Path("/var/www/a/.env")
    assert parse(["--laravel-env", "/var/www/b/.env"], around).choices.laravel_env == Path("/var/www/b/.env")


def test_an_upgrade_keeps_what_was_said_before_and_obeys_what_is_said_now() -> None:
    earlier = Choices(prefix=Path("/opt/face-sidecar"), layout="laravel", supervisor=True, workers=2, native=True)
    assert Choices().over(earlier) == earlier
    now = parse(["--with-worker", "0", "--layout", "own"], {}).choices.over(earlier)
    assert now.workers == 0
    assert now.layout == "own"
    assert now.supervisor is True
    assert now.native is True


def test_choices_are_read_back_as_they_were_kept() -> None:
    kept = Choices(Path("/opt/x"), Path("/var/www/photo/.env"), "laravel", True, 3, False)
    assert Choices.from_json(kept.to_json()) == kept
    assert Choices.from_json(Choices().to_json()) == Choices()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--with-worker", "two"], "found 'two', needed a whole number from 0 to 64"),
        (["--with-worker", "65"], "found '65', needed a whole number from 0 to 64"),
        (["--api-processes", "0"], "found '0', needed a whole number from 1 to 256"),
        (["--prefix", "face"], "found 'face', needed an absolute folder"),
        (["--prefix", "/opt"], "found '/opt', needed an absolute folder of two names"),
        (["--prefix", "/opt/a b"], "found '/opt/a b', needed an absolute folder"),
        (["--purge"], "needed --uninstall --purge"),
        (["--unin"], "unrecognized arguments: --unin"),
    ],
)
def test_a_wrong_word_says_what_is_needed(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(words, {})
    assert sentence in capsys.readouterr().err
