"""Laravel's Str::slug for the names of apps: the default prefixes of its cache and of its Redis are made with it."""

from __future__ import annotations

import re
import unicodedata

from faces.errors import SettingsError

#: What Str::ascii writes, in lower case, where taking the accents off a letter is not all; from voku/portable-ascii.
_TABLE = """
¢=c £=ps ¤= ¥=yen ¨= ¯= ´= ¸= ¼= ½= ¾= ß=ss æ=ae ð=d ø=o þ=th đ=d ħ=h ı=i ĸ=k ł=l ŋ=n œ=oe ŧ=t µ=
а=a б=b в=v г=g д=d е=e ж=z з=z и=i й=i к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=x ц=c ч=c ш=s щ=shh
ъ=ie ы=y ь= э=e ю=iu я=ia ё=e ђ=dj ѓ=gj є=je ѕ=dz і=i ї=yi ј=j љ=lj њ=nj ћ=c ќ=kj џ=dz ґ=g –=- —=-
"""

#: Characters that take part: Latin with accents, Cyrillic of today's languages, quotes and dashes; and those that
#: Str::ascii drops: controls, Japanese, Chinese, Korean and pictures. Of the rest it knows thousands, some in pairs.
_KNOWN = re.compile(
    "[\x00-\u017f\u0401-\u040c\u040e-\u044f\u0451-\u045c\u045e\u045f\u0490\u0491\u1ea0-\u1ef9"
    "\u2013\u2014\u2018-\u201e\u2026]"
)
_DROPPED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\u0400\u040d\u0450\u045d\u2600-\u27bf\u3041-\u30ff\u3400-\u4dbf\u4e00-\u5142\u5144-\u5185\u5187-\u9fff"
    "\uac00-\ud7a3\ufe0f\U0001f300-\U0001f66f\U0001f680-\U0001faff]"
)


def slug(name: str, separator: str = "_") -> str:
    """The name in small Latin letters, digits and separators; empty if nothing is left of it.

    Raises:
        SettingsError: a character that we do not write as Laravel would; asks for the prefixes themselves.
    """
    letters = dict(pair.split("=") for pair in _TABLE.split())
    text = "".join(_ascii(letter, letters, name) for letter in name.replace("ьо", "yo"))
    text = re.sub("-+" if separator == "_" else "_+", separator, text)
    text = text.replace("@", f"{separator}at{separator}").lower()
    text = re.sub(rf"[^{separator}a-z0-9\s]+", "", text)
    return re.sub(rf"[{separator}\s]+", separator, text).strip(separator)


def _ascii(letter: str, letters: dict[str, str], name: str) -> str:
    if _DROPPED.match(letter):
        return ""
    if letter.isascii():
        return letter
    if not _KNOWN.match(letter):
        raise SettingsError(
            f"APP_NAME: found {letter!r} in {name!r}, from which we do not make the prefixes of the cache as Laravel "
            "does; needed CACHE_PREFIX, and REDIS_PREFIX where the cache is redis, with the values that the app uses"
        )
    small = letters.get(letter.lower())
    if small is not None:
        return small
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode("ascii")
