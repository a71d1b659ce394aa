from __future__ import annotations

import pytest

from tests.fixtures.laravel import captured
from worker.amqp.settings import QueueOptions
from worker.amqp.topology import Target, arguments_of, delay_arguments_of, delay_queue_of, target_of

#: The driver's options under which the cases of Laravel 12.19 were captured.
OPTIONS = {
    "on_queue_faces": QueueOptions(),
    "delay_60": QueueOptions(),
    "opt_exchange": QueueOptions(exchange="app-x", exchange_type="topic", routing_key="app.%s"),
    "opt_prioritize_delayed": QueueOptions(prioritize_delayed=True),
    "opt_prioritize_delayed_delay": QueueOptions(prioritize_delayed=True),
    "opt_quorum": QueueOptions(quorum=True),
    "opt_quorum_delay": QueueOptions(quorum=True),
    "opt_reroute_failed": QueueOptions(reroute_failed=True, failed_exchange="failed-x"),
}


def declared(options: QueueOptions) -> dict[str, dict[str, object]]:
    """What we declare for the queue faces and a delay of a minute."""
    return {
        "faces": arguments_of("faces", options),
        delay_queue_of("faces", 60): delay_arguments_of("faces", 60, options),
    }


@pytest.mark.parametrize("case", OPTIONS)
def test_queues_are_those_that_the_driver_made(case: str) -> None:
    row = captured.message("12.19.3", case)
    ours = declared(OPTIONS[case])
    assert row["queues"] == {name: ours[name] for name in row["queues"]}


@pytest.mark.parametrize("case", [case for case in OPTIONS if "delay_60" not in case and not case.endswith("_delay")])
def test_messages_go_where_the_driver_sent_them(case: str) -> None:
    row = captured.message("12.19.3", case)
    target = target_of("faces", OPTIONS[case])
    assert (target.exchange, target.routing_key) == (row["exchange"], row["routing_key"])


def test_without_an_exchange_the_routing_key_is_the_queue_that_is_declared() -> None:
    assert target_of("faces", QueueOptions(routing_key=".app.%s")) == Target("", "app.faces", "app.faces")
    assert target_of("faces", QueueOptions(exchange="x")) == Target("x", "faces", None)


def test_a_quorum_queue_gets_no_priority() -> None:
    options = QueueOptions(quorum=True, prioritize_delayed=True)
    assert arguments_of("faces", options) == {"x-queue-type": "quorum"}


def test_a_delay_queue_hands_over_to_where_the_queue_is_published_to() -> None:
    options = QueueOptions(exchange="app-x", routing_key="app.%s")
    assert delay_arguments_of("faces", 2, options) == {
        "x-dead-letter-exchange": "app-x",
        "x-dead-letter-routing-key": "app.faces",
        "x-message-ttl": 2000,
        "x-expires": 4000,
    }
