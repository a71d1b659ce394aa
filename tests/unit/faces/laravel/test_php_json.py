import hashlib
import json
import random

import pytest

from faces.laravel.php_json import dumps, storable

#: What PHP 8.2's json_encode wrote for these floats.
FLOATS = [
    (1.0, "1"),
    (0.1, "0.1"),
    (0.1 + 0.2, "0.30000000000000004"),
    (1 / 3, "0.3333333333333333"),
    (1e15, "1000000000000000"),
    (1e16, "10000000000000000"),
    (1e17, "1.0e+17"),
    (123456789012345678.0, "1.2345678901234568e+17"),
    (1e22, "1.0e+22"),
    (1.5e300, "1.5e+300"),
    (0.0001, "0.0001"),
    (0.00001, "1.0e-5"),
    (1.25e-7, "1.25e-7"),
    (5e-324, "5.0e-324"),
    (-0.0, "-0"),
    (0.0, "0"),
    (100.0, "100"),
    (-0.05, "-0.05"),
    (-12.5, "-12.5"),
]

#: The md5 of what PHP wrote for `{"class": …} + value`, in the app's own dedup keys.
KEYS = [
    ({"image_id": 1}, "4e51e74f3b73a823e280e04e7ea7035a"),
    ({"image_id": "1"}, "49f5a5d70574cb7080d0f030db2f3a5b"),
    ({"image_id": 9007199254740993}, "f1ddbda3e85b9546f0e44082263a06fc"),
    ({"t": True, "f": False, "n": None}, "2b4bb14768c00f602bec2bc9e4d7b820"),
    ({"p": "a/b"}, "d01770ed623a736efd339b98a15f4546"),
    ({"p": "a\\b"}, "67e1f068be386e6a5a0f6d98536c9247"),
    ({"p": "<\"&'>"}, "0e10c327dcf2f7f15f50448f07a7b0c3"),
    ({"p": "\x00\x01\b\t\n\x0b\f\r\x1f\x7f"}, "4b57d29164b496f1e4584a0dc5d23e94"),
    ({"p": "été"}, "34a55ab92d3f72e181c685e450a71e5b"),
    ({"p": "😀"}, "41a7934d2ac2a25b2af063f8a0f1b9ae"),
    ({"p": "\u2028\u2029"}, "315964988e828e7d0457d7aef76ac0ee"),
    ({"l": [1, 2]}, "c688552f3b259f44c808abe7b8a71e08"),
    ({"l": []}, "e8c7da66dd466bd75f22bc1a6218159a"),
    ({"l": {}}, "e8c7da66dd466bd75f22bc1a6218159a"),
    ({"o": {"a": {"b": None}}}, "3785eca7661c9f603f405976f2649dc2"),
    ({"b": 1, "a": 2}, "fc6826a5bbd635f157695535891d25c4"),
]


@pytest.mark.parametrize(("number", "text"), FLOATS)
def test_floats_are_written_as_php_writes_them(number: float, text: str) -> None:
    assert dumps(number) == text


@pytest.mark.parametrize(("value", "md5"), KEYS)
def test_texts_lists_and_maps_are_the_bytes_that_php_writes(value: dict[str, object], md5: str) -> None:
    written = dumps({"class": "App\\Jobs\\FaceProcessJob", **value})  # type: ignore[dict-item]
    assert hashlib.md5(written.encode(), usedforsecurity=False).hexdigest() == md5


def test_every_float_reads_back_as_itself() -> None:
    dice = random.Random(1)  # noqa: S311  the same numbers every time
    for _ in range(20_000):
        number = dice.uniform(-1, 1) * 10.0 ** dice.randint(-30, 30)
        assert float(dumps(number)) == number


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        dumps([number])


def test_only_halves_of_characters_are_replaced() -> None:
    assert storable("é日😀\0") == "é日😀\0"
    assert storable(json.loads('"a\\ud83d\\ude00 b\\ud83d c\\ude00"')) == "a😀 b? c?"
