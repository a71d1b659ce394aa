"""The app's database as Laravel's DB_* variables name it, as the URL that we open."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlencode

from faces.errors import SettingsError
from faces.laravel.environment import LaravelEnvironment

_MYSQL = ("mysql", "mariadb", "mysql2")
_MARKS = ("DB_CONNECTION", "DB_HOST", "DB_DATABASE", "DB_URL", "DATABASE_URL", "DB_SOCKET")


def database_url(env: LaravelEnvironment) -> str | None:
    """A URL of MySQL or SQLite; None where no DB_* variable says anything.

    Raises:
        SettingsError: another kind of database, or something that is missing or wrong.
    """
    if not env.filled(*_MARKS):
        return None
    given = env.parts_of_url("DB_URL", "DATABASE_URL")
    kind = given.get("kind") or env.filled("DB_CONNECTION") or "mysql"
    if kind == "sqlite":
        return f"sqlite:///{_sqlite_file(env, given)}"
    if kind not in _MYSQL:
        raise SettingsError(
            f"DB_CONNECTION: found {kind!r}, needed mysql, mariadb or sqlite; or FACE_DATABASE_URL beside it"
        )
    return _mysql_url(env, given)


def _mysql_url(env: LaravelEnvironment, given: dict[str, str]) -> str:
    user = given.get("username") or _needed(env, "DB_USERNAME")
    database = given.get("database") or _needed(env, "DB_DATABASE")
    password = given.get("password") or env.filled("DB_PASSWORD")
    host = given.get("host") or env.filled("DB_HOST") or "127.0.0.1"
    port = given.get("port") or env.number("DB_PORT", 3306)
    more = {"unix_socket": env.filled("DB_SOCKET"), "ssl_ca": env.filled("MYSQL_ATTR_SSL_CA")}
    query = urlencode({name: value for name, value in more.items() if value})
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    address = f"[{host}]" if ":" in host else host
    return f"mysql+pymysql://{login}@{address}:{port}/{database}{'?' if query else ''}{query}"


def _needed(env: LaravelEnvironment, name: str) -> str:
    value = env.filled(name)
    if not value:
        raise SettingsError(f"{name}: found nothing, needed beside the other DB_* variables")
    return value


def _sqlite_file(env: LaravelEnvironment, given: dict[str, str]) -> Path:
    named = given.get("database") or env.filled("DB_DATABASE")
    file = Path(named) if named else (env.file.parent / "database/database.sqlite" if env.file else None)
    if file is None or not file.is_absolute():
        raise SettingsError(f"DB_DATABASE: found {named!r}, needed the absolute path of the SQLite file")
    return file
