"""The same `.env` for PHP's drivers and for us: what is written, and what PHP makes of it (drivers.php)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.servers.php import Talk, php_talk

#: A process of its own for each question: what PHP reads of an environment it keeps.
_PHP = f"""
require '{Path(__file__).with_name("drivers.php")}';
while ($line = fgets(STDIN)) {{
    if (pcntl_fork() === 0) {{
        answer(facts(json_decode($line)));
        exit;
    }}
    pcntl_wait($status);
}}
"""

#: Names and passwords, of each kind that somebody's variables can hold.
LOGINS = {
    "plain": ("app", "secret"),
    "umlauts": ("app_müller", "größe"),
    "other letters": ("приложение", "пароль-密码"),
    "a picture": ("app2", "p🔑ss"),
    "marks of URLs": ("app/@:#?", "p%40@:/#?&=+ ;"),
    "quotes": ("app's", '"it\'s" $HOME \\n `x`'),
    "percents": ("app%41", "100%25%"),
    "digits": ("4711", "12345"),
    "a number": ("app5", "1e5"),
    "spaces": ("app 6", " in the middle and around "),
    "words": ("app7", "null "),
}


def env_file(folder: Path, variables: Mapping[str, str]) -> Path:
    """As a person would write it, quoted."""
    lines = []
    for name, value in variables.items():
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
        lines.append(f'{name}="{escaped}"\n')
    (folder / ".env").write_text("".join(lines), encoding="utf-8")
    return folder / ".env"


class Drivers:
    """PHP's drivers under real Laravel."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def facts(self, kind: str, folder: Path, **more: Any) -> Any:
        """What the server of this kind says when PHP comes with the folder's `.env`; None where it is refused."""
        facts = self._talk.ask({"kind": kind, "folder": str(folder), **more})
        return list(facts.values()) if isinstance(facts, dict) else facts


@contextlib.contextmanager
def php_drivers(*options: str) -> Iterator[Drivers]:
    """PHP for as long as the block; options as on its command line."""
    with php_talk(_PHP, "-d", "default_socket_timeout=3", *options) as talk:
        yield Drivers(talk)


def url_quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())
