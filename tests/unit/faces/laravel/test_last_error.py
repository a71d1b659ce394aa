import hashlib

import pytest

from faces.laravel.last_error import limited, of_answer, of_error_field, sentence_of, with_request, without_request

#: case, input, length and md5 of what PHP's Str::limit($input, 200) gave.
PHP = [
    ("ascii 200", "a" * 200, 200, "887f30b43b2867f4a9accceee7d16e6c"),
    ("ascii 201", "a" * 201, 203, "5bc74727670c17dbf5616c3a6cca8e72"),
    ("cyrillic", "я" * 250, 203, "8b3ca188ec04db82c63207f78d6df9b5"),
    ("cjk", "日" * 150, 103, "19f0693124bf0f0e4e58fe501e84b666"),
    ("emoji", "😀" * 150, 103, "809f0fab9c19cc1588e8b629f5e072e7"),
    ("odd boundary", "a" + "日" * 150, 103, "60a5cb9d6d1c9890e274c79c135eb585"),
    ("accents", "é" * 250, 203, "6bd4e7efe050b23e9f04963322451995"),
    ("combining", "e\u0301" * 150, 203, "18efdc806a6cc37039f105a45f6ac56a"),
    ("spaces at the cut", "b" * 195 + " " * 10 + "b" * 40, 198, "30c51e6a93803eb91bf9be02e6aa1d3b"),
    ("newlines", "line\n" * 60, 202, "54ca7ea5e0895a45602113999bbc09de"),
    ("fullwidth", "Ａ" * 120, 103, "3f724793756529dd8401a2e2d08d5010"),
    ("halfwidth katakana", "ｱ" * 250, 203, "746b07e6063623ce90b8f8d884c5d7b0"),
    ("hangul", "한" * 150, 103, "1ca64df6ab26c013f215fc0f71b6abaf"),
    ("box", "─" * 250, 203, "d836c3a83877fe04856042a01bcae0e4"),
    ("invalid utf8", b"a\xff" * 120, 203, "ba1c6aa8d845752cc8899afe940a667c"),
]


@pytest.mark.parametrize(("text", "length", "md5"), [row[1:] for row in PHP], ids=[row[0] for row in PHP])
def test_texts_are_cut_as_php_cuts_them(text: str | bytes, length: int, md5: str) -> None:
    cut = limited(text)
    assert len(cut) == length
    assert hashlib.md5(cut.encode(), usedforsecurity=False).hexdigest() == md5


def test_an_answer_is_noted_with_its_status_and_fits_the_column() -> None:
    assert of_answer(422, b'{"error": "no"}') == 'HTTP 422: {"error": "no"}'
    assert len(of_answer(500, "я".encode() * 10_000)) <= 255


def test_the_error_of_a_2xx_answer_is_cut_to_the_column() -> None:
    assert of_error_field("x" * 300) == "x" * 255
    assert of_error_field(["CUDA_OOM"]) == "['CUDA_OOM']"


def test_half_a_character_becomes_a_question_mark() -> None:
    assert of_error_field("a\ud83db") == limited("a\ud83db") == "a?b"


def test_the_sentence_in_a_noted_answer_can_be_read() -> None:
    assert sentence_of('HTTP 413: {"error": "1 × 1 \\u00d7", "code": "x"}') == "1 × 1 ×"
    assert sentence_of('HTTP 413: {"error": "cut off in the mid...') == "cut off in the mid..."
    assert sentence_of("HTTP 502: Bad Gateway") == "HTTP 502: Bad Gateway"
    assert sentence_of("there is no file") == "there is no file"


def test_the_request_s_name_stands_behind_where_both_fit_whole() -> None:
    assert with_request("HTTP 422: no", "job.1") == "HTTP 422: no (request job.1)"
    assert with_request("HTTP 422: no", None) == "HTTP 422: no"
    name = "x" * 38
    for text in ("a" * 206, "日" * 103):
        assert with_request(text, name) == f"{text} (request {name})"
        assert with_request(text + "b", name) == text + "b"
    for cut in (of_answer(500, b"a" * 300), of_answer(500, "日".encode() * 300)):
        assert with_request(cut, name) == cut


def test_an_error_is_the_same_whichever_request_ended_in_it() -> None:
    assert without_request(with_request("HTTP 422: no", "job.1")) == "HTTP 422: no"
    assert without_request("HTTP 422: (request) no") == "HTTP 422: (request) no"
    assert sentence_of('HTTP 413: {"error": "too large"} (request job.1)') == "too large"
    assert sentence_of("HTTP 502: Bad Gateway (request job.1)") == "HTTP 502: Bad Gateway"
