import json

from faces.system.storable import storable


def test_only_halves_of_characters_are_replaced() -> None:
    assert storable("é日😀\0") == "é日😀\0"
    assert storable(json.loads('"a\\ud83d\\ude00 b\\ud83d c\\ude00"')) == "a😀 b? c?"
