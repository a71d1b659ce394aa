from __future__ import annotations

from typing import Any

import pytest

from faces.errors import UnreadableMessage
from tests.fixtures.laravel.captured import DEDUP_KEYS, bytes_of
from worker.laravel import serialized
from worker.laravel.message import Command
from worker.laravel.serialized import PhpArray, PhpEnum, PhpObject


@pytest.mark.parametrize("row", DEDUP_KEYS, ids=lambda row: str(row["case"]))
def test_a_key_is_the_one_that_the_app_inserted(row: dict[str, Any]) -> None:
    data = serialized.read(bytes_of(row["task_data"]))
    assert isinstance(data, PhpArray)
    assert Command(row["class"], data.entries).dedup_key.hex() == row["md5"]


@pytest.mark.parametrize(
    "value", [PhpObject({}, class_name="D"), PhpEnum("Suit", "Hearts"), PhpArray({0: PhpObject({})})]
)
def test_data_with_an_object_in_it_has_no_key_that_we_can_know(value: Any) -> None:
    with pytest.raises(UnreadableMessage, match="whose JSON only its class knows"):
        _ = Command("J", {"x": value}).dedup_key
