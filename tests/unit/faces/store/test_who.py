import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]

#: Looks at tables and columns, makes the right implementation, and knows the table `persons` itself.
ASKING = {"faces/store/schema.py", "faces/store/who.py", "faces/store/sidecar/people_of_app.py"}


def asks(text: str) -> bool:
    return bool(re.search(r"\.has_persons\b|\bisinstance\([^)]*\b(Masters|Persons)\b", text))


def test_only_one_place_asks_whether_faces_are_linked_to_masters_or_to_persons() -> None:
    files = [file for package in ("faces", "worker", "face_api") for file in (ROOT / package).rglob("*.py")]
    found = {str(file.relative_to(ROOT)) for file in files if asks(file.read_text(encoding="utf-8"))}
    assert found == ASKING


def test_who_asks_is_seen() -> None:
    assert asks("if store.schema.has_persons:")
    assert asks("if isinstance(identities, Persons):")
