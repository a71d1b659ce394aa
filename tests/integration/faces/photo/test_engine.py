"""FaceEngine on real photos: what it finds, where, how often it looks, and one thread at a time."""

from __future__ import annotations

import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces.errors import ModelDamaged
from faces.photo import models, turned_looks, turns
from faces.photo.decoding import PhotoLimits, decode
from faces.photo.detector import Detection, DlibDetector
from faces.photo.encoder import DlibEncoder
from faces.photo.engine import SCALES, FaceEngine, Findings
from faces.photo.face import Box, Pixels
from faces.photo.open_engine import open_engine
from faces.photo.photo import Photo
from faces.photo.quality import quality_of
from faces.settings import load
from tests.pictures import drawn

ROOT = Path(__file__).resolve().parents[4]
LIMITS = PhotoLimits(max_pixels=120_000_000, max_bytes=64_000_000)


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return open_engine(load())


@pytest.fixture
def portrait(samples: Path) -> Image.Image:
    """A head and shoulders, 582 × 621 pixels."""
    with Image.open(samples / "known/Joe Biden.jpg") as photo:
        return photo.convert("RGB").crop((286, 57, 868, 678))


def photo_of(picture: Image.Image, kind: str = "PNG", **options: object) -> Photo:
    return decode(drawn.file_of(picture, kind, **options), LIMITS)


def test_a_face_is_found_in_pixels_of_the_original_and_of_the_scaled_picture(
    engine: FaceEngine, portrait: Image.Image
) -> None:
    large = portrait.resize((2400, 2400))
    found = engine.find(photo_of(large, compress_level=0))
    face = found.faces[0]
    assert found.scale == 1200
    assert max(found.pixels.shape) == 1200
    for ours, scaled in zip(edges(face.box), edges(face.scaled_box), strict=True):
        assert abs(ours - 2 * scaled) <= 2
    assert face.score > 0
    assert face.encoding.shape == (128,)
    assert face.encoding.dtype == np.float64
    assert face.quality == quality_of(found.pixels, face.scaled_box)
    assert set(found.seconds) == {"scale", "detect", "encode", "quality"}


def edges(box: Box) -> tuple[int, int, int, int]:
    return box.top, box.right, box.bottom, box.left


def test_scores_belong_to_their_boxes_and_are_in_dlibs_order(engine: FaceEngine, samples: Path) -> None:
    with Image.open(samples / "photos/side-by-side.jpg") as photo:
        pixels = np.asarray(photo.convert("RGB"))
    detections = engine.detect(pixels)
    assert len(detections) == 2
    assert [detection.score for detection in detections] == sorted((d.score for d in detections), reverse=True)


def test_a_photo_without_a_face_is_an_answer(engine: FaceEngine) -> None:
    found = engine.find(photo_of(Image.new("RGB", (400, 300), "gray")))
    assert found.faces == ()
    assert found.scale is None
    assert engine.encode(found.pixels, []) == []


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000), (2, 2), (13, 5), (39, 39)])
def test_pictures_too_small_for_a_face_do_no_harm(engine: FaceEngine, size: tuple[int, int]) -> None:
    assert engine.find(photo_of(Image.new("L", size))).faces == ()


class Watched(FaceEngine):
    """Remembers the sizes of the pictures that it looked at, and whether the photo was still there."""

    def watch(self, photo: Photo) -> Findings:
        self.looks: list[tuple[tuple[int, int], bool]] = []
        self.photo = photo
        return self.find(photo)

    def detect(self, pixels: Pixels, threads: int = 1) -> list[Detection]:
        try:
            self.photo.scaled(10)
            there = True
        except RuntimeError:
            there = False
        self.looks.append((pixels.shape[:2], there))
        return super().detect(pixels, threads)


@pytest.mark.parametrize(
    ("size", "looks"),
    [
        ((300, 200), [((200, 300), False)]),
        ((1200, 10), [((10, 1200), False)]),
        ((1201, 10), [((9, 1200), True), ((10, 1201), False)]),
        ((1700, 10), [((7, 1200), True), ((9, 1600), False), ((10, 1700), False)]),
        ((4000, 10), [((3, 1200), True), ((4, 1600), False), ((5, 2000), False)]),
    ],
)
def test_no_picture_is_scanned_twice_and_the_photo_is_released_before_its_second_scan(
    size: tuple[int, int], looks: list[tuple[tuple[int, int], bool]]
) -> None:
    watched = Watched(DlibDetector(), DlibEncoder(models.find()))
    assert watched.watch(photo_of(Image.new("L", size))).scale is None
    assert watched.looks == looks


@pytest.fixture(scope="module")
def curious() -> FaceEngine:
    """The engine with FACE_LOOK_TURNED=on."""
    return open_engine(load(look_turned=True))


@pytest.fixture
def lying(portrait: Image.Image) -> Image.Image:
    """The portrait in a corner of a wide photo; its face is found upright and in no other way."""
    paper = Image.new("RGB", (1400, 1000), (120, 130, 140))
    paper.paste(portrait, (200, 100))
    return paper


def saved(upright: Image.Image, turn: int) -> Image.Image:
    """The photo as it lies when it has to be turned so."""
    return turns.picture_turned(upright, turns.inverse(turn))


@pytest.mark.parametrize("turn", [turns.CLOCKWISE, turns.HALF, turns.COUNTER_CLOCKWISE])
def test_a_photo_saved_the_wrong_way_up_shows_its_face_where_turned_looks_are_wanted(
    curious: FaceEngine, lying: Image.Image, turn: int
) -> None:
    upright = curious.find(photo_of(lying)).faces[0]
    stored = saved(lying, turn)
    photo = photo_of(stored)
    found = curious.find(photo)
    assert len(found.faces) == 1
    assert found.scale == turned_looks.QUARTERS_SCALE
    assert photo.orientation == 1
    assert np.linalg.norm(found.faces[0].encoding - upright.encoding) < 0.25
    assert found.pixels.shape[:2] == (round(stored.height * 800 / 1400), round(stored.width * 800 / 1400))
    expected = turns.box_turned(upright.box, 1400, 1000, turns.inverse(turn))
    assert all(abs(a - b) < 40 for a, b in zip(edges(found.faces[0].box), edges(expected), strict=True))
    for ours, scaled in zip(edges(found.faces[0].box), edges(found.faces[0].scaled_box), strict=True):
        assert abs(ours - scaled * 1400 / 800) <= 2
    assert len(found.warnings) == 1
    assert turns.NAMES[turn] in found.warnings[0]


def test_without_the_setting_it_shows_none_and_an_upright_photo_is_not_looked_at_again(
    engine: FaceEngine, curious: FaceEngine, lying: Image.Image
) -> None:
    turned = engine.find(photo_of(saved(lying, turns.CLOCKWISE)))
    assert turned.faces == ()
    assert turned.warnings == ()
    plain, again = engine.find(photo_of(lying)), curious.find(photo_of(lying))
    assert again.warnings == ()
    assert [face.box for face in plain.faces] == [face.box for face in again.faces]
    assert np.array_equal(plain.faces[0].encoding, again.faces[0].encoding)


def test_a_photo_without_any_face_is_looked_at_three_times_more_at_one_small_size() -> None:
    watched = Watched(DlibDetector(), DlibEncoder(models.find()), look_turned=True)
    found = watched.watch(photo_of(Image.new("L", (1300, 650))))
    assert found.faces == ()
    assert found.scale is None
    assert found.warnings == ()
    assert [size for size, _ in watched.looks] == [(600, 1200), (650, 1300), (800, 400), (400, 800), (800, 400)]


@pytest.mark.parametrize("turn", [3, 4, 5, 6, 7, 8])
def test_where_programs_differ_the_other_way_is_looked_at_once(
    engine: FaceEngine, lying: Image.Image, turn: int
) -> None:
    upright = engine.find(photo_of(lying)).faces[0]
    # The file says `turn`, and is wrong: the photo is upright as it is stored.
    shown = turns.picture_turned(lying, turn)
    photo = Photo(shown, "HEIC", turn, other_way=turns.inverse(turn))
    found = engine.find(photo)
    assert len(found.faces) == 1
    assert found.scale == SCALES[0]
    assert np.linalg.norm(found.faces[0].encoding - upright.encoding) < 0.15
    assert abs(found.faces[0].quality.total - upright.quality.total) < 2
    expected = turns.box_turned(upright.box, 1400, 1000, turn)
    assert all(abs(a - b) <= 2 for a, b in zip(edges(found.faces[0].box), edges(expected), strict=True))
    assert max(found.pixels.shape) == SCALES[0]
    assert found.pixels.shape[0] > found.pixels.shape[1] or turn in (2, 3, 4)
    assert len(found.warnings) == 1


def test_an_avif_that_exif_turns_wrongly_shows_its_face_the_other_way(engine: FaceEngine, lying: Image.Image) -> None:
    photo = decode(drawn.avif_that_exif_alone_turns(lying, 6), LIMITS)
    found = engine.find(photo)
    assert photo.orientation == 6
    assert (photo.width, photo.height) == (1000, 1400)
    assert len(found.faces) == 1
    assert found.faces[0].box.bottom > found.faces[0].box.top > 0
    assert found.pixels.shape[0] > found.pixels.shape[1]
    assert len(photo.warnings) == 1
    assert "turned by 90° counter-clockwise" in found.warnings[0]


class Weighed(FaceEngine):
    """Remembers how many megabytes the process had in memory at each look."""

    def weigh(self, photo: Photo) -> list[int]:
        self.megabytes: list[int] = []
        self.find(photo)
        return self.megabytes

    def detect(self, pixels: Pixels, threads: int = 1) -> list[Detection]:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.megabytes.append(pages * resource.getpagesize() // 1_000_000)
        return super().detect(pixels, threads)


def test_the_memory_of_a_large_photo_is_given_back_before_the_second_scan() -> None:
    photo = photo_of(Image.effect_noise((20_000, 1_200), 50).convert("RGB"), "JPEG")
    first, second, last = Weighed(DlibDetector(), DlibEncoder(models.find())).weigh(photo)
    # 24 megapixels of 4 bytes each are 96 MB.
    assert max(second, last) < first - 60


class Resting(DlibDetector):
    """Remembers the longest sides that it scanned, and where it was told to rest."""

    def __init__(self) -> None:
        super().__init__()
        self.did: list[int | str] = []

    def detect(self, pixels: Pixels, threads: int = 1) -> list[Detection]:
        self.did.append(max(pixels.shape))
        return super().detect(pixels, threads)

    def rest(self) -> None:
        self.did.append("rest")


@pytest.mark.parametrize(
    ("side", "did"),
    [(900, [900]), (1700, [1200, "rest", 1600, 1700, "rest"]), (2400, [1200, "rest", 1600, 2000, "rest"])],
)
def test_only_what_the_first_scan_needed_is_kept_for_the_next_photo(side: int, did: list[int | str]) -> None:
    detector = Resting()
    assert FaceEngine(detector, DlibEncoder(models.find())).find(photo_of(Image.new("L", (side, 10)))).faces == ()
    assert detector.did == did


def test_the_scan_stops_at_the_first_scale_with_a_face(portrait: Image.Image) -> None:
    watched = Watched(DlibDetector(), DlibEncoder(models.find()))
    large = portrait.resize((2400, 2400))
    photo = photo_of(large, "JPEG")
    assert watched.watch(photo).scale == SCALES[0]
    assert len(watched.looks) == 1
    with pytest.raises(RuntimeError, match="released"):
        photo.scaled(10)


@pytest.mark.parametrize(("width", "scale"), [(145, 1600), (115, 2000)])
def test_a_scale_further_on_is_reported(engine: FaceEngine, portrait: Image.Image, width: int, scale: int) -> None:
    paper = Image.new("RGB", (4000, 2600), (120, 130, 140))
    paper.paste(portrait.resize((width, width * portrait.height // portrait.width)), (1000, 900))
    found = engine.find(photo_of(paper, compress_level=0))
    assert len(found.faces) == 1
    assert found.scale == scale
    assert max(found.pixels.shape) == scale
    assert 1000 <= found.faces[0].box.left < found.faces[0].box.right <= 1000 + width


def test_a_model_that_dlib_cannot_load_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"no model")
    with pytest.raises(ModelDamaged, match="cannot load"):
        DlibEncoder(models.Models(tmp_path / "model", tmp_path / "model"))


def test_several_threads_get_what_one_gets(engine: FaceEngine, portrait: Image.Image) -> None:
    photos = [portrait.resize((side, side)) for side in (200, 260, 320, 400)]
    alone = [engine.find(photo_of(photo)) for photo in photos]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda at: engine.find(photo_of(photos[at % 4])), range(16)))
    for at, found in enumerate(together):
        expected = alone[at % 4].faces
        assert [face.box for face in found.faces] == [face.box for face in expected]
        assert all(np.array_equal(a.encoding, b.encoding) for a, b in zip(found.faces, expected, strict=True))


#: Four threads and pictures of four sizes, through what is given as `detect`.
MANY_THREADS = """
import sys, threading
import dlib, numpy
from PIL import Image
from faces.photo.open_engine import open_engine
from faces.settings import load

pictures = [numpy.asarray(Image.open(sys.argv[1]).convert("RGB").resize((side, side))) for side in (200, 260, 320, 400)]
if sys.argv[2] == "engine":
    detect = open_engine(load()).detect
else:
    detector = dlib.get_frontal_face_detector()
    detect = lambda picture: [str(box) for box in detector(picture, 1)]
alone = [detect(picture) for picture in pictures]
wrong = []

def many(start):
    for turn in range(int(sys.argv[3])):
        at = (start + turn) % 4
        if detect(pictures[at]) != alone[at]:
            wrong.append(at)

threads = [threading.Thread(target=many, args=(start,)) for start in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(1 if wrong else 0)
"""


@pytest.mark.parametrize(("what", "turns", "safe"), [("engine", 12, True), ("bare detector", 300, False)])
def test_why_one_thread_at_a_time(samples: Path, what: str, turns: int, safe: bool) -> None:
    """dlib's detector, shared without a lock, gives wrong boxes or ends the process: free(): invalid pointer."""
    arguments = [str(samples / "known/Joe Biden.jpg"), what, str(turns)]
    done = subprocess.run(
        [sys.executable, "-c", MANY_THREADS, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert (done.returncode == 0) is safe, done.stderr
