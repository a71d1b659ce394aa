"""Reads what dlib's `serialize` writes: integers, booleans, texts, numbers, tensors and matrices, one by one."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

#: dlib/serialize.h, `pack_int`: the control byte holds how many bytes follow, and the sign.
_SIGN = 0x80
_MOST_BYTES = 8

#: dlib/float_details.h: exponents from here on stand for what is no finite number.
_NOT_FINITE = 32000

#: The version that dlib's tensors and alias tensors begin with.
_TENSOR_VERSION = 2
_ALIAS_VERSION = 1

#: A number is two integers of at least two bytes each.
_LEAST_BYTES_OF_NUMBER = 4


class DlibFile:
    """The bytes of a file and where the next value begins; each method reads one value and stops behind it.

    Nothing is made room for before its bytes are known to be there: memory stays within a few times the file.
    Every method raises ValueError, with the byte and what was found, where the file ends or holds something else.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def integer(self) -> int:
        """A whole number of up to 64 bits and its sign."""
        start = self._position
        control = self._take(1, "an integer")[0]
        count = control & ~_SIGN
        if not 1 <= count <= _MOST_BYTES:
            raise self.wrong(start, f"found {control:#04x}, need an integer's length")
        value = int.from_bytes(self._take(count, "an integer"), "little")
        return -value if control & _SIGN else value

    def boolean(self) -> bool:
        """Yes or no: the letter 1 or 0."""
        start = self._position
        letter = self._take(1, "a boolean")
        if letter not in (b"0", b"1"):
            raise self.wrong(start, f"found {letter!r}, need b'0' or b'1'")
        return letter == b"1"

    def text(self) -> str:
        """A string; dlib's own are ASCII."""
        start = self._position
        letters = self._take(self._count("a text's length"), "a text")
        if not letters.isascii():
            raise self.wrong(start, f"found {letters[:20]!r}, need ASCII letters")
        return letters.decode("ascii")

    def number(self) -> float:
        """A float or double: mantissa × 2^exponent, exact for both."""
        start = self._position
        mantissa, exponent = self.integer(), self.integer()
        try:
            if exponent < _NOT_FINITE:
                return math.ldexp(mantissa, exponent)
        except OverflowError:
            pass
        raise self.wrong(start, f"found {mantissa} × 2^{exponent}, need a finite number")

    def tensor(self) -> npt.NDArray[np.float32]:
        """Single-precision numbers, shape (samples, channels, rows, columns): a read-only view of the file."""
        self._version(_TENSOR_VERSION, "a tensor")
        shape = self._shape()
        numbers = self._take(math.prod(shape) * 4, f"a tensor of {' × '.join(map(str, shape))} numbers")
        return np.frombuffer(numbers, "<f4").reshape(shape)

    def alias(self) -> tuple[int, int, int, int]:
        """The shape of a tensor whose numbers lie in another one."""
        self._version(_ALIAS_VERSION, "an alias of a tensor")
        return self._shape()

    def matrix(self) -> npt.NDArray[np.float64]:
        """Numbers of `dlib::matrix`, shape (rows, columns). dlib writes both negative, to tell it from an array."""
        start = self._position
        rows, columns = -self.integer(), -self.integer()
        if rows < 0 or columns < 0:
            raise self.wrong(start, f"found a matrix of {-rows} by {-columns}, need both negative")
        if rows * columns * _LEAST_BYTES_OF_NUMBER > self._left():
            raise self.wrong(
                start, f"found the head of a matrix of {rows} × {columns}, and {self._left()} bytes behind"
            )
        return np.array([self.number() for _ in range(rows * columns)], np.float64).reshape(rows, columns)

    def end(self) -> None:
        """Nothing may follow."""
        if self._left():
            raise self.wrong(self._position, f"found {self._left()} bytes more, need the end")

    def wrong(self, position: int, sentence: str) -> ValueError:
        """What to raise when the value that begins at `position` is none that is needed."""
        return ValueError(f"at byte {position} of {len(self._content)}: {sentence}")

    @property
    def position(self) -> int:
        """Where the next value begins, in bytes from the start."""
        return self._position

    def _left(self) -> int:
        return len(self._content) - self._position

    def _take(self, count: int, what: str) -> bytes:
        if count > self._left():
            raise self.wrong(self._position, f"found {self._left()} bytes to the end, need {count} for {what}")
        start, self._position = self._position, self._position + count
        return self._content[start : self._position]

    def _count(self, what: str) -> int:
        start = self._position
        count = self.integer()
        if count < 0:
            raise self.wrong(start, f"found {count}, need {what}")
        return count

    def _shape(self) -> tuple[int, int, int, int]:
        what = "a tensor's length"
        return self._count(what), self._count(what), self._count(what), self._count(what)

    def _version(self, known: int, what: str) -> None:
        start = self._position
        found = self.integer()
        if found != known:
            raise self.wrong(start, f"found version {found}, need {what} of version {known}")
