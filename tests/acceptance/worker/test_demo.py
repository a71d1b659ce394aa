"""demo as a person uses it: the samples, a folder of one's own, a second run, and being stopped in the middle."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.worker_process import Worker

Wait = Callable[..., None]

#: Every linked face: its photo, its person and whether its box lies on the photo.
LINKED = """
SELECT images.filename, parents.name FROM faces JOIN images ON images.id = faces.image_id
JOIN faces parents ON parents.id = faces.parent_id ORDER BY images.filename, faces.face_index
"""


class Demo(Worker):
    """Runs the demo in a folder of its own."""

    def __init__(self, home: Path) -> None:
        # Neither of the last two is the demo's: it has a database and an API of its own.
        nowhere = {"FACE_DATABASE_URL": "sqlite:////nowhere/faces.db", "FACE_API_URL": "http://127.0.0.1:9"}
        super().__init__(home, {"FACE_STATE_DIR": str(home / "state")} | nowhere, database="demo-out/faces.db")

    def start(self, *arguments: object, **settings: str) -> subprocess.Popen[str]:
        return super().start("demo", *arguments, **settings)

    @property
    def page(self) -> str:
        return (self.home / "demo-out/index.html").read_text(encoding="utf-8")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path / "home")
    yield demo
    demo.end()


def port_in(text: str) -> int:
    found = re.search(r"http://127\.0\.0\.1:(\d+)", text)
    assert found, text
    return int(found[1])


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def content_of(folder: Path) -> list[tuple[str, int, int]]:
    """Everything in a folder with its size and time of change."""
    paths = sorted(folder.rglob("*"))
    return [(str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in [folder, *paths]]


def test_the_samples_show_both_people_and_a_second_run_looks_at_nothing(demo: Demo, samples: Path) -> None:
    before = content_of(samples)
    out, err = demo.run()
    linked = demo.rows(LINKED)
    assert ("side-by-side.jpg", "Joe Biden") in linked
    assert {photo for photo, name in linked if name == "Barack Obama"} == {
        *("blue-room.jpg", "half-a-face-left.jpg", "half-a-face-right.jpg", "side-by-side.jpg", "speech.jpg")
    }
    table = [line.split("\t") for line in out.splitlines() if "\t" in line]
    assert table[0] == ["photo", "faces", "quality", "who", "distance", "seconds"]
    assert [row[1:4:2] for row in table if row[0] == "side-by-side.jpg"] == [["2", "Barack Obama"], ["2", "Joe Biden"]]
    assert [row[1] for row in table if row[0] == "cat.png"] == ["0"]
    assert "10 photos with 8 faces, 6 of known people: Barack Obama 5, Joe Biden 1" in out
    assert "the fast path does decode, resize, resnet, scan" in err
    assert not listens(port_in(err))
    first = demo.page
    assert first.count('class="photo ') == 10

    out, err = demo.run()
    assert "10 photos seen before and skipped" in out
    assert "starting" not in err
    assert demo.rows(LINKED) == linked
    assert demo.page.count('class="photo ') == 10
    assert content_of(samples) == before


def test_a_folder_of_ones_own_may_hold_anything(demo: Demo, samples: Path, tmp_path: Path) -> None:
    photos, known = tmp_path / "Праздник #1", tmp_path / "known"
    (photos / "sub folder").mkdir(parents=True)
    shutil.copy(samples / "photos/speech.jpg", photos / "sub folder/50% <b>.jpg")
    shutil.copy(samples / "photos/cat.png", photos / "cat & 'co'.png")
    (photos / "empty.jpg").touch()
    (photos / "text.jpg").write_text("no photo")
    (known / "Barack Obama").mkdir(parents=True)
    shutil.copy(samples / "known/Barack Obama.jpg", known / "Barack Obama/1.jpg")
    shutil.copy(samples / "photos/blue-room.jpg", known / "Barack Obama/2.jpg")
    shutil.copy(samples / "photos/side-by-side.jpg", known / "Two.jpg")
    shutil.copy(samples / "photos/coffee.png", known / "Nobody.png")
    (known / "notes.txt").write_text("not a portrait")
    photos_before, known_before = content_of(photos), content_of(known)

    out, err = demo.run(photos, "--known", known, code=1)
    assert ("50% <b>.jpg", "Barack Obama") in demo.rows(LINKED)
    assert demo.rows("SELECT name FROM faces WHERE status = 'ok'") == [("Barack Obama",)] * 2
    assert re.search(r"Two is not known by .*Two\.jpg: found 2 faces there, needed exactly one", err)
    assert re.search(r"Nobody is not known by .*Nobody\.png: found no face there, needed exactly one", err)
    assert "2 photos could not be used" in out
    assert "empty.jpg: the file is empty" in err
    assert "text.jpg: found 8 bytes of no known picture format" in err
    assert "<b>.jpg" not in demo.page
    assert "50%25%20%3Cb%3E.jpg" in demo.page
    assert content_of(photos) == photos_before
    assert content_of(known) == known_before

    shutil.copy(samples / "photos/half-a-face-left.jpg", photos)
    out, _ = demo.run(photos)
    assert "4 photos seen before and skipped" in out
    assert ("half-a-face-left.jpg", "Barack Obama") in demo.rows(LINKED)


def test_somebody_made_known_later_is_found_in_the_photos_of_before(demo: Demo, samples: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(samples / "photos/speech.jpg", photos)
    demo.run(photos)
    assert demo.rows(LINKED) == []
    out, _ = demo.run(photos, "--known", samples / "known")
    assert demo.rows(LINKED) == [("speech.jpg", "Barack Obama")]
    assert "1 photo seen before and skipped" in out


def test_results_of_another_folder_are_set_aside(demo: Demo, samples: Path, tmp_path: Path) -> None:
    photos = {name: tmp_path / name for name in ("Summer", "Winter")}
    for folder in photos.values():
        folder.mkdir()
        shutil.copy(samples / "photos/coffee.png", folder / f"{folder.name}.png")
    demo.run(photos["Summer"])
    _, err = demo.run(photos["Winter"])
    assert f"the results of {photos['Summer']} are now in demo-out-Summer-" in err
    assert "Winter.png" in demo.page
    assert "Summer.png" not in demo.page
    out, _ = demo.run(photos["Summer"])
    assert "1 photo seen before and skipped" in out
    assert "Summer.png" in demo.page


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_demo_stopped_in_the_middle_stops_its_api_and_is_finished_by_the_next(
    demo: Demo, tmp_path: Path, slow_photo: bytes, wait_for: Wait, number: signal.Signals
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for at in range(8):
        (photos / f"{at}.jpg").write_bytes(slow_photo + bytes([at]))
    process = demo.start(photos)
    wait_for(lambda: demo.checked() > 0, seconds=60, what="a photo that is done")
    process.send_signal(number)
    stopped = number in (signal.SIGINT, signal.SIGTERM)
    _, err = demo.end_of(process, 1 if stopped else -number)
    wait_for(lambda: not listens(port_in(err)), what="the end of the API")
    assert ("stopped; what is done is kept" in err) == stopped
    assert not (demo.home / "demo-out/index.html").exists()
    done = demo.checked()
    assert done < 8

    out, _ = demo.run(photos)
    assert demo.checked() == 8
    assert re.search(rf"{done} photos? seen before and skipped", out)
    assert demo.page.count('class="photo ') == 8


def test_the_api_listens_where_it_is_told(demo: Demo, samples: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(samples / "photos/coffee.png", photos)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _, err = demo.run(photos, "--port", port, code=2)
        assert f"port {port} cannot be used" in err
    _, err = demo.run(photos, "--port", port)
    assert port_in(err) == port


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "found no folder"),
        (["empty"], "found no photo in .*/empty, needed at least one"),
        (["file"], "found no folder"),
        (["."], "nothing is ever written to"),
        ([".."], "nothing is ever written to"),
        (["photos", "--known", "nowhere"], "found no folder .*nowhere, needed one with a portrait"),
        (["photos", "--known", "empty"], "found no portrait in"),
        (["photos", "--port", "70000"], "needed a number from 1 to 65535"),
        (["photos", "--port", "x"], "found 'x', needed a number"),
    ],
)
def test_a_wrong_word_is_told_and_leaves_nothing(demo: Demo, arguments: list[str], sentence: str) -> None:
    (demo.home / "empty").mkdir()
    (demo.home / "file").touch()
    (demo.home / "photos").mkdir()
    (demo.home / "photos/a.jpg").write_bytes(b"x")
    _, err = demo.run(*arguments, code=2)
    assert re.search(sentence, err), err
    assert not (demo.home / "demo-out").exists()
