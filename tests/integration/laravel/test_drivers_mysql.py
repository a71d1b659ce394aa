"""The same `.env` beside the same MariaDB: PDO under real Laravel and we come in as the same user, or both do not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from faces.errors import FacesError
from faces.laravel.app_database import database_url, in_time_zone
from faces.laravel.environment import LaravelEnvironment
from faces.store import connect
from tests.integration.amqp.certificates import Authority
from tests.integration.laravel.beside_php import LOGINS, Drivers, env_file, php_drivers, url_quoted
from tests.servers.mariadb import MariaDB, running_mariadb

#: A session's own view of itself: whom it talks to, as whom, and how what it writes is understood.
_SESSION = (
    "SELECT @@hostname h, @@port p, DATABASE() d, CURRENT_USER() u, @@session.time_zone z, @@character_set_client c, "
    "@@session.sql_mode LIKE '%STRICT_TRANS_TABLES%' s, (SELECT SUBSTRING_INDEX(HOST, ':', 1) FROM "
    "information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()) f"
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def mariadb(authority: Authority) -> Iterator[MariaDB]:
    signed = authority.sign("mariadb")
    tls = (f"--ssl-cert={signed.certificate}", f"--ssl-key={signed.key}", f"--ssl-ca={authority.certificate}")
    session = ("--default-time-zone=+03:00", "--sql-mode=")
    with running_mariadb("--bind-address=127.0.0.1,::1", *session, *tls) as server:
        server.run("CREATE DATABASE photo", "CREATE DATABASE `other photos`", "CREATE DATABASE фото")
        for user, password in LOGINS.values():
            name, word = (text.replace("\\", "\\\\").replace("'", "''") for text in (user, password))
            server.run(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{word}'", f"GRANT ALL ON *.* TO '{name}'@'%'")
        yield server


@pytest.fixture(scope="module")
def php(mariadb: MariaDB) -> Iterator[Drivers]:
    """PHP that looks for a server's socket where this one has it."""
    with php_drivers("-d", f"pdo_mysql.default_socket={mariadb.socket}") as drivers:
        yield drivers


def of_mysql(
    php: Drivers, folder: Path, server: MariaDB, variables: Mapping[str, str], zone: str | None = None
) -> tuple[Any, Any]:
    """What PHP sees and what we see; `{port}` and `{socket}` in a value are the server's."""
    told = {
        name: value.replace("{port}", str(server.port)).replace("{socket}", str(server.socket))
        for name, value in variables.items()
    }
    env = LaravelEnvironment.read({"LARAVEL_ENV_FILE": str(env_file(folder, told))})
    return php.facts("mysql", folder, timezone=zone, question=_SESSION), _ours(env, server, zone)


def _ours(env: LaravelEnvironment, server: MariaDB, zone: str | None) -> list[Any] | None:
    try:
        engine = connect.engine_of(in_time_zone(database_url(env, [server.socket]) or "", zone), create=False)
        with engine.connect() as connection:
            return list(connection.execute(sa.text(_SESSION.replace(":", "\\:"))).one())
    except (FacesError, sa.exc.DBAPIError):
        return None
    finally:
        with contextlib.suppress(NameError):
            engine.dispose()


TCP = {"DB_CONNECTION": "mysql", "DB_HOST": "127.0.0.1", "DB_PORT": "{port}", "DB_DATABASE": "photo"}
ROOT = {"DB_USERNAME": "root"}


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("form", ["variables", "URL", "URL as it is"])
def test_each_login_of_mysql_opens_the_same_door(
    php: Drivers, mariadb: MariaDB, tmp_path: Path, login: str, form: str
) -> None:
    user, password = LOGINS[login]
    variables = {**TCP, "DB_USERNAME": user, "DB_PASSWORD": password}
    if form == "URL":
        url = f"mysql://{url_quoted(user)}:{url_quoted(password)}@127.0.0.1:{{port}}/photo"
        variables = {"DB_CONNECTION": "mysql", "DB_URL": url}
    elif form == "URL as it is":
        variables = {"DB_CONNECTION": "mysql", "DB_URL": f"mysql://{user}:{password}@127.0.0.1:{{port}}/photo"}
    theirs, own = of_mysql(php, tmp_path, mariadb, variables)
    assert own == theirs
    assert form != "variables" or own is not None


@pytest.mark.parametrize(
    ("variables", "comes_in"),
    [
        ({**TCP, **ROOT, "DB_PASSWORD": ""}, True),
        ({**TCP, **ROOT, "DB_PASSWORD": "null"}, True),
        ({**TCP, **ROOT, "DB_PASSWORD": "wrong"}, False),
        ({**TCP, **ROOT, "DB_HOST": "localhost"}, True),
        ({**TCP, **ROOT, "DB_HOST": "localhost", "DB_PORT": "1"}, True),
        ({**TCP, **ROOT, "DB_HOST": "localhost", "DB_PORT": ""}, True),
        ({**TCP, **ROOT, "DB_HOST": "localhost", "DB_SOCKET": "{socket}"}, True),
        ({**TCP, **ROOT, "DB_HOST": "localhost", "DB_SOCKET": "/nowhere/socket"}, False),
        ({**TCP, **ROOT, "DB_HOST": "nowhere.invalid", "DB_SOCKET": "{socket}"}, True),
        ({**TCP, **ROOT, "DB_SOCKET": "0"}, True),
        ({**TCP, **ROOT, "DB_SOCKET": ""}, True),
        ({**TCP, **ROOT, "DB_HOST": "[::1]"}, True),
        ({**TCP, **ROOT, "DB_HOST": "127.0.0.1:{port}", "DB_PORT": "1"}, True),
        ({**TCP, **ROOT, "DB_HOST": "127.0.0.1:1"}, False),
        ({**TCP, **ROOT, "DB_HOST": "localhost:{port}", "DB_PORT": "1"}, True),
        ({**TCP, **ROOT, "DB_HOST": "[::1]:{port}", "DB_PORT": "1"}, True),
        ({**TCP, **ROOT, "DB_HOST": "127.0.0.1 "}, False),
        ({**TCP, **ROOT, "DB_HOST": "tcp://127.0.0.1"}, False),
        ({**TCP, **ROOT, "DB_PORT": " {port}"}, True),
        ({**TCP, **ROOT, "DB_PORT": "{port}.0"}, True),
        ({**TCP, **ROOT, "DB_DATABASE": "other photos"}, True),
        ({**TCP, **ROOT, "DB_DATABASE": "фото"}, True),
        ({**TCP, **ROOT, "DB_DATABASE": "missing"}, False),
        ({**TCP, **ROOT, "DB_CHARSET": "utf8"}, False),
        ({**TCP, **ROOT, "DB_CHARSET": "utf8mb3", "DB_COLLATION": "utf8mb3_general_ci"}, True),
        ({**TCP, **ROOT, "DB_COLLATION": "utf8mb4_bin"}, True),
        ({**TCP, **ROOT, "DB_COLLATION": "utf8mb4_nowhere"}, False),
        ({**TCP, **ROOT, "MYSQL_ATTR_SSL_CA": "/nowhere/ca.pem"}, False),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo"}, True),
        ({"DB_URL": "mysql://root@localhost:1/photo"}, True),
        ({"DB_URL": "mysql://root@[::1]:{port}/photo"}, True),
        ({"DB_URL": "mysql2://root@127.0.0.1:{port}/other%20photos"}, True),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/%D1%84%D0%BE%D1%82%D0%BE"}, True),
        ({"DB_URL": "mysql://root:@127.0.0.1:{port}/photo"}, True),
        ({**TCP, **ROOT, "DB_URL": "mysql://127.0.0.1"}, True),
        ({**TCP, **ROOT, "DB_URL": "//127.0.0.1"}, True),
        ({**TCP, **ROOT, "DB_URL": "mysql:///photo"}, False),
        ({"DB_URL": "mysql://root:a#b@127.0.0.1:{port}/photo"}, False),
        ({"DB_URL": "mysql://root@nowhere.invalid/photo?unix_socket={socket}"}, True),
        ({"DB_URL": "mysql://x:y@nowhere.invalid:1/photo?host=127.0.0.1&port={port}&username=root&password="}, True),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo?database=other+photos"}, True),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo?charset=utf8mb3&collation=utf8mb3_bin"}, True),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo?charset=utf8mb4&collation=latin1_bin"}, False),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo?timezone=%2B05:00"}, True),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo?timezone=+05:00"}, False),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo?timezone=Nowhere/City"}, False),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo?strict=false"}, True),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo?strict=true&engine=InnoDB&sslmode=require"}, True),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo?modes[]=STRICT_TRANS_TABLES&modes[]=NO_ZERO_DATE"}, True),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo?modes[]=NOWHERE"}, False),
        ({"DB_URL": "mysql://root@127.0.0.1:{port}/photo?ssl-mode=REQUIRED&prefix=&foo=bar"}, True),
    ],
)
# PyMySQL leaves a Unix socket that nobody listens on to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")
def test_each_place_of_mysql_is_the_same(
    php: Drivers, mariadb: MariaDB, tmp_path: Path, variables: dict[str, str], comes_in: bool
) -> None:
    theirs, own = of_mysql(php, tmp_path, mariadb, {"DB_CONNECTION": "mysql", **variables})
    assert own == theirs
    assert (own is not None) is comes_in


@pytest.mark.parametrize(
    ("host", "comes_in"), [("127.0.0.1", True), ("[::1]", False), ("localhost:{port}", False), ("localhost", False)]
)
def test_the_servers_authority_is_asked_for_alike(
    php: Drivers, mariadb: MariaDB, authority: Authority, tmp_path: Path, host: str, comes_in: bool
) -> None:
    """Its certificate is for 127.0.0.1."""
    trust = {"MYSQL_ATTR_SSL_CA": str(authority.certificate)}
    theirs, own = of_mysql(php, tmp_path, mariadb, {**TCP, **ROOT, **trust, "DB_HOST": host})
    assert own == theirs
    assert (own is not None) is comes_in


def test_a_server_that_offers_tls_is_spoken_to_in_tls_without_being_asked_for_it(mariadb: MariaDB) -> None:
    engine = connect.engine_of(f"mysql://root@127.0.0.1:{mariadb.port}/photo", create=False)
    with engine.connect() as connection:
        _, cipher = connection.execute(sa.text("SHOW STATUS LIKE 'Ssl_cipher'")).one()
    engine.dispose()
    assert cipher.startswith("TLS_")


@pytest.mark.parametrize("zone", [None, "+00:00", "-07:00", "SYSTEM", "Nowhere/City"])
def test_the_zone_of_a_session_is_the_apps(php: Drivers, mariadb: MariaDB, tmp_path: Path, zone: str | None) -> None:
    theirs, own = of_mysql(php, tmp_path, mariadb, {**TCP, **ROOT}, zone)
    assert own == theirs
    assert (own is None) is (zone == "Nowhere/City")
