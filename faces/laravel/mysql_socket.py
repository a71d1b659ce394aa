"""Where a MySQL server of this machine has its socket, as PHP's `pdo_mysql` would look for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

#: Where systems have PHP's ini files, by shell patterns under `/`.
_INI_FILES = ("etc/php/*/*/php.ini", "etc/php/*/*/conf.d/*.ini", "etc/php.ini", "usr/local/etc/php/**/*.ini")
_SETTING = re.compile(r"^\s*pdo_mysql\.default_socket\s*=\s*[\"']?([^\"';\s]+)", re.MULTILINE)

#: Debian's and Red Hat's, and those of a server built by hand.
_USUAL = ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/tmp/mysql.sock", "/var/lib/mysql/mysql.sock")  # noqa: S108


def server_sockets(root: Path = Path("/")) -> tuple[Path, ...]:
    """The places in the order in which they are tried: what PHP is set to, then the usual ones."""
    return tuple(dict.fromkeys([*_of_php(root), *map(Path, _USUAL)]))


def _of_php(root: Path) -> Iterable[Path]:
    for pattern in _INI_FILES:
        for file in sorted(root.glob(pattern)):
            try:
                text = file.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            yield from (Path(name) for name in _SETTING.findall(text) if name.startswith("/"))
