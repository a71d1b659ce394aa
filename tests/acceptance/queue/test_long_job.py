"""A job that takes many heartbeats keeps its message, and is done once."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.acceptance.steps import depth, name_of, push_chain
from tests.servers.people import PEOPLE
from tests.servers.photo_app import NOTHING_LEFT, NewApp, command_of
from tests.servers.proxy import running_proxy
from tests.servers.rabbitmq import running_rabbitmq
from tests.servers.scripted_api import ScriptedApi, finds

#: connection.tune-ok: how many channels, how large a frame, and the heartbeat that was agreed.
TUNE_OK = re.compile(rb"\x00\x0a\x00\x1f.{6}(..)", re.DOTALL)


def job_takes(seconds: float, heartbeat: int, new_app: NewApp, api: ScriptedApi) -> None:
    """RabbitMQ ends a connection that is silent for two heartbeats."""
    with running_rabbitmq(f"heartbeat = {heartbeat}") as rabbitmq, running_proxy(rabbitmq.port) as proxy:
        app = new_app(rabbitmq=rabbitmq, api_url=api.url, variables={"RABBITMQ_PORT": str(proxy.port)})
        image, after = app.image(b"the scripted API looks at names only"), rabbitmq.new_queue()
        found = finds(PEOPLE[0], debug_image_path="/photos/2020/debug/1.jpg")
        api.answer(name_of(app, image), replace(found, seconds=seconds))
        push_chain(app, image, command_of(image, after))
        app.worker().run("run", "--max-jobs", "1")
        agreed = TUNE_OK.search(proxy.sent)
        assert agreed
        assert int.from_bytes(agreed[1], "big") == heartbeat
        assert len(api.seen) == 1
        assert len(app.rows.faces(image)) == 1
        assert proxy.accepted == 1
        assert depth(app) == 0
        assert depth(app, after) == 1
        assert app.leftovers() == NOTHING_LEFT


def test_a_job_of_ten_seconds_under_a_heartbeat_of_two(new_app: NewApp, api: ScriptedApi) -> None:
    job_takes(10, 2, new_app, api)


@pytest.mark.long
def test_a_job_of_ninety_seconds_under_a_heartbeat_of_ten(new_app: NewApp, api: ScriptedApi) -> None:
    job_takes(90, 10, new_app, api)
