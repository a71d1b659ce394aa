"""How a person's name is written: one way for all the ways it can be typed, and when two names are the same.

And how it is where the person is only offered: Ada? 87 %.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from faces.errors import RequestError

#: Characters that the columns of names hold.
LONGEST_NAME = 255


def canonical(name: str) -> str:
    """The name with composed letters (Unicode's NFC) and single blanks.

    A Mac decomposes the letters in names of files, and a second blank is not seen: neither is another person.
    """
    return " ".join(unicodedata.normalize("NFC", name).split())


def key(name: str) -> str:
    """What is equal for two spellings of one name; upper and lower case are the same."""
    return unicodedata.normalize("NFC", canonical(name).casefold())


#: What lists ask about a face that is like one that was said to be none.
NOT_A_FACE = "not a face?"


def checked_name(text: str) -> str:
    """A name as it is kept.

    Raises:
        RequestError: it is empty, too long, or has what is no letter.
    """
    written = canonical(text)
    if not written or len(written) > LONGEST_NAME:
        raise RequestError(f"found a name of {len(written)} characters, needed 1 to {LONGEST_NAME}")
    # What is no text, such as the surrogates that stand for bytes which are not UTF-8, and controls.
    odd = next((letter for letter in written if unicodedata.category(letter) in ("Cc", "Cs")), None)
    if odd is not None:
        raise RequestError(f"found the character U+{ord(odd):04X} in a name, needed letters and single blanks")
    return written


@dataclass(frozen=True, slots=True)
class OfferedName:
    """Who is offered for a face or a group, by name or, without one, by id; and how likely it is.

    What the app's own job suggests has no probability.
    """

    name: str
    probability: float | None

    @property
    def percent(self) -> str:
        """Such as `87 %`. Never 100: what is offered is not certain."""
        return "" if self.probability is None else f"{min(round(self.probability * 100), 99)} %"

    def __str__(self) -> str:
        return f"{self.name}? {self.percent}".rstrip()
