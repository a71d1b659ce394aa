"""The fast ResNet against dlib's own: the same encodings, whatever the chip, the order, the thread and the process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dlib
import numpy as np
import pytest
from PIL import Image

from faces.photo import models
from faces.photo.face import Encoding, Pixels
from faces.photo.fast import native_library, resnet_file
from faces.photo.fast.native_library import Code
from faces.photo.fast.resnet import Resnet
from faces.photo.fast.resnet_file import Network
from faces.photo.models import Models

ROOT = Path(__file__).resolve().parents[5]

#: The largest distance from dlib's encodings; two photos of one person are 0.3 to 0.6 apart.
NEAR = 1e-5


@pytest.fixture(scope="module")
def files() -> Models:
    return models.find()


@pytest.fixture(scope="module")
def network(files: Models) -> Network:
    return resnet_file.read(files.resnet.read_bytes())


@pytest.fixture(scope="module")
def resnet(network: Network) -> Resnet:
    return Resnet(native_library.load(on_any_cpu=True), network)


@pytest.fixture(scope="module")
def truth(files: Models) -> dlib.face_recognition_model_v1:
    return dlib.face_recognition_model_v1(str(files.resnet))


@pytest.fixture(scope="module")
def chips(samples: Path, files: Models) -> list[Pixels]:
    """What dlib takes for a face, and with a low threshold much that is none, cut from the sample photos."""
    detector, landmarks = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(files.five_point))
    cut: list[Pixels] = []
    for path in sorted([*samples.glob("known/*"), *samples.glob("photos/*")]):
        with Image.open(path) as photo:
            photo.thumbnail((1200, 1200))
            pixels = np.array(photo.convert("RGB"))
        boxes = detector.run(pixels, 1, -0.7)[0]
        cut += [dlib.get_face_chip(pixels, landmarks(pixels, box), 150, 0.25) for box in boxes]
    assert len(cut) >= 20
    return cut


def distances(resnet: Resnet, truth: dlib.face_recognition_model_v1, chips: list[Pixels]) -> list[float]:
    true = [np.array(truth.compute_face_descriptor(chip)) for chip in chips]
    return [float(np.linalg.norm(ours - its)) for ours, its in zip(resnet.encode(chips), true, strict=True)]


def test_faces_of_photos_are_encoded_as_by_dlib(
    resnet: Resnet, truth: dlib.face_recognition_model_v1, chips: list[Pixels]
) -> None:
    assert max(distances(resnet, truth, chips)) < NEAR
    assert {(each.shape, each.dtype) for each in resnet.encode(chips)} == {((128,), np.dtype(np.float64))}


def odd_chips(chips: list[Pixels]) -> Iterator[Pixels]:
    """Flat, saturated, noisy, striped, dark, glaring, inverted, upside down."""
    dice, shape = np.random.default_rng(3), (150, 150, 3)
    for colour in (0, 1, 127, 205, 255, (255, 0, 0), (0, 255, 255), (244, 38, 143)):
        yield np.full(shape, colour, np.uint8)
    for width in (1, 2, 7, 32):
        stripes = (np.arange(150) // width % 2 * 255).astype(np.uint8)
        yield np.broadcast_to(stripes[:, None, None], shape)
        yield np.broadcast_to(stripes[None, :, None], shape)
    for _ in range(4):
        yield dice.integers(0, 256, shape, np.uint8)
        yield dice.integers(0, 2, shape, np.uint8) * np.uint8(255)
    for chip in chips[:4]:
        yield chip // 16
        yield np.clip(chip.astype(np.float64) * 8 - 900, 0, 255).astype(np.uint8)
        yield 255 - chip
        yield chip[::-1]


def test_whatever_a_chip_shows_it_is_encoded_as_by_dlib(
    resnet: Resnet, truth: dlib.face_recognition_model_v1, chips: list[Pixels]
) -> None:
    odd = list(odd_chips(chips))
    true = [np.array(truth.compute_face_descriptor(np.ascontiguousarray(chip))) for chip in odd]
    assert max(np.linalg.norm(np.array(resnet.encode(odd)) - true, axis=1)) < NEAR


def test_nobody_gives_nothing(resnet: Resnet) -> None:
    assert resnet.encode([]) == []


def test_a_face_is_encoded_the_same_alone_and_among_others_in_their_order(resnet: Resnet, chips: list[Pixels]) -> None:
    many = chips[:19]
    alone = [resnet.encode([chip])[0] for chip in many]
    assert same(resnet.encode(many), alone)
    assert same(resnet.encode(many[::-1]), alone[::-1])


def same(some: list[Encoding], others: list[Encoding]) -> bool:
    return [each.tobytes() for each in some] == [each.tobytes() for each in others]


def test_encodings_are_the_callers_own(resnet: Resnet, chips: list[Pixels]) -> None:
    first = resnet.encode(chips[:2])
    before = [each.copy() for each in first]
    first[0][:] = 0
    assert same(resnet.encode(chips[2:4] + chips[:2])[2:], before)
    assert same(first[1:], before[1:])


@pytest.mark.parametrize(
    ("chip", "found"),
    [
        (np.zeros((160, 150, 3), np.uint8), r"\(160, 150, 3\) uint8"),
        (np.zeros((150, 150), np.uint8), r"\(150, 150\) uint8"),
        (np.zeros((150, 150, 3), np.float32), r"\(150, 150, 3\) float32"),
    ],
)
def test_another_picture_is_refused(resnet: Resnet, chip: np.ndarray, found: str) -> None:
    with pytest.raises(ValueError, match=rf"found a chip of {found}, need \(150, 150, 3\) uint8"):
        resnet.encode([chip])


def test_a_network_of_another_size_is_refused(network: Network) -> None:
    with pytest.raises(ValueError, match="does not take these weights"):
        Resnet(native_library.load(on_any_cpu=True), replace(network, output=network.output[:-1]))


def test_closed_it_encodes_no_more(network: Network, chips: list[Pixels]) -> None:
    resnet = Resnet(native_library.load(on_any_cpu=True), network)
    resnet.close()
    resnet.close()
    with pytest.raises(ValueError, match="this network was closed"):
        resnet.encode(chips[:1])


def test_it_gives_its_memory_back(network: Network, chips: list[Pixels]) -> None:
    before = resident_memory()
    for _ in range(10):
        Resnet(native_library.load(on_any_cpu=True), network).encode(chips[:7])
    assert resident_memory() - before < 60 << 20


def resident_memory() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


#: Asks for a network with more and more memory to be had, a megabyte at a time, until there is enough.
SHORT_OF_MEMORY = """
import ctypes, resource, sys
import numpy as np
from faces.photo.fast import native_library
make, made = native_library.load(on_any_cpu=True).resnet_make, ctypes.c_void_p()
numbers = np.zeros(int(sys.argv[1]), np.float32)
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
for spare in range(100):
    resource.setrlimit(resource.RLIMIT_AS, (size + (spare << 20), resource.RLIM_INFINITY))
    print(make(numbers.ctypes.data, numbers.size, ctypes.byref(made)))
    if made:
        break
"""


def test_memory_that_is_not_there_is_an_error_and_no_crash(network: Network) -> None:
    layers = [network.stem, *(layer for block in network.blocks for layer in (block.first, block.second))]
    count = sum(layer.weights.size + layer.bias.size for layer in layers) + network.means.size + network.output.size
    command = [sys.executable, "-c", SHORT_OF_MEMORY, str(count)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    codes = [int(word) for word in ended.stdout.split()]
    assert codes[-1] == Code.OK, ended.stderr
    assert set(codes[:-1]) == {Code.NO_MEMORY}
    assert len(codes) > 30


class Watcher:
    """A thread that counts how often it gets to run, every tenth of a millisecond at most.

    In the `with` block it gets the interpreter's lock only when the main thread lets go of it.
    """

    def __enter__(self) -> Watcher:
        self.runs = 0
        self._started, self._stop = threading.Event(), threading.Event()
        self._usual = sys.getswitchinterval()
        sys.setswitchinterval(1000)
        self._thread = threading.Thread(target=self._count)
        self._thread.start()
        self._started.wait()
        return self

    def _count(self) -> None:
        self._started.set()
        while not self._stop.wait(0.0001):
            self.runs += 1

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        sys.setswitchinterval(self._usual)


def test_other_threads_run_while_it_works_and_not_while_dlib_does(
    resnet: Resnet, truth: dlib.face_recognition_model_v1, chips: list[Pixels]
) -> None:
    with Watcher() as watcher:
        before = watcher.runs
        truth.compute_face_descriptor(chips[0])
        assert watcher.runs == before
        # Some runs for each chip: numpy, too, lets go for moments.
        for _ in range(100):
            before = watcher.runs
            resnet.encode(chips)
            if watcher.runs > before + 4 * len(chips):
                break
        else:
            pytest.fail("nobody else ran")


def test_two_of_them_work_in_two_threads_at_once(network: Network, resnet: Resnet, chips: list[Pixels]) -> None:
    true = resnet.encode(chips)
    results: list[list[Encoding]] = []

    def work(own: Resnet) -> None:
        results.extend(own.encode(chips) for _ in range(3))

    owned = [Resnet(native_library.load(on_any_cpu=True), network) for _ in range(2)]
    threads = [threading.Thread(target=work, args=[own]) for own in owned]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert all(same(result, true) for result in results)


#: Loads and uses the network as the API does: in a master with one thread, then in two processes forked from it.
MASTER = """
import os, sys
from pathlib import Path
import numpy as np
from faces.photo.fast import native_library, resnet_file
from faces.photo.fast.resnet import Resnet
resnet = Resnet(native_library.load(on_any_cpu=True), resnet_file.read(Path(sys.argv[1]).read_bytes()))
chips = list(np.random.default_rng(1).integers(0, 256, (10, 150, 150, 3), np.uint8))
true = np.array(resnet.encode(chips))
assert len(os.listdir("/proc/self/task")) == 1, "a thread is there at the fork"
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        same = all(np.array_equal(np.array(resnet.encode(chips)), true) for _ in range(3))
        os._exit(0 if same and len(os.listdir("/proc/self/task")) == 1 else 1)
    children.append(child)
assert np.array_equal(np.array(resnet.encode(chips)), true)
print(*(os.waitpid(child, 0)[1] for child in children))
"""


def test_made_before_a_fork_it_serves_every_process_with_one_thread(files: Models) -> None:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", MASTER, str(files.resnet)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "0"], done.stderr
