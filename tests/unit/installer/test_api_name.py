from __future__ import annotations

from pathlib import Path

import pytest

from installer.api_name import unknown_name
from installer.app import App
from installer.app_disks import FoundDisks
from installer.face_env import FaceEnv
from installer.options import Options
from tests.unit.installer.situations import situation
from tests.unit.installer.test_checks import refusals
from tests.unit.installer.test_first_settings import written

#: Leads to the loopback on every machine, and is none of the names by which everyone knows it.
LOCAL = "127.1"


def app(url: str) -> App:
    return App(Path("/var/www/photo/.env"), {"FACE_API_URL": url}, FoundDisks({}))


def test_a_name_of_the_loopback_that_the_api_does_not_know_is_told() -> None:
    assert unknown_name(app(f"http://{LOCAL}:5000/"), FaceEnv({})) == LOCAL


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:5000", "http://LOCALHOST:5000", "http://[::1]:5000", "https://photos.invalid", "", "http://[x"],
)
def test_the_usual_names_and_what_leads_elsewhere_are_not(url: str) -> None:
    assert unknown_name(app(url), FaceEnv({})) is None


@pytest.mark.parametrize(
    "variables",
    [
        {"FACE_API_HOSTS": f"photos.lan, {LOCAL}"},
        {"FACE_API_URL": f"http://{LOCAL}:5000"},
        {"FACE_API_ADDRESS": f"{LOCAL}:5000"},
        {"FACE_API_ADDRESS": "0.0.0.0:5000", "FACE_API_KEYS": "a-key-of-length-24------"},
    ],
)
def test_a_name_that_the_settings_have_is_not_nor_where_a_key_is_wanted(variables: dict[str, str]) -> None:
    assert unknown_name(app(f"http://{LOCAL}:5000"), FaceEnv(variables)) is None


def test_an_upgrade_does_not_begin_and_says_what_to_write_where(tmp_path: Path) -> None:
    at = situation(tmp_path, app=app(f"http://{LOCAL}:5000"))
    assert [text for text in refusals(at) if "FACE_API_URL" in text] == [
        f"the app's .env: found the host {LOCAL} in FACE_API_URL, to which the API does not answer without a key; "
        f"needed in {at.places.env_file}: FACE_API_HOSTS={LOCAL}"
    ]


def test_a_first_install_writes_the_name() -> None:
    assert written(app(f"http://{LOCAL}:5000"), Options())["FACE_API_HOSTS"] == LOCAL
    assert "FACE_API_HOSTS" not in written(app("http://127.0.0.1:5000"), Options())
