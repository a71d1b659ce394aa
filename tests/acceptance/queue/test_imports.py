"""A worker has everything loaded before its first job, and nothing that its configuration never needs."""

from __future__ import annotations

import json
from base64 import b64encode

from tests.acceptance.queue.test_messages import encrypted, foreign
from tests.acceptance.steps import delay_queue, depth, push_chain, row_of, scripted
from tests.servers.people import PEOPLE, near
from tests.servers.photo_app import NewApp, PhotoApp, command_of
from tests.servers.redis import Redis
from tests.servers.scripted_api import ScriptedApi, finds, says
from tests.servers.worker_process import ROOT

#: The app's key, as the variable APP_KEY has it behind `base64:`.
KEY = b64encode(b"0123456789abcdef0123456789abcdef").decode()

#: What scans, draws, prints or starts an API, and SQLAlchemy's classes for rows; with the cache in the database Redis.
NEVER = {
    *("PIL", "jinja2", "rich", "sqlalchemy.orm", "numpy.testing", "faces.photo.decoding", "faces.report.contact_sheet"),
    *(
        "worker.commands.photo_table",
        "worker.commands.interrupts",
        "faces.sources.known_portraits",
        "faces.client.private_api",
    ),
    *(f"worker.commands.{verb}" for verb in ("demo", "scan", "enrol", "link", "faces", "report", "export", "process")),
}


def loaded(app: PhotoApp, jobs: int, **settings: str) -> tuple[set[str], set[str]]:
    """The modules that are loaded before a worker's first job, and after its last."""
    worker = app.worker(PYTHONPATH=str(ROOT), **settings)
    worker.program = ("-m", "tests.servers.listing_worker")
    worker.run("run", "--max-jobs", jobs)
    before, after = (set(json.loads((worker.home / name).read_text())) for name in ("before", "after"))
    return before, after


def test_no_job_of_any_kind_loads_anything(stored: PhotoApp, api: ScriptedApi) -> None:
    app, after = stored, stored.rabbitmq.new_queue()
    app.variables["APP_KEY"] = f"base64:{KEY}"
    app.write_env()
    app.rows.master(PEOPLE[0])
    quality = {"total": 50.0, "details": {"size": 12.5, "sharpness": 17.5, "brightness": 10.0, "contrast": 10.0}}
    found = finds(near(PEOPLE[0], 0.3), PEOPLE[1], qualities=[quality] * 2, debug_image_path="/photos/2020/debug/a.jpg")
    done, followed, hidden = (scripted(app, api, found) for _ in range(3))
    lost = scripted(app, api, says(500, error="a fault", retryable=True))
    refused = scripted(app, api, says(422, error="no photo", retryable=False))
    app.push(done)
    push_chain(app, followed, command_of(followed, after))
    for body in encrypted(app, [hidden], [KEY]):
        app.publish(body)
    app.push(lost)
    app.push(refused)
    app.push(refused, timeout=10, maxTries=2, backoff="1,2", maxExceptions=1)
    app.push(999999, uuid=None)
    app.publish(b"no job")
    app.publish(foreign(app))
    before, later = loaded(app, 9, FACE_WORKER_BACKOFF="60")
    assert sorted(later - before) == []
    assert [row_of(app, image)["faces_checked"] for image in (done, followed, hidden, lost, refused)] == [1, 1, 1, 0, 0]
    assert depth(app) == 0
    assert depth(app, after) == 1
    assert depth(app, delay_queue(app.queue, 60)) == 2
    assert len(app.failed()) == 3, "the same image refused twice in the same words has one row"


def test_what_a_configuration_never_needs_is_not_loaded(stored: PhotoApp, store: Redis | None) -> None:
    stored.push(stored.image(b"no photo"))
    before, _ = loaded(stored, 1)
    unwanted = NEVER | (set() if store else {"redis", "worker.laravel.redis_cache"})
    assert sorted(unwanted & before) == []


def test_a_job_that_waits_for_the_api_loads_nothing_either(new_app: NewApp, api: ScriptedApi) -> None:
    app = new_app()
    image = scripted(app, api, says(503, error="busy", retryable=True), finds())
    app.push(image)
    before, after = loaded(app, 1)
    assert sorted(after - before) == []
