from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from installer.changes.change import Change, Work
from installer.changes.files import PutFile
from installer.changes.release import FINISHED
from installer.install_paths import Places
from installer.ready import Readiness
from installer.record import Record
from installer.sentence import Language, Refusal, Sentence
from installer.switch import RemoveOldReleases, Switch
from tests.unit.installer.owners import mine


@dataclass
class Served:
    """A service that is a note of what was asked of it; a release whose folder says `broken` does not start."""

    places: Places
    done: list[str] = field(default_factory=list)
    address: bytes = b"ListenStream=127.0.0.1:5000"
    addresses_changed: list[bool] = field(default_factory=list)

    def files(self, etc: Path) -> list[Change]:
        units, text = self.places.units, (etc / "unit").read_bytes()
        (units / "face-api.socket.d").mkdir(exist_ok=True)
        files = {"face-api.service": text, "face-api.socket": text, "face-api.socket.d/box.conf": self.address}
        return [PutFile(units / name, content, owner=mine()) for name, content in files.items()]

    def not_running(self) -> list[Sentence]:
        return []

    def restart(self, *, address_changed: bool) -> float:
        self.addresses_changed.append(address_changed)
        release = self.places.current.readlink()
        self.done.append(f"restart {release.name} {(self.places.units / 'face-api.service').read_text()}")
        if (release / "broken").exists():
            raise Refusal()
        return 0.0

    def stop(self) -> None:
        self.done.append("stop")

    def forget(self) -> None:
        self.done.append("forget")

    def last_words(self) -> str:
        return "an engine is missing"


@pytest.fixture
def ready() -> Iterator[Readiness]:
    class Yes(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Yes)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Readiness(f"127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(root=tmp_path, prefix=tmp_path / "opt/face-sidecar")
    for folder in (places.releases, places.units):
        folder.mkdir(parents=True)
    return places


def release(places: Places, name: str, *, broken: bool = False) -> Path:
    folder = places.releases / name
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/unit").write_text(f"unit of {name}")
    (folder / FINISHED).touch()
    if broken:
        (folder / "broken").touch()
    return folder


def work(places: Places) -> Work:
    return Work(Record(places.record), lambda _sentence: None)


def switch(folder: Path, service: Served, readiness: Readiness) -> Switch:
    return Switch(folder, folder, service.places, service, readiness)


def test_the_first_release_is_linked_and_started(places: Places, ready: Readiness) -> None:
    service = Served(places)
    one = release(places, "one")
    switch(one, service, ready).do(work(places))
    assert places.current.readlink() == one
    assert service.done == ["restart one unit of one"]
    assert switch(one, service, ready).describe() == []
    assert not places.switching.exists()


def test_a_release_that_does_not_start_gives_way_to_the_one_before(places: Places, ready: Readiness) -> None:
    service = Served(places)
    one, two = release(places, "one"), release(places, "two", broken=True)
    switch(one, service, ready).do(work(places))
    with pytest.raises(Refusal, match="the release one serves again") as refused:
        switch(two, service, ready).do(work(places))
    assert "the service's last words: an engine is missing" in str(refused.value)
    assert places.current.readlink() == one
    assert service.done[1:] == ["restart two unit of two", "restart one unit of one"]
    assert not places.switching.exists()
    assert not (two / FINISHED).exists()


def test_the_port_is_closed_for_another_address_only(places: Places, ready: Readiness) -> None:
    service = Served(places)
    switch(release(places, "one"), service, ready).do(work(places))
    switch(release(places, "two"), service, ready).do(work(places))
    service.address = b"ListenStream=127.0.0.1:6000"
    switch(release(places, "three"), service, ready).do(work(places))
    assert service.addresses_changed == [True, False, True]


def test_where_nothing_served_before_nothing_is_left_running(places: Places, ready: Readiness) -> None:
    service = Served(places)
    with pytest.raises(Refusal, match="the service is stopped"):
        switch(release(places, "one", broken=True), service, ready).do(work(places))
    assert service.done == ["restart one unit of one", "stop"]


def test_an_api_that_never_gets_ready_is_not_served_by(places: Places) -> None:
    nobody = Readiness("127.0.0.1:9", seconds=0.1)
    with pytest.raises(Refusal, match=r"found no answer at 127\.0\.0\.1:9/readyz"):
        switch(release(places, "one"), Served(places), nobody).do(work(places))


def test_an_interrupted_switch_knows_what_served_before_it(places: Places, ready: Readiness) -> None:
    service = Served(places)
    one, two = release(places, "one"), release(places, "two", broken=True)
    switch(one, service, ready).do(work(places))
    interrupted = switch(two, service, ready)
    interrupted._write_down(one)
    interrupted._point_to(two, work(places))
    assert switch(two, service, ready).describe()
    with pytest.raises(Refusal, match="the release one serves again"):
        switch(two, service, ready).do(work(places))
    assert places.current.readlink() == one


def test_the_release_before_stays_and_older_ones_go(places: Places) -> None:
    folders = [release(places, name) for name in ("one", "two", "three")]
    (places.releases / "never finished").mkdir()
    for age, folder in enumerate(reversed(folders)):
        os.utime(folder / FINISHED, (1_000_000 - age, 1_000_000 - age))
    places.current.symlink_to(folders[2])
    old = RemoveOldReleases(folders[2], places)
    names = [Language().render(sentence).rsplit("/", 1)[-1] for sentence in old.describe()]
    assert names == ["never finished", "one"]
    old.do(work(places))
    assert sorted(folder.name for folder in places.releases.iterdir()) == ["three", "two"]
    assert old.describe() == []
