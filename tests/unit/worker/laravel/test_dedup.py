from __future__ import annotations

from typing import Any

import pytest

from faces.errors import UnreadableMessage
from tests.fixtures.laravel.captured import DEDUP_KEYS, bytes_of
from worker.laravel import dedup, serialized
from worker.laravel.serialized import PhpArray, PhpEnum, PhpObject


@pytest.mark.parametrize("row", DEDUP_KEYS, ids=lambda row: str(row["case"]))
def test_a_key_is_the_one_that_the_app_inserted(row: dict[str, Any]) -> None:
    data = serialized.read(bytes_of(row["task_data"]))
    assert isinstance(data, PhpArray)
    assert dedup.key_of(row["class"], data.entries).hex() == row["md5"]


@pytest.mark.parametrize(
    "value", [PhpObject({}, class_name="D"), PhpEnum("Suit", "Hearts"), PhpArray({0: PhpObject({})})]
)
def test_data_with_an_object_in_it_has_no_key_that_we_can_know(value: Any) -> None:
    with pytest.raises(UnreadableMessage, match="whose JSON only its class knows"):
        dedup.key_of("J", {"x": value})
