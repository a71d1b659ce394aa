"""The driver's options and the log, as `run` has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.acceptance.steps import PHOTO, delay_queue, depth, name_of, push_chain, row_of, take_all, work
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp, command_of
from tests.servers.scripted_api import ScriptedApi, finds, says

Wait = Callable[..., None]

BOOM = says(409, error="boom")


def on_queue(new_app: NewApp, arguments: dict[str, Any]) -> PhotoApp:
    """An app whose queue has arguments."""
    app = new_app()
    app.queue = app.rabbitmq.new_queue(arguments)
    app.variables["QUEUE_FACES"] = app.queue
    app.write_env()
    return app


def test_jobs_of_a_quorum_queue_come_back_after_their_delay(new_app: NewApp, api: ScriptedApi) -> None:
    app = on_queue(new_app, {"x-queue-type": "quorum"})
    image, after = app.image(PHOTO), app.rabbitmq.new_name()
    api.answer(name_of(app, image), BOOM, finds())
    push_chain(app, image, command_of(1, after), backoff=1)
    work(app, 2, FACE_RABBITMQ_QUORUM="1")
    assert row_of(app, image)["faces_checked"] == 1
    assert app.failed() == []
    assert depth(app) == 0
    with app.rabbitmq.channel() as channel:
        # Another declaration than the one that made it would be refused.
        channel.queue_declare(after, durable=True, arguments={"x-queue-type": "quorum"})
    assert len(take_all(app, after)) == 1


def test_with_prioritize_delayed_the_number_of_the_try_is_the_priority(new_app: NewApp, api: ScriptedApi) -> None:
    app = on_queue(new_app, {"x-max-priority": 10})
    image = app.image(PHOTO)
    api.answer(name_of(app, image), BOOM, finds())
    app.push(image, attempts=1)
    work(app, 1, FACE_RABBITMQ_PRIORITIZE_DELAYED="1", FACE_WORKER_BACKOFF="600")
    with app.rabbitmq.channel() as channel:
        _, properties, body = channel.basic_get(delay_queue(app.queue, 600), auto_ack=True)
    assert properties is not None
    assert properties.priority == 2
    assert properties.headers["laravel"] == {"attempts": 2}
    assert body is not None


def test_with_an_exchange_jobs_go_through_it_also_after_a_delay(new_app: NewApp, api: ScriptedApi) -> None:
    app = new_app()
    exchange = app.rabbitmq.new_name()
    with app.rabbitmq.channel() as channel:
        channel.exchange_declare(exchange, "topic", durable=True)
        channel.queue_bind(app.queue, exchange, f"app.{app.queue}")
    image = app.image(PHOTO)
    api.answer(name_of(app, image), BOOM, BOOM, finds())
    app.push(image, backoff="0,1")
    options = {"EXCHANGE": exchange, "EXCHANGE_TYPE": "topic", "EXCHANGE_ROUTING_KEY": "app.%s"}
    work(app, 3, **{f"FACE_RABBITMQ_{name}": value for name, value in options.items()})
    assert row_of(app, image)["faces_checked"] == 1
    assert app.failed() == []
    assert depth(app) == 0


def test_what_nobody_takes_is_not_acked(new_app: NewApp, api: ScriptedApi, wait_for: Wait) -> None:
    """An exchange without a binding for the chain's next queue returns it: the job comes again until it is taken."""
    app = new_app()
    exchange, image, nowhere = app.rabbitmq.new_name(), app.image(PHOTO), app.rabbitmq.new_queue()
    with app.rabbitmq.channel() as channel:
        channel.exchange_declare(exchange, "direct", durable=True)
        channel.queue_bind(app.queue, exchange, app.queue)
    push_chain(app, image, command_of(1, nowhere))
    worker = app.worker(FACE_RABBITMQ_EXCHANGE=exchange)
    process = worker.start("run", "--max-jobs", 1)
    wait_for(lambda: app.leftovers()["refusals"] == 1)
    assert row_of(app, image)["faces_checked"] == 1
    assert depth(app, nowhere) == 0
    with app.rabbitmq.channel() as channel:
        channel.queue_bind(nowhere, exchange, nowhere)
    _, err = worker.end_of(process)
    assert "not published: RabbitMQ has no queue for what was published" in err
    taken = take_all(app, nowhere)
    assert len(taken) == 1
    assert depth(app) == 0
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT
