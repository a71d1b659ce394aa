from __future__ import annotations

import pytest

from faces import errors
from faces.errors import FacesError, PhotoError
from faces.http.errors import (
    OUR_FAULT,
    STATUSES,
    BadBody,
    ClientTooSlow,
    ForeignHost,
    ForeignOrigin,
    KeyNeeded,
    RequestTooLarge,
    reply_to,
)

TABLE = [
    (errors.EmptyFile, 422, False),
    (errors.UnsupportedFormat, 415, False),
    (errors.DamagedPhoto, 422, False),
    (errors.PhotoTooLarge, 413, False),
    (errors.CrashedBefore, 422, False),
    (errors.OutsideDisks, 400, False),
    (errors.EnginesBusy, 503, True),
    (errors.PictureNotWritten, 503, True),
    (errors.NoDiskForPicture, 422, True),
    (errors.EngineDied, 503, True),
    (errors.EngineError, 500, True),
    (KeyNeeded, 401, False),
    (ForeignHost, 403, False),
    (ForeignOrigin, 403, False),
    (BadBody, 400, False),
    (RequestTooLarge, 413, False),
    (ClientTooSlow, 408, True),
]


@pytest.mark.parametrize(("kind", "status", "retryable"), TABLE)
def test_each_error_has_its_status_and_says_whether_to_try_again(
    kind: type[FacesError], status: int, retryable: bool
) -> None:
    reply = reply_to(kind("a sentence"))
    assert reply.status == status
    assert reply.retryable == retryable
    assert reply.body == {"error": "a sentence", "code": kind.code, "retryable": retryable}


def test_what_is_not_ours_tells_nothing_about_itself() -> None:
    reply = reply_to(KeyError("secret"))
    assert reply.status == 500
    assert reply.error == OUR_FAULT
    assert reply.code == "internal_error"


def test_every_error_of_the_tree_has_a_status_and_photos_get_only_those_that_the_job_ends_on() -> None:
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, FacesError):
            # Only the kind decides: what else an error of this kind carries is left out.
            status = reply_to(kind.__new__(kind, "x")).status
            assert 400 <= status < 600
            assert not issubclass(kind, PhotoError) or status in {400, 413, 415, 422}


def test_a_leaf_stands_above_its_branch() -> None:
    kinds = [kind for kind, _ in STATUSES]
    for place, kind in enumerate(kinds):
        assert not any(issubclass(later, kind) for later in kinds[place + 1 :])


def test_unavailable_says_when_to_come_back() -> None:
    assert int(reply_to(errors.EnginesBusy("x")).headers["Retry-After"]) > 0
    assert reply_to(KeyNeeded("x")).headers == {"WWW-Authenticate": "Bearer"}
