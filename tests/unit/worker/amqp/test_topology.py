from __future__ import annotations

import pytest

from faces.settings import QueueOptions
from tests.fixtures.laravel import captured
from worker.amqp.topology import LONGEST_DELAY, Target, arguments_of, delay_arguments_of, delay_queue_of, target_of

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


@pytest.mark.parametrize("case", OPTIONS)
def test_the_main_queue_is_the_one_that_the_driver_made(case: str) -> None:
    row = captured.message("12.19.3", case)
    assert row["queues"].get("faces", arguments_of("faces", OPTIONS[case])) == arguments_of("faces", OPTIONS[case])


@pytest.mark.parametrize("case", OPTIONS)
def test_no_delay_queue_of_ours_is_one_of_the_driver_s(case: str) -> None:
    assert delay_queue_of("faces", 60, OPTIONS[case]) not in captured.message("12.19.3", case)["queues"]


@pytest.mark.parametrize("case", [case for case in OPTIONS if "delay_60" not in case and not case.endswith("_delay")])
def test_messages_go_where_the_driver_sent_them(case: str) -> None:
    row = captured.message("12.19.3", case)
    target = target_of("faces", OPTIONS[case])
    assert target.exchange == row["exchange"]
    assert target.routing_key == row["routing_key"]


def test_without_an_exchange_the_routing_key_is_the_queue_that_is_declared() -> None:
    assert target_of("faces", QueueOptions(routing_key=".app.%s")) == Target("", "app.faces", "app.faces")
    assert target_of("faces", QueueOptions(exchange="x")) == Target("x", "faces", None)


def test_a_quorum_queue_gets_no_priority() -> None:
    options = QueueOptions(quorum=True, prioritize_delayed=True)
    assert arguments_of("faces", options) == {"x-queue-type": "quorum"}


def test_a_delay_queue_hands_over_to_where_the_queue_is_published_to_and_outlives_its_messages_by_an_hour() -> None:
    options = QueueOptions(exchange="app-x", routing_key="app.%s")
    assert delay_arguments_of("faces", 2, options) == {
        "x-queue-type": "classic",
        "x-dead-letter-exchange": "app-x",
        "x-dead-letter-routing-key": "app.faces",
        "x-message-ttl": 2000,
        "x-expires": 3_602_000,
    }


def test_the_longest_delay_is_what_rabbitmq_takes() -> None:
    assert delay_arguments_of("faces", LONGEST_DELAY, QueueOptions())["x-expires"] <= 2**32 - 1
    assert delay_arguments_of("faces", LONGEST_DELAY + 1, QueueOptions())["x-expires"] > 2**32 - 1


def test_all_that_a_delay_queue_s_arguments_depend_on_is_in_its_name() -> None:
    several = [
        QueueOptions(),
        QueueOptions(routing_key="app.%s"),
        QueueOptions(exchange="x"),
        QueueOptions(exchange="x", routing_key="app.%s"),
        QueueOptions(exchange="y"),
        *OPTIONS.values(),
    ]
    seen: dict[str, object] = {}
    for options in several:
        arguments = delay_arguments_of("faces", 60, options)
        assert seen.setdefault(delay_queue_of("faces", 60, options), arguments) == arguments
    assert len(seen) == 6


def test_a_delay_queue_s_name_says_what_it_is() -> None:
    assert delay_queue_of("faces", 60, QueueOptions()) == "faces.delay.60000.sidecar"
    assert delay_queue_of("faces", 60, QueueOptions(exchange="x")).startswith("faces.delay.60000.sidecar.")
