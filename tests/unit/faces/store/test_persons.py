import json

import numpy as np
import pytest

from faces.store.persons import read_centroid


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("[0.5, 1]", [0.5, 1.0, 0.0]),
        (b"[0.5]", [0.5, 0.0, 0.0]),
        ("[null, 2]", [0.0, 2.0, 0.0]),
        ('{"0": 1, "2": 3}', [1.0, 0.0, 3.0]),
        ("[]", [0.0, 0.0, 0.0]),
        (json.dumps([1.0] * 512), [1.0, 1.0, 1.0]),
    ],
)
def test_a_centroid_is_read_as_php_reads_it(text: str | bytes, first: list[float]) -> None:
    centroid = read_centroid(text)
    assert centroid is not None
    assert centroid.shape == (128,)
    assert centroid.dtype == np.dtype(np.float64)
    assert centroid[:3].tolist() == first


@pytest.mark.parametrize("text", [None, "", "null", "1", '"a"', "[", '["1"]', "[[1]]", "[true]", "[1e999]", "[NaN]"])
def test_what_is_no_centroid_matches_nobody(text: str | None) -> None:
    assert read_centroid(text) is None
