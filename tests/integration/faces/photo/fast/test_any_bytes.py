"""Values of dlib's file format read out of any bytes."""

from __future__ import annotations

import random

from faces.photo.fast.dlib_file import DlibFile


def test_any_bytes_are_values_or_a_value_error() -> None:
    dice = random.Random(5)  # noqa: S311  the same bytes every time
    reads = [
        DlibFile.integer,
        DlibFile.boolean,
        DlibFile.text,
        DlibFile.number,
        DlibFile.tensor,
        DlibFile.alias,
        DlibFile.matrix,
    ]
    refused = 0
    for _ in range(20_000):
        content = bytes(dice.choice((dice.randrange(256), dice.randrange(4), 0x81)) for _ in range(40))
        file, reader = DlibFile(content), dice.choice(reads)
        try:
            for _ in range(40):
                reader(file)
        except ValueError:
            refused += 1
        assert 0 <= file.position <= len(content)
    assert refused > 15_000
