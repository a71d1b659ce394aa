"""RabbitMQ in memory: durable queues, messages that wait for their time, refusals as a test orders them."""

from __future__ import annotations

import contextlib
import fnmatch
import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

from pika.spec import BasicProperties

from faces.errors import FacesError
from tests.stubs.clock import Clock
from worker.amqp.delivery import Properties, ReceivedProperties

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Message:
    """What lies in a queue; `due` is when a delay queue hands it over (the clock's seconds)."""

    body: bytes
    raw: bytes
    """Its properties as they are on the wire."""
    returned: int = 0
    due: float | None = None

    def properties(self, *, counted: bool) -> ReceivedProperties:
        """As a consumer gets them; a quorum queue says how often it has taken the message back."""
        properties = ReceivedProperties.read(self.raw)
        if not counted or not self.returned:
            return properties
        return _with_headers(properties, {"x-delivery-count": self.returned})


@dataclass
class Queue:
    name: str
    arguments: Mapping[str, Any]
    messages: deque[Message] = field(default_factory=deque)

    @property
    def counts(self) -> bool:
        """Whether it counts how often a message came back."""
        return self.arguments.get("x-queue-type") == "quorum"


@dataclass
class Refusal:
    """For queues of such names (`*` for any), so many times; None: until the test takes it back."""

    pattern: str
    error: FacesError
    times: int | None
    arrives: bool


class StubRabbitMQ:
    """What all stub brokers of a test share: the place of a running server, with the interface of the tests' own."""

    port = 5672

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.queues: dict[str, Queue] = {}
        self.refusals: list[Refusal] = []
        self.complaints: list[str] = []
        """What a real one would have closed a channel for: mistakes of the worker's."""

    # --- what a test orders and looks at --------------------------------------------------------

    def refuse(self, pattern: str, error: FacesError, times: int | None = None, *, arrives: bool = False) -> None:
        """Raise this for what is published to such queues; an unavailable broker loses the connection with it.

        `arrives`: the message is there all the same, only its confirm got lost.
        """
        self.refusals.append(Refusal(pattern, error, times, arrives))

    def accept(self) -> None:
        """Refuse nothing any more."""
        self.refusals.clear()

    def new_name(self) -> str:
        return f"stub{next(_numbers)}"

    def new_queue(self, arguments: Mapping[str, Any] | None = None, name: str | None = None) -> str:
        name = name or self.new_name()
        self.declare(name, arguments or {})
        return name

    def depth(self, queue: str) -> int | None:
        """Messages that wait in it; None where there is no such queue."""
        self.hand_over()
        return len(self.queues[queue].messages) if queue in self.queues else None

    def waiting(self) -> dict[str, int]:
        """All queues in which something waits."""
        self.hand_over()
        return {name: len(queue.messages) for name, queue in self.queues.items() if queue.messages}

    def next_due(self) -> float | None:
        """Seconds until the next delayed message is handed over; None where there is none."""
        due = [message.due for queue in self.queues.values() for message in queue.messages if message.due is not None]
        return max(min(due) - self._clock.monotonic(), 0.0) if due else None

    @contextlib.contextmanager
    def channel(self) -> Iterator[StubChannel]:
        """For a test's own publishing and taking, as pika has it."""
        yield StubChannel(self)

    # --- what a broker does ---------------------------------------------------------------------

    def declare(self, name: str, arguments: Mapping[str, Any]) -> None:
        self.queues.setdefault(name, Queue(name, dict(arguments)))

    def publish(self, queue: str, body: bytes, properties: Properties) -> None:
        """Put a message into a queue that is there.

        Raises:
            BrokerRefused, BrokerUnavailable: as the test ordered.
        """
        raw = b"".join(properties.encode())
        refusal = self._refusal_for(queue)
        if refusal is None or refusal.arrives:
            self._put(queue, Message(body, raw))
        if refusal is not None:
            raise refusal.error

    def take(self, queue: str) -> Message | None:
        """The first message that may be taken."""
        self.hand_over()
        found = self.queues.get(queue)
        return found.messages.popleft() if found and found.messages else None

    def take_back(self, queue: str, message: Message) -> None:
        """To where it was: no ack came for it."""
        self.queues[queue].messages.appendleft(replace(message, returned=message.returned + 1))

    def reject(self, queue: str, message: Message) -> None:
        """Gone, unless the queue has a place for such."""
        arguments = self.queues[queue].arguments
        if key := arguments.get("x-dead-letter-routing-key"):
            self._put_dead(key, queue, message, "rejected")

    def hand_over(self) -> None:
        """Move on what has waited for its time."""
        now = self._clock.monotonic()
        for queue in list(self.queues.values()):
            while queue.messages and queue.messages[0].due is not None and queue.messages[0].due <= now:
                message = queue.messages.popleft()
                self._put_dead(queue.arguments["x-dead-letter-routing-key"], queue.name, message, "expired")

    def _refusal_for(self, queue: str) -> Refusal | None:
        for refusal in self.refusals:
            if fnmatch.fnmatchcase(queue, refusal.pattern) and refusal.times != 0:
                if refusal.times is not None:
                    refusal.times -= 1
                return refusal
        return None

    def _put(self, name: str, message: Message) -> None:
        queue = self.queues[name]
        ttl = queue.arguments.get("x-message-ttl")
        due = None if ttl is None else self._clock.monotonic() + ttl / 1000
        queue.messages.append(replace(message, due=due, returned=0))

    def _put_dead(self, target: str, source: str, message: Message, reason: str) -> None:
        if target not in self.queues:
            return
        # The real one's table holds more, which no test needs.
        death = {"count": 1, "reason": reason, "queue": source, "exchange": "", "routing-keys": [source]}
        death["time"] = datetime.fromtimestamp(int(self._clock.unix()), timezone.utc)
        first = {"x-first-death-exchange": "", "x-first-death-queue": source, "x-first-death-reason": reason}
        properties = _with_headers(ReceivedProperties.read(message.raw), {"x-death": [death], **first})
        self._put(target, Message(message.body, properties.raw))


class StubChannel:
    """As much of pika's channel as tests use."""

    def __init__(self, server: StubRabbitMQ) -> None:
        self._server = server

    def basic_publish(
        self, _exchange: str, queue: str, body: bytes, properties: BasicProperties | None = None, **_: Any
    ) -> None:
        self._server._put(queue, Message(body, b"".join((properties or BasicProperties()).encode())))

    def basic_get(self, queue: str, **_: Any) -> tuple[Any, BasicProperties | None, bytes | None]:
        assert queue in self._server.queues, f"404: no queue {queue}"
        found = self._server.queues[queue]
        self._server.hand_over()
        if not found.messages:
            return None, None, None
        message = found.messages.popleft()
        return SimpleNamespace(redelivered=message.returned > 0), message.properties(counted=False), message.body

    def queue_declare(self, queue: str, *, arguments: Mapping[str, Any] | None = None, **_: Any) -> None:
        self._server.declare(queue, arguments or {})


def _with_headers(properties: ReceivedProperties, headers: Mapping[str, Any]) -> ReceivedProperties:
    properties.headers = dict(properties.headers or {}) | dict(headers)
    return ReceivedProperties.read(b"".join(properties.encode()))
