"""What RabbitMQ can take as the name of a queue or an exchange, looked at before anything is sent."""

from __future__ import annotations

from faces.errors import BrokerRefused

#: Bytes of a short string of AMQP.
LONGEST_NAME = 255


def require_name(name: str) -> None:
    """Refuse what would cost the channel, or hang: RabbitMQ answers for a name without its line breaks.

    Raises:
        BrokerRefused: it is empty, too long, has a line break, or is no text.
    """
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise BrokerRefused(f"RabbitMQ takes no name that is not UTF-8: {name[:80]!r}") from error
    if not 0 < size <= LONGEST_NAME:
        raise BrokerRefused(f"RabbitMQ takes names of 1 to {LONGEST_NAME} bytes, found {size}: {name[:80]!r}")
    if "\n" in name or "\r" in name:
        raise BrokerRefused(f"RabbitMQ takes no name with a line break: {name[:80]!r}")
