"""The app's settings as PHP itself reads them: real phpdotenv, `env()` and `Str::slug` against ours."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from faces.errors import SettingsError
from faces.laravel import dotenv
from faces.laravel.environment import LaravelEnvironment
from faces.laravel.slug import slug
from tests.servers.php import run_php

#: What files are made of, so that each kind of line is met by each other.
_PIECES = [
    *("A", "B", "FOO", "export ", "export", "x", "yz", "日", "1", ".", "_", "-", "(", ")", "null", "true"),
    *(" ", "  ", "\t", "\n", "\n", "\r\n", "\r", "\f", "\v", "=", '="', "='", '"', "'", "#", " #"),
    *("\\", "\\\\", '\\"', "\\n", "\\x", "\\$", "$", "${A}", "${B}", "${FOO}", "${PHP}", "${", "}"),
    *("A=1\n", 'B="q ${A}"\n', 'A="', '"\n'),
]

_READ = """
use Dotenv\\Repository\\Adapter\\ArrayAdapter;
use Dotenv\\Repository\\RepositoryBuilder;
answer(array_map(function ($text) {
    $adapter = ArrayAdapter::create()->get();
    $adapter->write('PHP', 'of the process');
    $repository = RepositoryBuilder::createWithNoAdapters()->addAdapter($adapter)->immutable()->make();
    try {
        $entries = (new Dotenv\\Parser\\Parser)->parse($text);
        (new Dotenv\\Loader\\Loader)->load($repository, $entries);
    } catch (Dotenv\\Exception\\ExceptionInterface $refused) {
        return null;
    }
    $names = array_unique(array_map(fn ($entry) => $entry->getName(), $entries));
    $values = array_map(fn ($name) => [$name, $repository->get($name)], array_values($names));
    return array_values(array_filter($values, fn ($pair) => $pair[1] !== null));
}, $in));
"""


def text(dice: random.Random) -> str:
    begin, end = dice.choice([("", ""), ("A=", ""), ('B=1\nA="', '"'), ("A='", "'")])
    return begin + "".join(dice.choices(_PIECES, k=dice.randint(0, 12))) + end


def ours(text: str) -> list[list[str]] | None:
    around = {"PHP": "of the process"}
    try:
        found = dotenv.parse(text, around)
    except SettingsError:
        return None
    return sorted([name, value] for name, value in found.items())


def test_files_of_all_kinds_are_read_and_refused_alike() -> None:
    dice = random.Random(4)  # noqa: S311  the same files each time
    texts = [text(dice) for _ in range(20_000)]
    if not run_php(_READ, ['A="1\nB="'])[0]:
        # Before 5.6 a value of several lines began anew with each line that could begin one.
        texts = [text for text in texts if text.count('="') < 2]
    theirs = [None if pairs is None else sorted(pairs) for pairs in run_php(_READ, texts)]
    # The process's own variable is seen by PHP's repository, and not told again by ours.
    theirs = [pairs and [pair for pair in pairs if pair[0] != "PHP"] for pairs in theirs]
    different = [(text, php, own) for text, php, own in zip(texts, theirs, map(ours, texts), strict=True) if php != own]
    assert different == []
    assert sum(pairs is None for pairs in theirs) > 5_000
    assert sum(bool(pairs) for pairs in theirs) > 2_000


def test_names_of_any_alphabet_are_read_as_by_the_versions_that_take_them() -> None:
    texts = ["é=1", "É_1.x=2", "ж=3", "e\u0301=4", "x²=5", "日=6", "a-é=7", "export é=8", "'é'=9", "é"]
    for text, theirs in zip(texts, run_php(_READ, texts), strict=True):
        assert theirs in (None, ours(text)), text
    assert [ours(text) is None for text in texts] == [False] * 5 + [True] * 2 + [False] * 3


@pytest.mark.parametrize(
    "content",
    [b"A=gr\xf6\xdfe", b"A=\xff\xfe", b"A='\xe2\x82'", b"\xef\xbb\xbfA=\xef\xbf\xbd\xe9b", "A=größe".encode()],
)
def test_bytes_that_are_no_text_become_what_phpdotenv_makes_of_them(content: bytes, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(content)
    theirs = run_php("answer(Dotenv\\Dotenv::createArrayBacked($in)->load()['A']);", str(tmp_path))
    assert LaravelEnvironment.read({"LARAVEL_ENV_FILE": str(tmp_path / ".env")}).text("A") == theirs


@pytest.mark.parametrize(
    "value",
    [
        "true",
        "(True)",
        "FALSE",
        "(false)",
        "null",
        "(NULL)",
        "empty",
        "(empty)",
        "'a'",
        '"a"',
        "'a\"",
        "''",
        "",
        "a 'b'",
    ],
)
def test_words_become_what_env_makes_of_them(value: str) -> None:
    theirs = run_php(
        """
        putenv("VALUE=$in");
        $value = Illuminate\\Support\\Env::get('VALUE');
        answer($value === null ? null : (string) $value);
        """,
        value,
    )
    assert LaravelEnvironment({"VALUE": value}, Path("/x/.env")).text("VALUE") == theirs


def names() -> list[str]:
    letters = [
        chr(code) for code in (*range(1, 0x180), *range(0x400, 0x500), *range(0x2010, 0x2030), *range(0x1EA0, 0x1F00))
    ]
    pictures = [chr(code) for code in (*range(0x3041, 0x30FF), *range(0x4E00, 0x4F00), *range(0x1F300, 0x1F650))]
    usable = [letter for letter in letters + pictures if _is_usable(letter)]
    dice = random.Random(4)  # noqa: S311  the same names each time
    return [*usable, *("".join(dice.choices(usable + letters[:127] * 3, k=dice.randint(2, 12))) for _ in range(20_000))]


def _is_usable(letter: str) -> bool:
    try:
        slug(letter)
    except SettingsError:
        return False
    return True


@pytest.mark.parametrize("separator", ["_", "-"])
def test_names_become_prefixes_as_str_slug_makes_them(separator: str) -> None:
    given: dict[str, Any] = {"names": names(), "separator": separator}
    theirs = run_php(
        "answer(array_map(fn ($name) => Illuminate\\Support\\Str::slug($name, $in->separator), $in->names));", given
    )
    different = [
        (name, php, slug(name, separator))
        for name, php in zip(given["names"], theirs, strict=True)
        if slug(name, separator) != php
    ]
    assert different == []
