"""What a key or a token allows: to read, to answer, to administer; each holds those before it."""

from __future__ import annotations

from enum import IntEnum

from faces.http.accepted_keys import AcceptedKey


class Allowed(IntEnum):
    """A scope; a higher number allows all that the lower ones do."""

    READ = 1
    ANSWER = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As keys and tokens have it."""
        return self.name.lower()


WORDS = {scope.word: scope for scope in Allowed}


def read_key(text: str) -> AcceptedKey:
    """A key behind its scope: `read:KEY` as settings have it, `read KEY` as a line of a file.

    Raises:
        ValueError: no scope stands in front; the sentence does not show the key.
    """
    word, _, key = text.replace(":", " ", 1).partition(" ")
    if word not in WORDS or not key.strip():
        raise ValueError(f"found a key without its scope in front, needed one of {', '.join(WORDS)}")
    return AcceptedKey(key.strip(), word)
