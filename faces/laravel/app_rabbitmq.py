"""The app's RabbitMQ as the queue driver's RABBITMQ_* variables name it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from faces.errors import SettingsError
from faces.laravel.environment import LaravelEnvironment
from faces.system.address import Address

_FILES = ("RABBITMQ_SSL_CAFILE", "RABBITMQ_SSL_LOCALCERT", "RABBITMQ_SSL_LOCALKEY")


@dataclass(frozen=True, slots=True)
class BrokerTls:
    """The driver's `ssl_options`; files exist."""

    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    passphrase: SecretStr | None = None
    verify_peer: bool = True


@dataclass(frozen=True, slots=True)
class RabbitMQ:
    """Where the broker is, and how to get in: one part of `LaravelSettings`.

    The login is the variables letter by letter: the driver decodes nothing.
    """

    addresses: tuple[Address, ...]
    """The nodes of the cluster."""
    user: str
    password: SecretStr
    vhost: str = "/"
    tls: BrokerTls | None = None
    """None for a plain connection."""


def rabbitmq(env: LaravelEnvironment) -> RabbitMQ:
    """RABBITMQ_HOST, RABBITMQ_USER and the rest; where one of the login is empty, or "0", the driver has its default.

    Raises:
        SettingsError: something is wrong; the sentence names the variable.
    """
    return RabbitMQ(
        addresses=_addresses(env),
        user=env.true_or("RABBITMQ_USER", "guest"),
        password=SecretStr(env.true_or("RABBITMQ_PASSWORD", "guest")),
        vhost=env.true_or("RABBITMQ_VHOST", "/"),
        tls=_tls(env),
    )


def _addresses(env: LaravelEnvironment) -> tuple[Address, ...]:
    """One or several, separated by commas, each with a port of its own or RABBITMQ_PORT."""
    port = env.number("RABBITMQ_PORT", 5672) or 5672
    names = env.true_or("RABBITMQ_HOST", "127.0.0.1").split(",")
    return tuple(_address(name.strip(), port) for name in names)


def _tls(env: LaravelEnvironment) -> BrokerTls | None:
    """How to encrypt; files alone mean TLS too."""
    files = {name: _file(env, name) for name in _FILES}
    named = next((name for name, file in files.items() if file), None)
    secure = env.flag("RABBITMQ_SECURE")
    if secure is False and named:
        raise SettingsError(f"RABBITMQ_SECURE: found false beside {named}, needed one without the other")
    if not secure and not named:
        return None
    if files["RABBITMQ_SSL_LOCALKEY"] and not files["RABBITMQ_SSL_LOCALCERT"]:
        raise SettingsError("RABBITMQ_SSL_LOCALKEY: found a key without RABBITMQ_SSL_LOCALCERT, needed both")
    passphrase = env.filled("RABBITMQ_SSL_PASSPHRASE")
    verify = env.flag("RABBITMQ_SSL_VERIFY_PEER")
    return BrokerTls(
        ca_file=files["RABBITMQ_SSL_CAFILE"],
        certificate=files["RABBITMQ_SSL_LOCALCERT"],
        key=files["RABBITMQ_SSL_LOCALKEY"],
        passphrase=SecretStr(passphrase) if passphrase else None,
        verify_peer=verify is not False,
    )


def _address(name: str, port: int) -> Address:
    host, colon, own = name.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, own = name, ""
    host = host.removeprefix("[").removesuffix("]")
    if not host or "/" in host or (own and not own.isdecimal()):
        raise SettingsError(f"RABBITMQ_HOST: found {name!r}, needed host or host:port, several separated by commas")
    number = int(own) if own else port
    if not 0 < number < 65536:
        raise SettingsError(f"RABBITMQ_PORT: found {number}, needed 1 to 65535")
    return Address(host, number)


def _file(env: LaravelEnvironment, name: str) -> Path | None:
    value = env.filled(name)
    if not value:
        return None
    if not Path(value).is_file():
        raise SettingsError(f"{name}: found no file {value}")
    return Path(value)
