"""URLs of all kinds as Laravel's own parser takes them apart, against ours."""

from __future__ import annotations

import random
from typing import Any

from faces.laravel.url import options_of, php_text
from tests.servers.php import run_php

_BEGINNINGS = ("mysql://", "redis://", "sqlite:///", "//", "mysql://u:p@h/d?", "mysql://h/d?a=", "mysql://u:")

#: What URLs are made of, so that each mark is met by each other.
_PIECES = [
    *("mysql", "redis", "rediss", "sqlite3", "://", "//", "/", "?", "#", "&", "=", "@", "@", ":", ":", "h", "pw"),
    *("1", "12", "3306", "0", "-0", "1e5", "1.50", "1e25", "0.00001", "null", "true", "false", "99999999999999999999"),
    *(
        "%",
        "%40",
        "%2F",
        "%3A",
        "%25",
        "%C3%A9",
        "%22",
        "%00",
        "é",
        "日",
        "+",
        " ",
        "[",
        "]",
        "[]",
        "[a]",
        ".",
        "_",
        "-",
    ),
    *("host", "::1", "localhost", "charset", "modes", "prefix", '"', "'", "{", "}", ";", "\t", "\x01"),
]

_PARSE = """
function told($value) {
    $text = is_array($value) ? 'a list' : (string) $value;
    return mb_check_encoding($text, 'UTF-8') ? $text : null;
}
answer(array_map(function ($url) {
    try {
        $options = (new Illuminate\\\\Support\\\\ConfigurationUrlParser)->parseConfiguration(['url' => $url]);
    } catch (InvalidArgumentException) {
        return false;
    }
    return array_map(fn ($name, $value) => [told($name), told($value)], array_keys($options), $options);
}, $in));
""".replace("\\\\", "\\")


def theirs(url_options: Any) -> Any:
    """By name; False where the URL is refused, None where it has bytes that are no text: we refuse those."""
    if url_options is False:
        return False
    if any(None in pair for pair in url_options):
        return None
    # Names of digits alone get new numbers in PHP; no option has such a name.
    return sorted(pair for pair in url_options if not pair[0].isdecimal())


def ours(url: str) -> Any:
    try:
        options = options_of(url)
    except UnicodeError:
        return None
    except ValueError:
        return False
    told = ([name, "a list" if isinstance(value, list | dict) else php_text(value)] for name, value in options.items())
    return sorted(pair for pair in told if not pair[0].isdecimal())


def test_urls_of_all_kinds_mean_the_same_and_are_refused_alike() -> None:
    dice = random.Random(12)  # noqa: S311  the same URLs each time
    urls = [dice.choice(_BEGINNINGS) + "".join(dice.choices(_PIECES, k=dice.randint(0, 9))) for _ in range(20_000)]
    parsed = list(map(theirs, run_php(_PARSE, urls)))
    # PHP cuts bytes that are no text off where nobody reads them; we refuse them all.
    different = [(url, php, ours(url)) for url, php in zip(urls, parsed, strict=True) if ours(url) not in (php, None)]
    assert different == []
    assert sum(options is False for options in parsed) > 3_000
    assert sum(bool(options) for options in parsed) > 10_000
