from __future__ import annotations

import pytest
from pika.frame import Header
from pika.spec import BasicProperties

from faces.settings import QueueOptions
from worker.amqp.delivery import Delivery, copied, own_priority, properties_of

DEFAULTS = QueueOptions()
COUNTED = QueueOptions(prioritize_delayed=True)

#: The content header that php-amqplib sent for a job of Laravel 12.19: 515 bytes of body.
FROM_PHP = (
    "003c00000000000000000203b400106170706c69636174696f6e2f6a736f6e0000001b076c61726176656c460000000e08617474656d707473"
    "4900000000022464626664303465312d353733302d343332322d613531652d323533616130666235326332"
)


def delivery(**properties: object) -> Delivery:
    return Delivery(b"{}", "faces", False, 1, 1, BasicProperties(**properties))


def test_our_content_header_is_phps_byte_for_byte() -> None:
    properties = properties_of("dbfd04e1-5730-4322-a51e-253aa0fb52c2", 0, None, DEFAULTS)
    frame = Header(1, 515, properties).marshal()
    assert frame[7:-1].hex() == FROM_PHP


@pytest.mark.parametrize(
    ("own", "options", "sent"),
    [
        (None, DEFAULTS, None),
        (7, DEFAULTS, 7),
        (None, COUNTED, 2),
        (7, COUNTED, 7),
        (1000, DEFAULTS, 255),
        (-1, DEFAULTS, 0),
    ],
)
def test_the_jobs_own_priority_goes_before_the_counted_one(
    own: int | None, options: QueueOptions, sent: int | None
) -> None:
    assert properties_of("7", 2, own, options).priority == sent


@pytest.mark.parametrize(
    ("priority", "options", "own"),
    [(None, DEFAULTS, None), (7, DEFAULTS, 7), (1, COUNTED, None), (7, COUNTED, 7)],
)
def test_a_counted_priority_is_not_the_jobs_own(priority: int | None, options: QueueOptions, own: int | None) -> None:
    assert own_priority(delivery(priority=priority, headers={"laravel": {"attempts": 1}}), options) == own


@pytest.mark.parametrize("headers", [None, {}, {"laravel": 1}, {"laravel": {}}, {"laravel": {"attempts": "1"}}])
def test_a_message_without_attempts_has_priority_zero_where_they_are_counted(headers: dict[str, object] | None) -> None:
    assert own_priority(delivery(priority=0, headers=headers), COUNTED) is None


def test_a_copy_keeps_all_but_what_is_true_of_this_copy_only() -> None:
    headers = {"laravel": {"attempts": 1}, "x-delivery-count": 3, "CC": ["other"], "mine": None}
    copy = copied(delivery(content_type="text/x", expiration="5", user_id="php", message_id="m", headers=headers))
    assert copy == BasicProperties(
        content_type="text/x",
        expiration="5",
        message_id="m",
        headers={"laravel": {"attempts": 1}, "mine": None},
    )


def test_copying_leaves_the_delivery_as_it_is() -> None:
    one = delivery(user_id="php", headers={"x-delivery-count": 3})
    copied(one)
    assert one.properties.user_id == "php"
    assert one.times_returned == 3
