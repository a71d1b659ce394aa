from __future__ import annotations

import json

import pytest

from worker.commands.output import Output

ODD = "x\x1b[31my\u202e\x9b.jpg"
HARMLESS = r"x\u001b[31my\u202e\u009b.jpg"


def test_no_name_commands_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=False)
    output.say(ODD)
    output.result(ODD)
    output.table(("photo", "who"), [(ODD, "Ada")])
    told = capsys.readouterr()
    assert told.err == f"{HARMLESS}\n"
    assert told.out == f"{HARMLESS}\nphoto\twho\n{HARMLESS}\tAda\n"


def test_machines_read_the_name_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).record({"photo": ODD + "\x7f"})
    line = capsys.readouterr().out
    assert "\x7f" not in line
    assert json.loads(line) == {"photo": ODD + "\x7f"}


@pytest.mark.parametrize("values", [[], [{"id": 1}], [{"id": 1}, {"id": 2}]], ids=len)
def test_a_list_is_one_line_of_json(values: list[dict[str, object]], capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).records(iter(values))
    assert capsys.readouterr().out == json.dumps(values) + "\n"


def test_data_for_another_program_is_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).data(f"{ODD},Ada\n")
    assert capsys.readouterr().out == f"{ODD},Ada\n"
