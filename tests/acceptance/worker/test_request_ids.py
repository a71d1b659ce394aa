"""A job can be followed into the face API's log: by the request's name in the worker's log and in both tables."""

from __future__ import annotations

from typing import Any

from tests.acceptance.steps import row_of, scripted
from tests.servers.photo_app import NewApp, PhotoApp
from tests.servers.running_api import RunningApi
from tests.servers.scripted_api import Answer, running_scripted_api


def test_a_job_s_requests_are_named_after_it_everywhere(app: PhotoApp, api: RunningApi, small_photo: bytes) -> None:
    good, bad = app.image(small_photo), app.image(b"this is no photo")
    well, badly = app.push(good), app.push(bad, attempts=1)
    _, log = app.worker().run("run", "--max-jobs", 2)
    done, failed = (next(line for line in log.splitlines() if word in line) for word in (": done (", ": failed: "))
    assert f" request={well}.1 " in done
    assert f" request={badly}.2 " in failed
    told = {line.split(" id=")[1].split()[0] for line in api.log().splitlines() if " id=" in line}
    assert {f"{well}.1", f"{badly}.2"} <= told
    (row,) = app.failed()
    first, second, *_ = row["exception"].splitlines()
    assert badly not in first
    assert second == f"attempt 2 of 3, by the face sidecar, request {badly}.2 in the face API's log"
    assert row_of(app, bad)["last_error"].endswith(f" (request {badly}.2)")


def test_the_name_is_known_also_where_no_answer_comes(new_app: NewApp) -> None:
    with running_scripted_api() as api:
        app = new_app(api_url=api.url)
        image = scripted(app, api, Answer(breaks=True))
        uuid = app.push(image, maxTries=1)
        _, log = app.worker().run("run", "--max-jobs", 1)
    assert f"request={uuid}.1" in next(line for line in log.splitlines() if "failed: " in line)
    assert f"request {uuid}.1 in" in app.failed()[0]["exception"]
    assert row_of(app, image)["last_error"].endswith(f" (request {uuid}.1)")


def test_a_name_that_no_log_takes_is_replaced(app: PhotoApp, api: Any) -> None:
    image = app.image(b"this is no photo")
    app.push(image, uuid="ю\n" + "x" * 200)
    app.worker().run("run", "--max-jobs", 1)
    name = row_of(app, image)["last_error"].rpartition(" (request ")[2].removesuffix(")")
    assert f" id={name} " in api.log()
    assert name.endswith(".1")
