"""The way to a RabbitMQ that speaks TLS, and the sentences when it cannot be gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from faces.errors import SettingsError
from faces.laravel.app_rabbitmq import BrokerTls
from faces.laravel.app_rabbitmq import RabbitMQ as AppRabbitMQ
from faces.settings import QueueOptions
from faces.system.address import Address
from tests.integration.amqp.certificates import Authority
from tests.integration.amqp.steps import OpenBroker, Wait, send, take
from tests.servers.rabbitmq import RabbitMQ, free_port, running_rabbitmq
from worker.amqp.broker import Broker
from worker.amqp.settings import BrokerSettings

_SETTINGS = """
listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {authority.certificate}
ssl_options.certfile = {server.certificate}
ssl_options.keyfile = {server.key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
"""


class Encrypted:
    """A server that asks its clients for certificates."""

    def __init__(self, server: RabbitMQ, authority: Authority, port: int) -> None:
        self.server, self.authority, self.port = server, authority, port


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    authority, port = Authority(tmp_path_factory.mktemp("tls") / "ours"), free_port()
    settings = _SETTINGS.format(port=port, authority=authority, server=authority.sign("server"))
    with running_rabbitmq(settings) as server:
        yield Encrypted(server, authority, port)


@pytest.mark.parametrize("passphrase", [None, "open sesame"])
@pytest.mark.parametrize("verify_peer", [True, False])
def test_messages_come_and_go_through_tls(
    encrypted: Encrypted, open_broker: OpenBroker, wait_for: Wait, passphrase: str | None, *, verify_peer: bool
) -> None:
    ours = encrypted.authority.sign("worker", passphrase)
    authority = encrypted.authority.certificate if verify_peer else None
    secret = SecretStr(passphrase) if passphrase else None
    tls = BrokerTls(authority, ours.certificate, ours.key, secret, verify_peer)
    queue = encrypted.server.new_queue()
    send(encrypted.server, queue, b"1")
    broker = open_broker(queue, port=encrypted.port, tls=tls)
    delivery = take(broker)
    broker.publish(queue, b"2", correlation_id="7", attempts=1, for_delivery=delivery)
    broker.ack(delivery)
    assert take(broker).body == b"2"


def test_a_server_of_another_authority_is_not_believed(
    encrypted: Encrypted, open_broker: OpenBroker, wait_for: Wait, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    broker = open_broker("faces", port=encrypted.port, tls=BrokerTls(other.certificate))
    wait_for(lambda: "CERTIFICATE_VERIFY_FAILED" in broker.state)


def test_a_client_without_a_certificate_is_told_what_the_server_wants(
    encrypted: Encrypted, open_broker: OpenBroker, wait_for: Wait
) -> None:
    broker = open_broker("faces", port=encrypted.port, tls=BrokerTls(encrypted.authority.certificate))
    wait_for(lambda: "cannot be reached through TLS: [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]" in broker.state)


def test_tls_to_a_port_without_it_is_told(rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait) -> None:
    broker = open_broker("faces", port=rabbitmq.port, tls=BrokerTls(verify_peer=False))
    wait_for(lambda: "cannot be reached through TLS: [SSL: WRONG_VERSION_NUMBER]" in broker.state)


@pytest.mark.parametrize(
    ("name", "tls"),
    [
        ("RABBITMQ_SSL_CAFILE=/nowhere.pem", BrokerTls(Path("/nowhere.pem"))),
        ("RABBITMQ_SSL_LOCALCERT=/nowhere.pem", BrokerTls(None, Path("/nowhere.pem"), Path("/nowhere.key"))),
        ("RABBITMQ_SSL_CAFILE={folder}/empty", BrokerTls(Path("{folder}/empty"))),
        (
            "RABBITMQ_SSL_LOCALKEY={folder}/protected.key",
            BrokerTls(None, Path("{folder}/protected.pem"), Path("{folder}/protected.key")),
        ),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path, name: str, tls: BrokerTls) -> None:
    folder = tmp_path / "ours"
    Authority(folder).sign("protected", "open sesame")
    (folder / "empty").touch()
    files = (tls.ca_file, tls.certificate, tls.key)
    there = BrokerTls(*(file and Path(str(file).format(folder=folder)) for file in files))
    place = AppRabbitMQ((Address("127.0.0.1", free_port()),), "guest", SecretStr("guest"), tls=there)
    settings = BrokerSettings(place)
    with pytest.raises(SettingsError, match=name.format(folder=folder)):
        Broker(settings, ["faces"], QueueOptions()).start()
