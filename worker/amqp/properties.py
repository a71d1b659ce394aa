"""A message's properties as they came: read where pika can, and kept as bytes for a copy that differs in nothing."""

from __future__ import annotations

import struct

from pika.exceptions import AMQPError
from pika.frame import Header
from pika.spec import FRAME_END, FRAME_HEADER, BasicProperties

#: Bytes of a frame before its payload (type, channel, size), and of a content header before its properties.
_FRAME_START = 7
_HEADER_START = 12

#: What pika raises on fields that it does not know or cannot express: NaN, years after 9999, other types.
_UNREADABLE = (AMQPError, ValueError, OverflowError, OSError, TypeError, struct.error, RecursionError)


class ReceivedProperties(BasicProperties):  # type: ignore[misc] # pika's types are not published
    """Those of a delivery; without fields where pika cannot read them, so that no message can end the connection."""

    raw: bytes = b""

    @classmethod
    def read(cls, raw: bytes) -> ReceivedProperties:
        """Read the bytes of a content header's properties."""
        properties = cls()
        try:
            properties.decode(raw)
        except _UNREADABLE:
            properties = cls()
        properties.raw = raw
        return properties


class SameProperties:
    """To be published where pika wants properties: the bytes that came."""

    INDEX = BasicProperties.INDEX

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def encode(self) -> list[bytes]:
        """What pika puts into the frame."""
        return [self._raw]


def content_header(buffer: bytes) -> tuple[int, Header] | None:
    """The content header at the start of what was received, and its length; None where there is no whole one."""
    if len(buffer) < _FRAME_START or buffer[0] != FRAME_HEADER:
        return None
    _, channel, size = struct.unpack_from(">BHL", buffer)
    end = _FRAME_START + size + 1
    if size < _HEADER_START or len(buffer) < end or buffer[end - 1] != FRAME_END:
        return None
    (body_size,) = struct.unpack_from(">Q", buffer, _FRAME_START + 4)
    raw = bytes(buffer[_FRAME_START + _HEADER_START : end - 1])
    return end, Header(channel, body_size, ReceivedProperties.read(raw))
