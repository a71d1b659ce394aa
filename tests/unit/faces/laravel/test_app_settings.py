from __future__ import annotations

from pathlib import Path

import pytest

from faces.errors import SettingsError
from faces.laravel.app_settings import LaravelSettings, load
from faces.system.address import Address

DATABASE = {"DB_CONNECTION": "mysql", "DB_HOST": "db", "DB_DATABASE": "photo", "DB_USERNAME": "app"}


def load_file(folder: Path, text: str, **environment: str) -> LaravelSettings:
    (folder / ".env").write_text(text, encoding="utf-8")
    return load({"LARAVEL_ENV_FILE": str(folder / ".env"), **environment})


def url(settings: LaravelSettings) -> str:
    return settings.database_url.get_secret_value()


def test_an_env_file_as_laravel_makes_it(tmp_path: Path) -> None:
    settings = load_file(
        tmp_path,
        """
        APP_NAME="Фото Галерея"
        APP_KEY=base64:AAAA=
        DB_CONNECTION=mysql
        DB_HOST=127.0.0.1
        DB_PORT=3306
        DB_DATABASE=photo
        DB_USERNAME=app
        DB_PASSWORD="p@ss:w/#rd"
        QUEUE_CONNECTION=rabbitmq
        RABBITMQ_HOST=rabbit
        RABBITMQ_PORT=5673
        RABBITMQ_USER=app
        RABBITMQ_PASSWORD=secret
        RABBITMQ_VHOST=photo
        REDIS_PASSWORD=null
        CACHE_STORE=database
        FACE_API_URL=http://face:5000
        """,
    )
    assert url(settings) == "mysql+pymysql://app:p%40ss%3Aw%2F%23rd@127.0.0.1:3306/photo"
    assert settings.rabbitmq.addresses == (Address("rabbit", 5673),)
    assert settings.rabbitmq.user == "app"
    assert settings.rabbitmq.password.get_secret_value() == "secret"
    assert settings.rabbitmq.vhost == "photo"
    assert settings.rabbitmq.tls is None
    assert settings.queue == "faces"
    assert settings.default_queue == "default"
    assert settings.connection_name == "rabbitmq"
    assert settings.cache.store == "database"
    assert settings.cache.prefix == "foto_galereia_cache_"
    assert settings.face_api_url == "http://face:5000"
    assert settings.app_key.get_secret_value() == "base64:AAAA="
    assert settings.disk_roots == {
        "local": tmp_path / "storage/app/private",
        "public": tmp_path / "storage/app/public",
    }


def test_the_environment_wins_over_the_file_and_ours_over_both(tmp_path: Path) -> None:
    text = "DB_CONNECTION=mysql\nDB_HOST=a\nDB_DATABASE=photo\nDB_USERNAME=app\nRABBITMQ_HOST=a"
    assert url(load_file(tmp_path, text, DB_HOST="b")) == "mysql+pymysql://app@b:3306/photo"
    assert url(load_file(tmp_path, text, FACE_DATABASE_URL="sqlite:////x.db")) == "sqlite:////x.db"
    assert load_file(tmp_path, text, RABBITMQ_HOST="b").rabbitmq.addresses == (Address("b", 5672),)


def test_without_anything_the_defaults_are_those_of_the_app() -> None:
    settings = load({})
    assert url(settings) == "sqlite:///faces.db"
    assert settings.rabbitmq.addresses == (Address("127.0.0.1", 5672),)
    assert settings.rabbitmq.user == "guest"
    assert settings.rabbitmq.vhost == "/"
    assert settings.cache.store == "database"
    assert settings.cache.prefix == "laravel_cache_"
    assert settings.cache.table == "cache"
    assert settings.cache.lock_table == "cache_locks"
    assert settings.storage is None
    assert settings.disk_roots == {}


def test_secrets_are_not_printed() -> None:
    settings = load(
        DATABASE
        | {"DB_PASSWORD": "sesame", "RABBITMQ_PASSWORD": "sesame", "REDIS_PASSWORD": "sesame", "APP_KEY": "sesame"}
        | {"CACHE_STORE": "redis", "RABBITMQ_SECURE": "true", "RABBITMQ_SSL_PASSPHRASE": "sesame"}
        | {"APP_PREVIOUS_KEYS": "sesame"}
    )
    assert "sesame" not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DB_URL": "mysql://u:p%40@h:3307/d"}, "mysql+pymysql://u:p%40@h:3307/d"),
        ({"DATABASE_URL": "mysql://u@h/d"}, "mysql+pymysql://u@h:3306/d"),
        (DATABASE | {"DB_URL": "mysql://h2"}, "mysql+pymysql://app@h2:3306/photo"),
        (DATABASE | {"DB_CONNECTION": "mariadb", "DB_HOST": "::1"}, "mysql+pymysql://app@[::1]:3306/photo"),
        (
            DATABASE | {"DB_SOCKET": "/run/mysqld/s.sock"},
            "mysql+pymysql://app@db:3306/photo?unix_socket=%2Frun%2Fmysqld%2Fs.sock",
        ),
        ({"DB_CONNECTION": "sqlite", "DB_DATABASE": "/srv/app.sqlite"}, "sqlite:////srv/app.sqlite"),
        (DATABASE | {"DB_PASSWORD": "null"}, "mysql+pymysql://app@db:3306/photo"),
        (DATABASE | {"DB_PASSWORD": "(true)"}, "mysql+pymysql://app:1@db:3306/photo"),
        (DATABASE | {"DB_PASSWORD": "'quoted'"}, "mysql+pymysql://app:quoted@db:3306/photo"),
    ],
)
def test_the_database_is_the_one_that_laravel_would_use(variables: dict[str, str], expected: str) -> None:
    assert url(load(variables)) == expected


@pytest.mark.parametrize(
    ("name", "prefix"), [("Mig", "mig_cache_"), ("x@y", "x_at_y_cache_"), ("日本", "_cache_"), ("", "_cache_")]
)
def test_the_caches_prefix_is_made_of_the_apps_name(name: str, prefix: str) -> None:
    assert load({"APP_NAME": name}).cache.prefix == prefix


def test_a_prefix_that_is_said_counts_even_when_it_is_empty() -> None:
    assert load({"APP_NAME": "Ελλάδα", "CACHE_PREFIX": "x_"}).cache.prefix == "x_"
    assert load({"CACHE_PREFIX": ""}).cache.prefix == ""


def test_redis_has_two_databases_and_a_prefix_of_its_own() -> None:
    settings = load({"CACHE_STORE": "redis", "REDIS_HOST": "r", "REDIS_PASSWORD": "p", "APP_NAME": "Mig"})
    assert settings.cache.redis is not None
    assert settings.cache.redis.host == "r"
    assert settings.cache.redis.port == 6379
    assert settings.cache.redis.tls is False
    assert settings.cache.redis.lock_database == 0
    assert settings.cache.redis.value_database == 1
    assert settings.cache.redis_prefix == "mig_database_"
    assert settings.cache.prefix == "mig_cache_"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"REDIS_URL": "redis://u:p@h:7000"}, ("h", 7000, "u", False, 0, 1)),
        ({"REDIS_URL": "tls://h/5"}, ("h", 6379, None, True, 5, 5)),
        ({"REDIS_HOST": "tls://h"}, ("h", 6379, None, True, 0, 1)),
        ({"REDIS_HOST": "/run/redis.sock"}, ("/run/redis.sock", 6379, None, False, 0, 1)),
        ({"REDIS_HOST": "unix:///run/redis.sock"}, ("/run/redis.sock", 6379, None, False, 0, 1)),
        ({"REDIS_HOST": "h", "REDIS_DB": "3", "REDIS_CACHE_DB": "4"}, ("h", 6379, None, False, 3, 4)),
        ({"REDIS_HOST": "h", "REDIS_CACHE_LOCK_CONNECTION": "cache"}, ("h", 6379, None, False, 1, 1)),
    ],
)
def test_redis_is_the_one_that_laravel_would_use(variables: dict[str, str], expected: tuple[object, ...]) -> None:
    place = load(variables | {"CACHE_DRIVER": "redis"}).cache.redis
    assert place is not None
    found = (place.host, place.port, place.username, place.tls, place.lock_database, place.value_database)
    assert found == expected


def test_rabbitmq_may_have_several_hosts() -> None:
    brokers = load({"RABBITMQ_HOST": "a, b:5673,[::1]:5674,::1", "RABBITMQ_PORT": "5671"}).rabbitmq.addresses
    assert [(broker.host, broker.port) for broker in brokers] == [
        ("a", 5671),
        ("b", 5673),
        ("::1", 5674),
        ("::1", 5671),
    ]


def test_tls_is_what_the_drivers_variables_say(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    tls = load({"RABBITMQ_SSL_CAFILE": str(tmp_path / "ca.pem"), "RABBITMQ_SSL_VERIFY_PEER": "false"}).rabbitmq.tls
    assert tls is not None
    assert tls.ca_file == tmp_path / "ca.pem"
    assert tls.certificate is None
    assert tls.key is None
    assert tls.verify_peer is False
    secure = load({"RABBITMQ_SECURE": "true"}).rabbitmq.tls
    assert secure is not None
    assert secure.verify_peer


@pytest.mark.parametrize(("variable", "name"), [("database", "rabbitmq"), ("amqp", "amqp"), ("", "rabbitmq")])
def test_the_queue_connection_is_rabbitmqs(variable: str, name: str) -> None:
    assert load({"QUEUE_CONNECTION": variable}).connection_name == name


def test_maintenance_may_be_a_cache_entry() -> None:
    assert not load({}).maintenance_in_cache
    assert load({"APP_MAINTENANCE_DRIVER": "cache"}).maintenance_in_cache


@pytest.mark.parametrize(
    ("variable", "variables"),
    [
        ("LARAVEL_ENV_FILE", {"LARAVEL_ENV_FILE": "/nowhere/.env"}),
        ("DB_CONNECTION", {"DB_CONNECTION": "pgsql"}),
        ("DB_DATABASE", {"DB_CONNECTION": "mysql", "DB_USERNAME": "u"}),
        ("DB_USERNAME", {"DB_CONNECTION": "mysql", "DB_DATABASE": "d"}),
        ("DB_DATABASE", {"DB_CONNECTION": "sqlite"}),
        ("DB_PORT", DATABASE | {"DB_PORT": "many"}),
        ("DB_URL", {"DB_URL": "mysql://h:port/d"}),
        ("DB_CACHE_CONNECTION", DATABASE | {"DB_CACHE_CONNECTION": "other"}),
        ("RABBITMQ_PORT", {"RABBITMQ_PORT": "-1"}),
        ("RABBITMQ_PORT", {"RABBITMQ_PORT": "99999"}),
        ("RABBITMQ_HOST", {"RABBITMQ_HOST": "a,,b"}),
        ("RABBITMQ_HOST", {"RABBITMQ_HOST": "amqp://a"}),
        ("RABBITMQ_SECURE", {"RABBITMQ_SECURE": "maybe"}),
        ("RABBITMQ_SECURE", {"RABBITMQ_SECURE": "false", "RABBITMQ_SSL_CAFILE": __file__}),
        ("RABBITMQ_SSL_CAFILE", {"RABBITMQ_SSL_CAFILE": "/nowhere/ca.pem"}),
        ("RABBITMQ_SSL_LOCALKEY", {"RABBITMQ_SSL_LOCALKEY": __file__}),
        ("REDIS_PORT", {"CACHE_STORE": "redis", "REDIS_PORT": "?"}),
        ("REDIS_URL", {"CACHE_STORE": "redis", "REDIS_URL": "redis://h/x"}),
        ("REDIS_HOST", {"CACHE_STORE": "redis", "REDIS_HOST": "http://h"}),
        ("REDIS_CACHE_CONNECTION", {"CACHE_STORE": "redis", "REDIS_CACHE_CONNECTION": "mine"}),
        ("CACHE_STORE", {"CACHE_STORE": "redis", "CACHE_DRIVER": "file"}),
        ("APP_NAME", {"APP_NAME": "Ελλάδα"}),
        ("FACE_FOREIGN_JOBS_QUEUE", {"FACE_FOREIGN_JOBS_QUEUE": "faces"}),
        ("FACE_RECOGNITION_THRESHOLD", {"FACE_RECOGNITION_THRESHOLD": "near"}),
        ("FACE_RECOGNITION_THRESHOLD", {"FACE_RECOGNITION_THRESHOLD": "0,5"}),
        ("FACE_RECOGNITION_THRESHOLD", {"FACE_RECOGNITION_THRESHOLD": "0"}),
        ("FACE_RECOGNITION_THRESHOLD", {"FACE_RECOGNITION_THRESHOLD": "2.5"}),
        ("FACE_RECOGNITION_THRESHOLD", {"FACE_RECOGNITION_THRESHOLD": "nan"}),
        ("IMAGE_DEBUG_SUBDIR", {"IMAGE_DEBUG_SUBDIR": "../debug"}),
        ("IMAGE_DEBUG_SUBDIR", {"IMAGE_DEBUG_SUBDIR": "/debug"}),
        ("APP_MAINTENANCE_STORE", {"APP_MAINTENANCE_DRIVER": "cache", "CACHE_STORE": "redis"}),
    ],
)
def test_what_is_wrong_or_contradictory_is_refused_by_name(variable: str, variables: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}: "):
        load(variables)


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("", "database-uuids"),
        ("QUEUE_FAILED_DRIVER=database-uuids", "database-uuids"),
        ("QUEUE_FAILED_DRIVER=database", "database"),
        ("QUEUE_FAILED_DRIVER=", "database"),
        ("QUEUE_FAILED_DRIVER=null", "null"),
        ('QUEUE_FAILED_DRIVER="null"', "null"),
        ("QUEUE_FAILED_DRIVER=(null)", "null"),
        ("QUEUE_FAILED_DRIVER=dynamodb", "dynamodb"),
    ],
)
def test_failed_jobs_are_recorded_as_laravel_chooses_it(tmp_path: Path, text: str, driver: str) -> None:
    assert load_file(tmp_path, text).failed_driver == driver


@pytest.mark.parametrize(("text", "threshold"), [("", None), ("0.45", 0.45), ('".5"', 0.5), ("1", 1.0), ("null", None)])
def test_the_apps_threshold_is_read_as_a_number(tmp_path: Path, text: str, threshold: float | None) -> None:
    assert load_file(tmp_path, f"FACE_RECOGNITION_THRESHOLD={text}").recognition_threshold == threshold


def test_ours_win_over_the_apps_and_spare_it_the_look(tmp_path: Path) -> None:
    text = "FACE_RECOGNITION_THRESHOLD=near\nIMAGE_DEBUG_SUBDIR=../x"
    settings = load_file(tmp_path, text, FACE_THRESHOLD="0.5", FACE_DEBUG_SUBDIR="drawn")
    assert settings.recognition_threshold is None
    assert settings.debug_subdir is None
    settings = load_file(tmp_path, "IMAGE_DEBUG_SUBDIR=drawn")
    assert settings.debug_subdir == "drawn"


@pytest.mark.parametrize(
    ("option", "name"),
    [
        *[("prefix=app_", "prefix"), ("options[1009]=/ca.pem", "options"), ("read[host]=h", "read")],
        *[("write[host]=h", "write"), ("charset=latin1", "charset"), ("charset=", "charset"), ("host[]=h", "host")],
        *[("timezone=%22;", "timezone"), ("modes=ANSI", "modes"), ("username[]=u", "username")],
    ],
)
def test_an_option_of_the_url_that_we_do_not_do_is_refused_by_name(option: str, name: str) -> None:
    with pytest.raises(SettingsError, match=rf"^DB_URL.*option {name}\b"):
        load({"DB_URL": f"mysql://u@h/d?{option}"})


@pytest.mark.parametrize(
    ("option", "name"),
    [("prefix=x", "prefix"), ("serializer=1", "serializer"), ("context[ssl]=x", "context"), ("compression=3", "compr")],
)
def test_an_option_of_redis_that_we_do_not_do_is_refused_by_name(option: str, name: str) -> None:
    with pytest.raises(SettingsError, match=rf"^REDIS_URL.*option {name}"):
        load({"CACHE_STORE": "redis", "REDIS_URL": f"redis://h?{option}"})


def test_options_that_change_nothing_are_told(caplog: pytest.LogCaptureFixture) -> None:
    load({"DB_URL": "mysql://u@h/d?sslmode=require&engine=InnoDB&strict=true&isolation_level=SERIALIZABLE"})
    load({"CACHE_STORE": "redis", "REDIS_URL": "redis://h?read_timeout=60&serializer=0"})
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "DB_URL: the options engine, isolation_level, sslmode change nothing here",
        "REDIS_URL: the options read_timeout change nothing here",
    ]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (DATABASE, "mysql+pymysql://app@db:3306/photo?time_zone=%2B03%3A00"),
        ({"DB_URL": "mysql://u@h/d?timezone=UTC"}, "mysql+pymysql://u@h:3306/d?time_zone=UTC"),
        (
            {"FACE_DATABASE_URL": "mysql+pymysql://u@h/d?charset=utf8"},
            "mysql+pymysql://u@h/d?charset=utf8&time_zone=%2B03%3A00",
        ),
        ({"FACE_DATABASE_URL": "sqlite:////x.db"}, "sqlite:////x.db"),
    ],
)
def test_the_time_zone_is_the_sessions_where_there_are_any(variables: dict[str, str], expected: str) -> None:
    assert url(load({**variables, "FACE_DATABASE_TIMEZONE": "+03:00"})) == expected


def test_localhost_without_a_socket_names_the_places_where_one_may_be() -> None:
    found = url(load(DATABASE | {"DB_HOST": "localhost"}))
    assert found.startswith("mysql+pymysql://app@localhost:3306/photo?sockets=")
    assert "%2Frun%2Fmysqld%2Fmysqld.sock%3A" in found
    own = url(load(DATABASE | {"DB_HOST": "localhost", "DB_SOCKET": "/s"}))
    assert own == "mysql+pymysql://app@localhost:3306/photo?unix_socket=%2Fs"


def test_a_variable_that_is_no_utf8_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"^DB_PASSWORD: found bytes that are not UTF-8"):
        load(DATABASE | {"DB_PASSWORD": b"gr\xf6".decode(errors="surrogateescape")})
    with pytest.raises(SettingsError, match=r"^DB_URL: found bytes that are not UTF-8"):
        load({"DB_URL": "mysql://u:gr%F6@h/d"})


@pytest.mark.parametrize("name", ["RABBITMQ_USER", "RABBITMQ_PASSWORD", "RABBITMQ_VHOST"])
@pytest.mark.parametrize("nothing", ["", "0", "null", "false"])
def test_where_the_driver_finds_nothing_its_defaults_count(name: str, nothing: str) -> None:
    found = load({name: nothing})
    login = (found.rabbitmq.user, found.rabbitmq.password.get_secret_value(), found.rabbitmq.vhost)
    assert login == ("guest", "guest", "/")


def test_a_store_that_needs_no_prefix_asks_for_none() -> None:
    assert load({"APP_NAME": "Ελλάδα", "CACHE_STORE": "file"}).cache.prefix == ""
