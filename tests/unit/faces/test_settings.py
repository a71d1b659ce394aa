from __future__ import annotations

import re
from pathlib import Path

import pytest

from faces.errors import SettingsError
from faces.settings import Settings, load

ROOT = Path(__file__).resolve().parents[3]


def _variables() -> list[str]:
    return [f"FACE_{name.upper()}" for name in Settings.model_fields]


def test_the_example_file_lists_every_variable_in_the_same_order() -> None:
    text = (ROOT / "etc/face.env.example").read_text(encoding="utf-8")
    assert re.findall(r"^#?(FACE_[A-Z_]+)=", text, re.MULTILINE) == _variables()


def test_the_example_file_says_the_same_of_each_variable() -> None:
    lines = (ROOT / "etc/face.env.example").read_text(encoding="utf-8").splitlines()
    for name, field in Settings.model_fields.items():
        place = next(n for n, line in enumerate(lines) if line.lstrip("#").startswith(f"FACE_{name.upper()}="))
        assert lines[place - 1] == f"# {field.description}"


def test_a_wrong_value_is_one_sentence_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_THRESHOLD", "near")
    with pytest.raises(SettingsError, match="FACE_THRESHOLD"):
        load()


def test_disk_roots_are_names_and_absolute_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_DISK_ROOTS", "local=/srv/app/private, dfotos=/dfotos")
    assert load().disk_roots == {"local": Path("/srv/app/private"), "dfotos": Path("/dfotos")}


@pytest.mark.parametrize(("value", "parts"), [("none", ()), ("scan, resnet", ("scan", "resnet"))])
def test_faster_code_can_be_switched_off_in_parts(
    value: str, parts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_FAST", value)
    assert load().fast == parts


@pytest.mark.parametrize("value", ["all", "scan,none", "scan;resnet"])
def test_a_part_that_nobody_knows_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_FAST", value)
    with pytest.raises(SettingsError, match=r"FACE_FAST: .*, needed some of decode, resize, scan, resnet; or none"):
        load()


@pytest.mark.parametrize("value", ["a.b", "faces`", "", "x" * 65, "mysql", "Information_Schema"])
def test_a_database_for_our_tables_has_a_plain_name_and_is_not_the_servers(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_TABLES_DATABASE", "photo-faces_2$")
    assert load().tables_database == "photo-faces_2$"
    with pytest.raises(SettingsError, match="FACE_TABLES_DATABASE: "):
        load(tables_database=value)


def test_a_rule_of_linking_that_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_MATCH", "honest")
    with pytest.raises(SettingsError, match="FACE_MATCH: Input should be 'calibrated' or 'nearest'"):
        load()


@pytest.mark.parametrize("value", ["local", "local=srv", "=/srv", "a=/x,a=/y"])
def test_a_disk_root_written_otherwise_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_DISK_ROOTS", value)
    with pytest.raises(SettingsError, match="FACE_DISK_ROOTS"):
        load()


@pytest.mark.parametrize("value", ["../debug", "a/../b", "/debug", "/", ".", "a" * 4097])
def test_a_folder_that_the_api_would_not_take_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_DEBUG_SUBDIR", value)
    with pytest.raises(SettingsError, match=r"FACE_DEBUG_SUBDIR: .*needed the name of a folder"):
        load()


def test_a_debug_pictures_folder_may_lie_deeper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_DEBUG_SUBDIR", "faces/debug")
    assert load().debug_subdir == "faces/debug"


def test_secrets_are_not_printed() -> None:
    settings = load(api_keys="sesame", database_url="mysql+pymysql://u:secret@h/d")
    assert "sesame" not in repr(settings)
    assert "secret" not in repr(settings)


def test_seconds_between_tries_are_whole_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_WORKER_BACKOFF", "0, 5,60")
    assert load().worker_backoff == (0, 5, 60)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FACE_WORKER_BACKOFF", "10,"),
        ("FACE_WORKER_BACKOFF", "-1"),
        ("FACE_WORKER_BACKOFF", "soon"),
        ("FACE_WORKER_TRIES", "-1"),
        ("FACE_LOCK", "file"),
        ("FACE_LOCK_SECONDS", "1"),
        ("FACE_JOB_CLASS", "App/Jobs/FaceProcessJob"),
        ("FACE_COMPLETION_EVENT", "C"),
        ("FACE_LOG_FORMAT", "xml"),
        ("FACE_RABBITMQ_EXCHANGE_ROUTING_KEY", "%d"),
        ("FACE_RABBITMQ_FAILED_ROUTING_KEY", "%s.%s"),
        ("FACE_RABBITMQ_EXCHANGE_TYPE", "round"),
        ("FACE_RABBITMQ_QUORUM", "few"),
        ("FACE_RABBITMQ_QUEUE_MAX_PRIORITY", "256"),
    ],
)
def test_a_wrong_setting_of_the_queue_is_refused_by_name(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=variable):
        load()


def test_hosts_are_names_or_addresses_without_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_API_HOSTS", "faces.example.org, photos_1.lan, [2001:db8::5],192.0.2.1")
    assert load().api_hosts == ("faces.example.org", "photos_1.lan", "2001:db8::5", "192.0.2.1")


@pytest.mark.parametrize("value", ["http://faces.example.org", "faces.example.org:5000", "a b", "*", "a,/"])
def test_a_host_written_otherwise_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_API_HOSTS", value)
    with pytest.raises(SettingsError, match=r"FACE_API_HOSTS: .*needed names of hosts without a port"):
        load()
