from __future__ import annotations

import json
import logging
import sys
from typing import Any

from faces.system.logs import Json, Text, api_configuration
from faces.system.terminal import visible


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


ODD = "x\x1b[31my\x7f\u202e.jpg\nERROR worker: forged"
HARMLESS = r"x\u001b[31my\u007f\u202e.jpg\u000aERROR worker: forged"


def test_no_message_or_fact_commands_a_terminal_or_forges_a_line() -> None:
    line = Text(with_time=False).format(record(ODD, photo=ODD))
    assert line.startswith(f"INFO worker.job: {HARMLESS} (photo=")
    assert line == visible(line)


def test_no_line_of_the_api_commands_a_terminal() -> None:
    configuration = api_configuration("INFO")["formatters"]["plain"]
    line = configuration["()"](configuration["fmt"]).format(record(ODD))
    assert line.endswith(f"worker.job: {HARMLESS}")


def test_no_traceback_commands_a_terminal_and_it_keeps_its_lines() -> None:
    made = record("a fault")
    made.exc_info = (ValueError, ValueError("\x1b[31m"), None)
    lines = Text(with_time=False).format(made).split("\n")
    assert lines == ["INFO worker.job: a fault", r"ValueError: \u001b[31m"]


def test_a_line_for_machines_says_what_it_said_without_commands() -> None:
    line = Json().format(record(ODD))
    assert json.loads(line)["message"] == ODD
    assert line == visible(line)
