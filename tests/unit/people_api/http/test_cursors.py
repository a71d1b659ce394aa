"""A cursor gives back the place that it was made of, and is refused as anything else."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faces.errors import RequestError
from faces.store.sidecar.lists.face_places import FacePlace
from people_api.http import cursors

IDS = st.integers(0, 2**63 - 1)


@given(IDS, st.none() | st.floats(0, 100) | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), IDS)
def test_a_faces_place_comes_back(stretch: int, value: datetime | float | None, face: int) -> None:
    place = FacePlace(stretch, value, face)
    assert cursors.face_place(cursors.of_face(place)) == place


@given(st.none() | IDS, IDS, IDS)
def test_a_groups_place_comes_back(person: int | None, size: int, group: int) -> None:
    assert cursors.group_place(cursors.write(person, size, group)) == (person, size, group)


def test_without_a_cursor_there_is_no_place() -> None:
    assert cursors.face_place(None) is None
    assert cursors.entry(None) is None


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="found the cursor"):
        cursors.group_place(text + "!")
    try:
        cursors.person_place(text)
    except RequestError as error:
        assert error.code == "bad_cursor"


@pytest.mark.parametrize(
    "cursor",
    [
        cursors.write(1),
        cursors.write(1, 2, 3, 4),
        cursors.write(True, 2),
        cursors.write(1.5, 2),
        cursors.write(-1, 2),
        cursors.write(2**63, 2),
        cursors.write("1", 2),
        "W05hTiwxXQ",
    ],
)
def test_values_that_no_place_has_are_refused(cursor: str) -> None:
    with pytest.raises(RequestError, match="needed `next` of a page"):
        cursors.person_place(cursor)
