"""Messages that `failed_jobs` did not take, set aside whole in `<queue>.unrecorded`: how many wait for an operator."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from faces.errors import BrokerRefused, BrokerUnavailable
from worker.amqp.broker import Broker
from worker.amqp.delivery import Delivery
from worker.laravel.failures import unrecorded_queue_of
from worker.queue.status import Status

_log = logging.getLogger(__name__)

#: Seconds between two looks; each at a queue that does not exist leaves a line in RabbitMQ's log.
_LOOK_SECONDS = 60.0


class Aside:
    """The unrecorded queues of one worker's queues, for its loop's thread.

    Looked into at the start, after each message, and until they are empty.
    """

    def __init__(self, broker: Broker, queues: Sequence[str], status: Status) -> None:
        """Nothing is asked before the first look."""
        self._broker, self._status = broker, status
        self._queues = [unrecorded_queue_of(queue) for queue in queues]
        self._next_look = 0.0
        self._may_hold_some = True

    def keep(self, delivery: Delivery) -> None:
        """Publish a copy of a message there, confirmed.

        Raises:
            BrokerRefused, BrokerUnavailable, DeliveryGone: it is not there.
        """
        self._broker.set_aside(delivery, unrecorded_queue_of(delivery.queue))
        self._may_hold_some, self._next_look = True, 0.0

    def look(self) -> None:
        """Tell `status` how many wait, where there may be some; cheap when called often, and never raises."""
        if not self._may_hold_some or time.monotonic() < self._next_look:
            return
        try:
            messages = sum(self._broker.depth(queue) or 0 for queue in self._queues)
        except BrokerUnavailable:
            return
        except BrokerRefused as error:
            _log.debug("how many messages wait beside cannot be seen: %s", error)
        else:
            self._status.unrecorded(messages)
            self._may_hold_some = messages > 0
        self._next_look = time.monotonic() + _LOOK_SECONDS
