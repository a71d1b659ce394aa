"""The TCP connection to one node of RabbitMQ: how it is opened, what a refusal means, and why it was lost."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import ssl
from collections.abc import Sequence
from typing import Any, TypeVar

from pika import ConnectionParameters, PlainCredentials, SSLOptions
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, ConnectionOpenAborted, IncompatibleProtocolError, StreamLostError

from faces.errors import BrokerUnavailable, SettingsError
from faces.laravel.app_rabbitmq import BrokerTls
from faces.system.address import Address
from worker.amqp.delivery import content_header
from worker.amqp.settings import BrokerSettings

log = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Seconds for RabbitMQ to answer a closing handshake, of a channel or of the connection.
CLOSE_SECONDS = 5.0

_FORBIDDEN, _NOT_ALLOWED = 403, 530

#: What OpenSSL says, wherever in pika's sentence.
_TLS_WORDS = re.compile(r"\[SSL: \w+\] [\w :]+")


class Transport(AsyncioConnection):  # type: ignore[misc] # pika's types are not published
    """pika's connection, which no message can end here, and which can be dropped when its peer stops reading.

    Belongs to the event loop in which it was opened, like all that is built on it; only `blocked` may be read by other
    threads.
    """

    said: tuple[int, str] | None = None
    """The code and the words with which RabbitMQ closed it; pika keeps only a guess of them while it opens."""
    blocked: str | None = None
    """Why RabbitMQ reads nothing from us, in its words; None while it does."""

    def __init__(self, parameters: ConnectionParameters, **callbacks: Any) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(parameters, custom_ioloop=loop, **callbacks)
        self.lost: asyncio.Future[str] = loop.create_future()
        """Done when the connection, once open, is gone; the reason."""
        self.add_on_close_callback(lambda _, error: settle(self.lost, reason_of(error)))
        self.add_on_connection_blocked_callback(lambda _, frame: self._block(frame.method.reason))
        self.add_on_connection_unblocked_callback(lambda _, __: self._block(None))

    def drop(self, why: str) -> None:
        """End it at once; nothing that waits to be sent is sent."""
        if not self.is_closed:
            # pika ends a connection without its closing handshake by this alone, as its heartbeats do.
            self._terminate_stream(StreamLostError(why))

    def _block(self, reason: str | None) -> None:
        if reason:
            log.warning("RabbitMQ takes no messages: %s", reason)
        else:
            log.info("RabbitMQ takes messages again")
        self.blocked = reason

    def _read_frame(self) -> tuple[int, Any]:
        """As pika's, but for the properties of messages."""
        return content_header(self._frame_buffer) or super()._read_frame()

    def _output_marshaled_frames(self, frames: Sequence[bytes]) -> None:
        """As pika's, but nothing that is longer than agreed, as headers can be: RabbitMQ ends the connection for it."""
        longest, agreed = max(map(len, frames)), self.params.frame_max
        if longest > agreed:
            raise ValueError(f"a frame of {longest} bytes, agreed are {agreed}")
        super()._output_marshaled_frames(frames)

    def _on_connection_close_from_broker(self, frame: Any) -> None:
        self.said = frame.method.reply_code, frame.method.reply_text
        super()._on_connection_close_from_broker(frame)


async def open_transport(address: Address, settings: BrokerSettings) -> Transport:
    """Connect to one node.

    Raises:
        BrokerUnavailable: the sentence says what the node, or the way to it, answered.
    """
    try:
        # Read each time: certificates are renewed while a worker runs.
        tls = tls_context(settings.rabbitmq.tls) if settings.rabbitmq.tls else None
    except SettingsError as error:
        raise BrokerUnavailable(f"RabbitMQ at {address} cannot be asked: {error}") from error
    opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    transport = Transport(
        _parameters(address, settings, tls),
        on_open_callback=lambda _: settle(opened, None),
        on_open_error_callback=lambda transport, error: settle(opened, _ours(error, transport.said, address, settings)),
    )
    try:
        await opened
    except asyncio.CancelledError:
        transport.drop("the worker ends")
        raise
    return transport


def tls_context(tls: BrokerTls) -> ssl.SSLContext:
    """What the driver's `ssl_options` mean.

    Raises:
        SettingsError: a file cannot be read or is none of its kind.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except OSError as error:
        raise SettingsError(f"RABBITMQ_SSL_CAFILE={tls.ca_file}: {_why(error)}") from error
    # Python 3.13 asks more of an authority than OpenSSL and PHP do: what they accept, we accept.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not tls.verify_peer:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate:
        try:
            # Without a passphrase OpenSSL would ask at the terminal.
            passphrase = tls.passphrase.get_secret_value() if tls.passphrase else ""
            context.load_cert_chain(tls.certificate, tls.key, lambda: passphrase)
        except OSError as error:
            files = f"RABBITMQ_SSL_LOCALCERT={tls.certificate}, RABBITMQ_SSL_LOCALKEY={tls.key}"
            raise SettingsError(f"{files}: {_why(error)}") from error
    return context


def reason_of(error: BaseException) -> str:
    """The broker's or the system's own words about a connection that ended, on one line."""
    found = _root(error)
    text = getattr(found, "reply_text", None)
    return f"{getattr(found, 'reply_code', '')} {text}".strip() if text else _why(found)


def settle(future: asyncio.Future[_T], result: _T | Exception) -> None:
    """Fill a future from one of pika's callbacks, unless another filled it or its waiter gave up."""
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _parameters(address: Address, settings: BrokerSettings, tls: ssl.SSLContext | None) -> ConnectionParameters:
    return ConnectionParameters(
        host=address.host,
        port=address.port,
        virtual_host=settings.rabbitmq.vhost,
        credentials=PlainCredentials(settings.rabbitmq.user, settings.rabbitmq.password.get_secret_value()),
        # The lower of both: an administrator sets a short one for a firewall in between that drops idle connections.
        heartbeat=lambda _, theirs: min(settings.heartbeat, theirs) if theirs else settings.heartbeat,
        socket_timeout=settings.connect_seconds,
        stack_timeout=settings.connect_seconds,
        ssl_options=SSLOptions(tls, address.host) if tls else None,
        client_properties={"connection_name": f"face worker {socket.gethostname()}:{os.getpid()}"},
    )


def _ours(
    error: BaseException, said: tuple[int, str] | None, address: Address, settings: BrokerSettings
) -> BrokerUnavailable:
    found, place = _root(error), settings.rabbitmq
    code, words = said or (0, "")
    if code == _FORBIDDEN:
        sentence = f"refuses the user {place.user}: is RABBITMQ_PASSWORD still right?"
    elif code == _NOT_ALLOWED:
        sentence = f"does not let {place.user} into the vhost {place.vhost} (RABBITMQ_VHOST)"
    elif code:
        sentence = "closed the connection while it was opened"
    elif tls := _TLS_WORDS.search(str(found)):
        sentence = f"cannot be reached through TLS: {tls[0].strip()}"
    elif isinstance(found, IncompatibleProtocolError):
        sentence = "speaks something else than AMQP: are RABBITMQ_PORT and RABBITMQ_SECURE right?"
    elif isinstance(found, ConnectionOpenAborted):
        sentence = f"took the connection but did not answer within {settings.connect_seconds:g} s"
    else:
        sentence = f"does not answer: {reason_of(error)}"
    own_words = f" ({code} {words})" if code else ""
    return BrokerUnavailable(f"RabbitMQ at {address} {sentence}{own_words}")


def _root(error: BaseException) -> BaseException:
    """What is inside pika's layers of "connecting failed"."""
    if not isinstance(error, AMQPError | AMQPConnectorException):
        return error
    named = (getattr(error, "exception", None), *getattr(error, "exceptions", ()))
    inner = [one for one in (*error.args, *named) if isinstance(one, BaseException)]
    return _root(inner[-1]) if inner else error


def _why(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())
