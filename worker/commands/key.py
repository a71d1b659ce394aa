"""key: a new key of the people API."""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faces.errors import RequestError, SettingsError
from faces.http.scopes import WORDS
from faces.system import atomic_file
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_DETAILS = """\
Prints a new random key of the people API with a scope: read lists people, faces and groups; answer also says who they
are; admin may do all. With --add the key is put into the file that FACE_PEOPLE_KEYS_FILE names, where the people API
accepts it a second later; without it the line to put there is printed. A key is withdrawn by taking its line out of
that file."""

#: Random bytes of a key: 43 characters.
_BYTES = 32


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "key", run, _DETAILS)
    parser.add_argument("--scope", choices=sorted(WORDS, key=lambda word: WORDS[word]), required=True)
    parser.add_argument("--add", action="store_true", help="put it into the file of FACE_PEOPLE_KEYS_FILE")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Make one."""
    file, key = invocation.settings.people_keys_file, secrets.token_urlsafe(_BYTES)
    line = f"{arguments.scope} {key}"
    if arguments.add:
        if file is None:
            raise SettingsError("FACE_PEOPLE_KEYS_FILE is not set, needed the file that the key is to be put into")
        _append(file, line)
        invocation.output.say(f"key: {file} has a key with the scope {arguments.scope} more")
    invocation.output.record({"scope": arguments.scope, "key": key, "file": str(file) if arguments.add else None})
    invocation.output.result(key if arguments.add else line)
    return 0


def _append(file: Path, line: str) -> None:
    """Put a line behind those of a file, at once or not at all, for its owner alone."""
    try:
        with _alone_in(file.parent):
            old = file.read_text(encoding="utf-8") if file.exists() else ""
            before = old if not old or old.endswith("\n") else f"{old}\n"
            atomic_file.replace_as(file, f"{before}{line}\n".encode(), 0o600, _owner_of(file))
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"FACE_PEOPLE_KEYS_FILE: {file} cannot be written ({error})") from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold back whoever else adds a key there: of two that read the same file one would be lost."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _owner_of(file: Path) -> tuple[int, int] | None:
    """Whose the file is, where root adds to it: the people API runs as another user."""
    if os.geteuid() != 0 or not file.exists():
        return None
    status = file.stat()
    return status.st_uid, status.st_gid
