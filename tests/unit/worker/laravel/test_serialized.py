from __future__ import annotations

import math

import pytest

from faces.errors import UnreadableMessage
from worker.laravel import serialized
from worker.laravel.serialized import PhpArray, PhpCustom, PhpEnum, PhpObject, PhpReference, ReadLimits, Value, read

#: What PHP's serialize() writes, and what it wrote it from.
VALUES: list[tuple[bytes, Value]] = [
    (b"N;", None),
    (b"b:1;", True),
    (b"b:0;", False),
    (b"i:0;", 0),
    (b"i:-9223372036854775808;", -(2**63)),
    (b"i:9223372036854775807;", 2**63 - 1),
    (b"d:0.1;", 0.1),
    (b"d:1.0E+25;", 1e25),
    (b"d:5.0E-324;", 5e-324),
    (b"d:INF;", math.inf),
    (b"d:-INF;", -math.inf),
    (b's:0:"";', ""),
    (b's:6:"\xc3\xa9t\xc3\xa9";'.replace(b"6", b"5"), "été"),
    (b's:5:"a"b;c";', 'a"b;c'),
    (b"a:0:{}", PhpArray({})),
    (b'a:2:{i:0;s:1:"a";s:1:"k";a:1:{i:5;N;}}', PhpArray({0: "a", "k": PhpArray({5: None})})),
    (b'O:8:"stdClass":1:{s:4:"\0*\0x";i:1;}', PhpObject({"\0*\0x": 1}, class_name="stdClass")),
    (b'E:11:"Suit:Hearts";', PhpEnum("Suit", "Hearts")),
    (b'C:3:"Own":5:{a{"}b}', PhpCustom("Own", b'a{"}b')),
    (b"a:2:{i:0;N;i:1;R:2;}", PhpArray({0: None, 1: PhpReference(2)})),
    (b'O:1:"J":1:{s:1:"a";r:1;}', PhpObject({"a": PhpReference(1)}, class_name="J")),
]


@pytest.mark.parametrize(("data", "value"), VALUES)
def test_a_value_is_what_php_wrote(data: bytes, value: Value) -> None:
    assert read(data) == value
    assert type(read(data)) is type(value)


def test_signs_of_zero_and_what_is_no_number_are_kept() -> None:
    zero, nothing = read(b"d:-0;"), read(b"d:NAN;")
    assert isinstance(zero, float)
    assert isinstance(nothing, float)
    assert math.copysign(1, zero) == -1
    assert math.isnan(nothing)


def test_the_bytes_of_every_part_can_be_had_again() -> None:
    data = b'O:1:"J":2:{s:1:"a";a:1:{i:3;s:3:"x;}";}s:1:"b";d:1.50;}'
    job = read(data)
    assert isinstance(job, PhpObject)
    assert job.raw("a") == b'a:1:{i:3;s:3:"x;}";}'
    assert job.raw("b") == b"d:1.50;"
    inner = job.entries["a"]
    assert isinstance(inner, PhpArray)
    assert inner.raw(3) == b's:3:"x;}";'


def test_text_that_is_not_utf_8_keeps_its_bytes() -> None:
    value = read(b's:4:"a\xff\xed\xa0";')
    assert isinstance(value, str)
    assert value.encode("utf-8", "surrogateescape") == b"a\xff\xed\xa0"


def test_a_property_is_found_whether_public_protected_or_private() -> None:
    job = read(b'O:1:"J":3:{s:4:"open";i:1;s:7:"\0*\0kept";i:2;s:7:"\0J\0mine";i:3;}')
    assert isinstance(job, PhpObject)
    assert [job.find(name) for name in ("open", "kept", "mine", "gone")] == [1, 2, 3, None]


#: What serialize() never writes, though unserialize() might take some of it, and where we stop.
DAMAGED = [
    (b"", "byte 0: found b'', needed a value"),
    (b"x", "needed a value"),
    (b"N", "needed N;"),
    (b"N;N;", "byte 2: found b'N;', needed the end"),
    (b"b:2;", "needed b:0; or b:1;"),
    (b"i:01;", "needed an integer"),
    (b"i:+1;", "needed an integer"),
    (b"i:;", "needed an integer"),
    (b"i:9223372036854775808;", "needed an integer of 64 bits"),
    (b"i:-9223372036854775809;", "needed an integer of 64 bits"),
    (b"i:99999999999999999999999;", "needed an integer"),
    (b"d:1e5;", "needed a float"),
    (b"d:nan;", "needed a float"),
    (b's:2:"a";', 'needed "'),
    (b's:1:"ab";', 'needed "'),
    (b's:9:"a";', "needed 9 bytes"),
    (b's:-1:"";', "needed a length"),
    (b's:99999999999:"";', "needed a length"),
    (b"s:1:'a';", "needed a length"),
    (b'S:1:"a";', "needed a value"),
    (b"a:1:{}", "needed a key"),
    (b"a:0:{i:0;N;}", "needed }"),
    (b"a:2:{i:0;N;i:0;N;}", "found the key 0 twice"),
    (b"a:1:{d:1.5;N;}", "needed a key"),
    (b'a:1:{s:1:"5";N;}', "found the text key '5' in an array"),
    (b"a:999999999:{i:0;N;}", "needed a key"),
    (b'O:1:"J":1:{s:1:"a";N;', "needed }"),
    (b'O:0:"":0:{}', "needed the name of a class"),
    (b'O:3:"a b":0:{}', "needed the name of a class"),
    (b'O:3:"a\0b":0:{}', "needed the name of a class"),
    (b'o:1:{s:1:"a";N;}', "needed a value"),
    (b'E:4:"Suit";', "needed the case of an enumeration"),
    (b'C:1:"J":5:{a}', "needed 5 bytes"),
    (b"R:0;", "needed a reference"),
    (b"R:1;", "needed a reference to a value before it"),
    (b"a:1:{i:0;R:2;}", "byte 9: found b'R:2;}', needed a reference to a value before it"),
]


@pytest.mark.parametrize(("data", "sentence"), DAMAGED)
def test_what_php_does_not_write_is_refused_in_a_sentence_that_says_where(data: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableMessage) as caught:
        read(data)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("data", "limits", "sentence"),
    [
        (b's:5:"aaaaa";', ReadLimits(size=11), "found 12 serialized bytes, read are at most 11"),
        (b"a:2:{i:0;N;i:1;N;}", ReadLimits(values=2), "found more than 2 serialized values"),
        (b"a:1:{i:0;a:1:{i:0;a:0:{}}}", ReadLimits(depth=1), "found data nested deeper than 1 levels"),
    ],
)
def test_what_is_larger_than_the_limits_is_refused(data: bytes, limits: ReadLimits, sentence: str) -> None:
    with pytest.raises(UnreadableMessage, match=sentence):
        read(data, limits)


def test_limits_let_pass_what_they_allow() -> None:
    assert read(b"a:2:{i:0;N;i:1;N;}", ReadLimits(size=18, values=3, depth=1)) == PhpArray({0: None, 1: None})


def test_what_we_write_reads_as_itself() -> None:
    data = serialized.write({"image_id": 7, "path": 'été"\0'})
    assert data == b'a:2:{s:8:"image_id";i:7;s:4:"path";s:7:"\xc3\xa9t\xc3\xa9"\0";}'
    assert read(data) == PhpArray({"image_id": 7, "path": 'été"\0'})
