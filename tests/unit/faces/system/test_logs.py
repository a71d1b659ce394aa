from __future__ import annotations

import json
import logging
import sys
from typing import Any

from faces.system.logs import Json, Text


def record(message: str, *, failed: bool = False, **facts: Any) -> logging.LogRecord:
    error = None
    if failed:
        try:
            int("why")
        except ValueError:
            error = sys.exc_info()
    made = logging.LogRecord("worker.job", logging.INFO, __file__, 1, "%s", (message,), error)
    if facts:
        made.facts = facts
    return made


def test_facts_stand_behind_the_words_in_text() -> None:
    line = Text(with_time=False).format(record("done", image=7, reason="two words", Имя="Ада"))
    assert line == 'INFO worker.job: done (image=7 reason="two words" Имя=Ада)'
    assert Text(with_time=False).format(record("done")) == "INFO worker.job: done"


def test_a_traceback_follows_the_line() -> None:
    first, *rest = Text(with_time=False).format(record("a fault", failed=True, image=7)).split("\n")
    assert first == "INFO worker.job: a fault (image=7)"
    assert rest[-1] == "ValueError: invalid literal for int() with base 10: 'why'"


def test_what_runs_for_days_says_when() -> None:
    assert Text(with_time=True).format(record("done")).startswith("20")


def test_facts_are_fields_for_machines() -> None:
    line = json.loads(Json().format(record("done\nso", failed=True, image=7, seconds=0.5)))
    assert line["message"] == "done\nso"
    assert line["image"] == 7
    assert line["seconds"] == 0.5
    assert line["level"] == "INFO"
    assert line["traceback"].endswith("ValueError: invalid literal for int() with base 10: 'why'")
    assert line["time"].endswith("+00:00")
