from __future__ import annotations

from pathlib import Path

from faces.laravel.app_database import server_sockets

USUAL = ["/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/tmp/mysql.sock", "/var/lib/mysql/mysql.sock"]  # noqa: S108


def test_the_usual_places_are_tried(tmp_path: Path) -> None:
    assert list(map(str, server_sockets(tmp_path))) == USUAL


def test_what_php_is_set_to_comes_first(tmp_path: Path) -> None:
    folder = tmp_path / "etc/php/8.3/fpm/conf.d"
    folder.mkdir(parents=True)
    (folder.parent / "php.ini").write_text("[Pdo_mysql]\n;pdo_mysql.default_socket=/not\npdo_mysql.default_socket=\n")
    (folder / "90-own.ini").write_text('pdo_mysql.default_socket = "/srv/mysql.sock" ; ours\n')
    assert list(map(str, server_sockets(tmp_path))) == ["/srv/mysql.sock", *USUAL]
