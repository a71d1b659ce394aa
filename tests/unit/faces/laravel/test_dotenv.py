from __future__ import annotations

import pytest

from faces.errors import SettingsError
from faces.laravel import dotenv


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A=", ""),
        ('A=""', ""),
        ("A = b ", "b"),
        ("'A'=b", "b"),
        ("A='b c' # said", "b c"),
        ('A="b # c"', "b # c"),
        ("A=b # said", "b"),
        ("A=b#c", "b"),
        ("A=# all of it", ""),
        ("A=b=c", "b=c"),
        (r"A='\n ${B} $'", r"\n ${B} $"),
        (r'A="\" \\ \$ \n \t"', '" \\ $ \n \t'),
        (r"A=a\nb", r"a\nb"),
        ('A="one\ntwo"', "one\ntwo"),
        ('A="one\n# two\n"', "one\n# two\n"),
        ("A=base64:abc/+==", "base64:abc/+=="),
        ("A=Фото", "Фото"),
    ],
)
def test_a_line_is_read_as_laravel_reads_it(line: str, value: str) -> None:
    assert dotenv.parse(line) == {"A": value}


def test_export_is_no_part_of_the_name() -> None:
    assert dotenv.parse("export NAME=b\nexport\t'QUOTED'=c") == {"NAME": "b", "QUOTED": "c"}


def test_comments_and_empty_lines_say_nothing() -> None:
    assert dotenv.parse("\n# A=1\n   \n  # B=2\nC=3\r\nD=4\rE=5") == {"C": "3", "D": "4", "E": "5"}


def test_a_name_alone_takes_back_what_was_said() -> None:
    assert dotenv.parse("A=1\nA") == {}


def test_the_last_of_two_lines_counts() -> None:
    assert dotenv.parse("A=1\nA=2") == {"A": "2"}


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("${B}", "b"),
        ('"x ${B} ${B}"', "x b b"),
        ("'${B}'", "${B}"),
        (r'"\${B}"', "${B}"),
        ("$B", "$B"),
        ("${C}", "${C}"),
        ("${D}", "of the process"),
    ],
)
def test_references_are_replaced_where_laravel_does(value: str, result: str) -> None:
    assert dotenv.parse(f"B=b\nA={value}", {"D": "of the process"})["A"] == result


def test_the_environment_wins_and_is_what_references_see() -> None:
    assert dotenv.parse("A=file\nB=${A}", {"A": "process"}) == {"B": "process"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1\n=2", "line 2: found nothing before '='"),
        ("A B=1", "line 1: found a name with something else"),
        ("A=1\n\nB='2", "line 3: found a quote that is never closed"),
        (r'A="\x"', "line 1: found the escape"),
        ("A=b c", "line 1: found more after a space"),
        ('A="b"c', "line 1: found more after a space or a closing quote"),
        ('A="1\n2"\nB=b c', "line 3"),
    ],
)
def test_a_line_that_laravel_refuses_is_refused_with_its_place(text: str, found: str) -> None:
    with pytest.raises(SettingsError) as refused:
        dotenv.parse(text, file="/srv/app/.env")
    assert str(refused.value).startswith("/srv/app/.env, ")
    assert found in str(refused.value)


def test_what_is_refused_is_not_shown_because_it_may_be_a_password() -> None:
    for text in ("DB_PASSWORD sesame", "DB_PASSWORD=open sesame", "DB_PASSWORD='sesame"):
        with pytest.raises(SettingsError) as refused:
            dotenv.parse(text)
        assert "sesame" not in str(refused.value)
