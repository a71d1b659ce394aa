"""When a photo was taken, as EXIF writes it and as the app keeps it."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from faces.store.capture_time import capture_time, read_capture_time

MOMENT = datetime(2020, 5, 17, 14, 3, 21)


@pytest.mark.parametrize(
    "text",
    [
        *("2020:05:17 14:03:21", "2020-05-17 14:03:21", "2020-05-17T14:03:21+02:00", " 2020:05:17 14:03:21.75\0"),
        *("2020/05/17 14:03:21", "2020:05:17 14:03:21\0\0"),
    ],
)
def test_a_moment_is_read_however_a_program_writes_it(text: str) -> None:
    assert read_capture_time(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        *("0000:00:00 00:00:00", "    :  :     :  :  ", "2020:13:17 14:03:21", "2020:02:31 14:03:21", "", "yesterday"),
        *("1900:01:00 00:00:00", "0001:01:01 00:00:00", None, 1589724201, ["2020"], {"a": 1}),
    ],
)
def test_what_says_no_moment_is_none(text: object) -> None:
    assert read_capture_time(text) is None


@pytest.mark.parametrize(
    "metadata",
    [
        {"DateTimeOriginal": "2020:05:17 14:03:21"},
        {"EXIF": {"DateTimeOriginal": "2020:05:17 14:03:21"}, "IFD0": {"DateTime": "2021:01:01 00:00:00"}},
        {"exif": {"EXIF:DateTimeOriginal": "2020:05:17 14:03:21"}},
        {"DateTimeOriginal": ["0000:00:00 00:00:00", "2020:05:17 14:03:21"]},
        {"DateTimeOriginal": "0000:00:00 00:00:00", "EXIF": {"DateTimeOriginal": "2020:05:17 14:03:21"}},
        [{"File": {}}, {"EXIF": {"DateTimeOriginal": "2020:05:17 14:03:21"}}],
    ],
)
def test_it_is_found_wherever_metadata_has_it(metadata: object) -> None:
    assert capture_time(json.dumps(metadata)) == MOMENT


@pytest.mark.parametrize(
    "metadata",
    [None, "", "null", "[]", "{", '"a text"', '{"DateTimeOriginal": {}}', '{"DateTime": "2020:05:17 1:1:1"}'],
)
def test_metadata_without_it_says_nothing(metadata: str | None) -> None:
    assert capture_time(metadata) is None


def test_metadata_as_deep_as_a_well_is_not_followed_to_its_ground() -> None:
    assert capture_time("[" * 100_000 + "]" * 100_000) is None
