"""Values as dlib's `serialize` writes them, made here by its documented rules, and what is none of them."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

from faces.photo.fast.dlib_file import DlibFile


def integer(value: int) -> bytes:
    size = max((abs(value).bit_length() + 7) // 8, 1)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def test_integers_have_a_length_and_a_sign() -> None:
    values = [0, 1, -1, 255, 256, -65536, 2**63 - 1, -(2**63), 2**64 - 1]
    file = DlibFile(b"".join(map(integer, values)))
    assert [file.integer() for _ in values] == values
    file.end()


def test_booleans_are_letters() -> None:
    file = DlibFile(b"10")
    assert [file.boolean(), file.boolean()] == [True, False]


def test_texts_follow_their_length() -> None:
    assert DlibFile(integer(5) + b"con_4").text() == "con_4"
    assert DlibFile(integer(0)).text() == ""


def test_numbers_are_exact() -> None:
    file = DlibFile(integer(7) + integer(-3) + integer(-(2**53 - 1)) + integer(-60) + integer(0) + integer(0))
    assert [file.number() for _ in range(3)] == [0.875, -(2**53 - 1) * 2.0**-60, 0.0]


def test_a_number_too_small_for_a_double_is_zero() -> None:
    assert DlibFile(integer(1) + integer(-(2**40))).number() == 0.0


def test_tensors_are_single_precision_in_order() -> None:
    numbers = struct.pack("<6f", *range(6))
    head = b"".join(map(integer, (2, 1, 2, 3, 1)))
    tensor = DlibFile(head + numbers).tensor()
    assert tensor.dtype == np.float32
    assert tensor.tolist() == [[[[0.0], [1.0], [2.0]], [[3.0], [4.0], [5.0]]]]
    assert not tensor.flags.writeable


def test_an_empty_tensor_is_empty() -> None:
    assert DlibFile(b"".join(map(integer, (2, 0, 0, 0, 0)))).tensor().size == 0


def test_an_alias_is_a_shape_without_numbers() -> None:
    assert DlibFile(b"".join(map(integer, (1, 32, 3, 7, 7)))).alias() == (32, 3, 7, 7)


def test_matrices_have_rows_and_columns_written_negative() -> None:
    numbers = b"".join(integer(value) + integer(0) for value in range(6))
    assert DlibFile(integer(-2) + integer(-3) + numbers).matrix().tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


WRONG: list[tuple[str, bytes, Callable[[DlibFile], object], str]] = [
    ("nothing", b"", DlibFile.integer, "at byte 0 of 0: found 0 bytes to the end, need 1 for an integer"),
    ("half an integer", b"\x04\x01", DlibFile.integer, "at byte 1 of 2: found 1 bytes to the end, need 4"),
    ("no length", b"\x00", DlibFile.integer, "found 0x00, need an integer's length"),
    ("a length of 9", b"\x09" * 10, DlibFile.integer, "found 0x09, need an integer's length"),
    ("bits that dlib never sets", b"\x41\x01", DlibFile.integer, "found 0x41"),
    ("a boolean as a byte", b"\x01", DlibFile.boolean, r"found b'\\x01', need b'0' or b'1'"),
    ("a text of 2^64 letters", integer(2**64 - 1), DlibFile.text, "need 18446744073709551615 for a text"),
    ("a text of -1 letters", integer(-1), DlibFile.text, "found -1, need a text's length"),
    ("a text in another alphabet", integer(2) + "é".encode(), DlibFile.text, "need ASCII letters"),
    ("a number without end", integer(1) + integer(32000), DlibFile.number, r"found 1 × 2\^32000, need a finite"),
    ("a number too large", integer(1) + integer(1024), DlibFile.number, r"found 1 × 2\^1024, need a finite"),
    ("another tensor", integer(1), DlibFile.tensor, "found version 1, need a tensor of version 2"),
    ("another alias", integer(2), DlibFile.alias, "found version 2, need an alias of a tensor of version 1"),
    (
        "a tensor larger than any memory",
        b"".join(map(integer, (2, 2**63, 2**63, 2**63, 2**63))),
        DlibFile.tensor,
        "at byte 38 of 38: found 0 bytes to the end, need 28948022309329048855892746252171976963317496166410141009864",
    ),
    ("a tensor of length -1", b"".join(map(integer, (2, -1, 1, 1, 1))), DlibFile.tensor, "found -1, need a tensor's"),
    ("an array", integer(2) + integer(3), DlibFile.matrix, "found a matrix of 2 by 3, need both negative"),
    ("a matrix larger than the file", integer(-1000) + integer(-1000), DlibFile.matrix, "1000 × 1000, and 0 bytes"),
    ("something behind the end", b"\x01", DlibFile.end, "at byte 0 of 1: found 1 bytes more, need the end"),
]


@pytest.mark.parametrize(("content", "read", "sentence"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_no_such_value_is_named(content: bytes, read: Callable[[DlibFile], object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read(DlibFile(content))
