"""`process_image` for a job of the queue: what is done already, whose lock it is, what the transaction takes along."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from faces.errors import EngineError, FileMissing, ImageMissing, LockLost, UnsupportedFormat
from tests.servers.fake_api import FakeApi
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows
from worker.jobs.context import Context
from worker.jobs.faces import Tools, process_image

pytestmark = pytest.mark.parametrize(
    "url", ["sqlite with a queue", "mariadb v1", "mariadb v2", "mariadb v5"], indirect=True
)

A, B = PEOPLE[:2]
KEY = hashlib.md5(b"job", usedforsecurity=False).digest()
OTHER_KEY = hashlib.md5(b"another job", usedforsecurity=False).digest()
DONE = {"faces_checked": 1, "debug_filename": "debug_a.jpg"}


@pytest.fixture
def context(rows: Rows) -> Context:
    """A job whose dedup key, and another's, stand in `queues`, and whose batch has two jobs left."""
    for key in (KEY, OTHER_KEY):
        rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=key)
    rows.run(
        "INSERT INTO job_batches (id, name, total_jobs, pending_jobs, failed_jobs, failed_job_ids, options, created_at)"
        " VALUES ('batch', '', 2, 2, 0, '[]', 'a:0:{}', 0)"
    )
    return Context(skip_done=True, dedup_key=KEY, batch=("batch", "uuid"))


def left(rows: Rows) -> tuple[int, int]:
    """How many dedup keys and jobs of the batch are left."""
    return (
        rows.one("SELECT count(*) AS n FROM queues")["n"],
        rows.one("SELECT pending_jobs FROM job_batches")["pending_jobs"],
    )


def test_a_job_takes_its_dedup_key_and_its_place_in_the_batch_along(
    rows: Rows, tools: Tools, api: FakeApi, context: Context
) -> None:
    image = rows.image()
    api.found = [A]
    api.more = {"scale": 1600}
    done = process_image(tools, image, context)
    assert done.inserted == 1
    assert done.done_already is False
    assert done.scale == 1600
    assert left(rows) == (1, 1)
    assert rows.one("SELECT queue_key FROM queues")["queue_key"] == OTHER_KEY


def test_a_second_delivery_changes_nothing_and_asks_no_api(
    rows: Rows, tools: Tools, api: FakeApi, context: Context
) -> None:
    image = rows.image()
    api.found = [A]
    process_image(tools, image, context)
    before = rows.everything()
    again = process_image(tools, image, context)
    assert again.done_already is True
    assert again.found == 0
    assert again.inserted == 0
    assert len(api.requests) == 1
    assert rows.everything() == before
    assert left(rows) == (1, 1), "one job is not counted twice"


def test_what_is_done_already_still_gives_its_dedup_key_back(
    rows: Rows, tools: Tools, api: FakeApi, context: Context
) -> None:
    image = rows.image(**DONE)
    assert process_image(tools, image, context).done_already
    assert api.requests == []
    assert left(rows) == (1, 1)


@pytest.mark.parametrize("debug_filename", [None, ""])
def test_an_image_without_its_debug_picture_is_not_done_where_there_are_any(
    rows: Rows, tools: Tools, api: FakeApi, context: Context, debug_filename: str | None
) -> None:
    image = rows.image(faces_checked=1, debug_filename=debug_filename)
    face = rows.face(image, A, status="ok")
    api.found = [A]
    done = process_image(tools, image, context)
    assert done.done_already is False
    assert done.inserted == 0
    assert rows.one("SELECT debug_filename FROM images")["debug_filename"] == "debug_a.jpg"
    assert [row["id"] for row in rows.faces(image)] == [face], "and nothing of a person's is doubled or reset"


def test_where_no_debug_pictures_are_drawn_none_is_missed(
    rows: Rows, tools: Tools, api: FakeApi, context: Context
) -> None:
    image = rows.image(faces_checked=1)
    without = replace(tools, debug_pictures=False)
    assert process_image(without, image, context).done_already


def test_the_command_line_does_again_what_is_done(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image(**DONE)
    assert not process_image(tools, image).done_already
    assert len(api.requests) == 1


def test_what_another_worker_did_meanwhile_is_not_done_again(
    rows: Rows, tools: Tools, api: FakeApi, context: Context
) -> None:
    """It is asked again under the row's lock, whatever our own lock says."""
    image = rows.image()
    api.found = [A]
    api.before = lambda: _done_by_another(rows, image)
    assert process_image(tools, image, context).done_already
    assert len(rows.faces(image)) == 1
    assert left(rows) == (1, 1)


def _done_by_another(rows: Rows, image: int) -> None:
    rows.face(image, B)
    rows.run("UPDATE images SET faces_checked = 1, debug_filename = 'debug_a.jpg'")


def test_an_image_that_is_reset_between_two_looks_is_done_again(
    rows: Rows, make_tools: Callable[..., Tools], api: FakeApi, context: Context
) -> None:
    """It is done as it is read first, and not any more when its row is locked."""
    image = rows.image(**DONE)
    asked: list[int] = []

    def reset() -> bool:
        asked.append(len(api.requests))
        return True

    tools = make_tools()
    write = tools.store.write

    class Resetting(type(tools.store)):  # type: ignore[misc]
        def write(self, work: Callable[..., Any]) -> Any:
            if not asked:
                rows.run("UPDATE images SET faces_checked = 0, debug_filename = NULL")
            return write(work)

    api.found = [A]
    resetting = Resetting(tools.store._engine, tools.store.name, tools.store.schema)
    done = process_image(
        make_tools(store=resetting), image, Context(reset, skip_done=True, dedup_key=KEY, batch=context.batch)
    )
    assert done.done_already is False
    assert done.inserted == 1
    assert asked == [0, 1], "the lock is asked for once in each transaction"


@pytest.mark.parametrize("values", [{}, DONE], ids=["new", "done already"])
def test_a_job_whose_lock_is_lost_writes_nothing(
    rows: Rows, tools: Tools, api: FakeApi, context: Context, values: dict[str, Any]
) -> None:
    image = rows.image(**values)
    api.found = [A]
    before = rows.everything()
    lost = Context(lambda: False, skip_done=True, dedup_key=KEY, batch=context.batch)
    with pytest.raises(LockLost, match=f"the lock of image {image} ran out or is another's by now"):
        process_image(tools, image, lost)
    assert rows.everything() == before
    assert left(rows) == (2, 2)


def test_the_lock_is_asked_for_after_the_image_row_is_taken(
    rows: Rows, tools: Tools, api: FakeApi, context: Context, blocked: Callable[[str], bool]
) -> None:
    image = rows.image()
    seen: list[bool] = []

    def still_ours() -> bool:
        seen.append(blocked(f"UPDATE images SET metadata = '{{}}' WHERE id = {image}"))
        return True

    process_image(tools, image, Context(still_ours, skip_done=True))
    assert seen == [True]


@pytest.fixture
def blocked(url: str) -> Iterator[Callable[[str], bool]]:
    """Whether a statement of another program has to wait."""
    if url.startswith("mysql"):
        other = Rows(f"{url}?init_command=SET+innodb_lock_wait_timeout%3D1")
    else:
        other = Rows(f"{url}?timeout=0.1")

    def is_blocked(statement: str) -> bool:
        try:
            other.run(statement)
        except Exception as error:  # noqa: BLE001  each driver has its own
            assert "Lock wait timeout" in str(error) or "database is locked" in str(error)
            return True
        return False

    yield is_blocked
    other.close()


def test_a_failure_is_noted_once_and_known_again(rows: Rows, tools: Tools, api: FakeApi, context: Context) -> None:
    """Also where it was another request that ended in it, whose name stands behind."""
    image = rows.image()
    api.answer = httpx2.Response(415, json={"error": "no picture", "code": "unsupported_format", "retryable": False})
    for repeated, request_id in ((False, "job.1"), (True, "job.1"), (True, "job.2")):
        with pytest.raises(UnsupportedFormat) as caught:
            process_image(tools, image, replace(context, request_id=request_id))
        assert caught.value.repeated == repeated
        assert caught.value.noted == rows.one("SELECT last_error FROM images")["last_error"]
        text, _, name = (caught.value.noted or "").partition(" (request ")
        assert json.loads(text.removeprefix("HTTP 415: "))["error"] == "no picture"
        assert name == f"{request_id})"
    assert left(rows) == (2, 2), "whether the job is over, is not decided here"


def test_a_job_knows_its_request_by_our_name_before_and_by_the_api_s_own_after(
    rows: Rows, tools: Tools, api: FakeApi, context: Context
) -> None:
    heard: list[str] = []
    api.before = lambda: heard.append("asked")
    api.answer = httpx2.Response(500, text="broken", headers={"X-Request-ID": "of-a-proxy"})
    named = replace(context, request_id="job.1", know=lambda request: heard.append(request))
    with pytest.raises(EngineError) as caught:
        process_image(tools, rows.image(), named)
    assert heard == ["job.1", "asked", "of-a-proxy"]
    assert caught.value.request_id == "of-a-proxy"
    assert rows.one("SELECT last_error FROM images")["last_error"] == "HTTP 500: broken (request of-a-proxy)"


def test_a_file_that_is_missing_is_noted_the_same_way(rows: Rows, tools: Tools, context: Context) -> None:
    image = rows.image(filename="gone.jpg")
    with pytest.raises(FileMissing) as caught:
        process_image(tools, image, context)
    assert caught.value.noted == rows.one("SELECT last_error FROM images")["last_error"] == str(caught.value)


def test_a_failure_is_not_noted_beside_what_another_worker_has_done(
    rows: Rows, tools: Tools, api: FakeApi, context: Context
) -> None:
    image = rows.image()
    api.answer = httpx2.Response(500, text="broken")
    api.before = lambda: _done_by_another(rows, image)
    with pytest.raises(EngineError, match="failed: HTTP 500"):
        process_image(tools, image, context)
    assert rows.one("SELECT last_error FROM images")["last_error"] is None


def test_a_failure_of_a_job_whose_lock_is_lost_is_not_noted(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.answer = httpx2.Response(500, text="broken")
    with pytest.raises(LockLost):
        process_image(tools, image, Context(lambda: False, skip_done=True))
    assert rows.one("SELECT last_error FROM images")["last_error"] is None


def test_a_missing_image_keeps_the_jobs_dedup_key(rows: Rows, tools: Tools, context: Context) -> None:
    with pytest.raises(ImageMissing):
        process_image(tools, 77, context)
    assert left(rows) == (2, 2)


def test_the_wait_for_the_answer_is_bounded(rows: Rows, tools: Tools, api: FakeApi, context: Context) -> None:
    timeouts: list[Any] = []

    class Watching(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            timeouts.append(request.extensions["timeout"]["read"])
            return api(request)

    http = httpx2.Client(transport=Watching(), base_url="http://api")
    watched = Tools(tools.store, type(tools.client)(http), tools.disks, tools.linking, tools.identities)
    process_image(watched, rows.image(), replace(context, timeout=17))
    http.close()
    assert timeouts == [17]
