"""dlib's ResNet as it is read, and that nothing else is taken for it."""

from __future__ import annotations

import random
import re
import tracemalloc

import numpy as np
import pytest

from faces.photo import models
from faces.photo.fast.resnet_file import Network, read


@pytest.fixture(scope="module")
def content() -> bytes:
    return models.find().resnet.read_bytes()


@pytest.fixture(scope="module")
def heads(content: bytes) -> list[int]:
    """Where layers begin: between them lie weights, in which any bytes are numbers."""
    names = rb"loss_metric_2|input_rgb_image_sized|con_4|affine_|relu_|max_pool_2|avg_pool_2|add_prev_|fc_2"
    return [match.start() for match in re.finditer(names, content)]


def test_it_is_the_network_that_dlib_describes(content: bytes) -> None:
    network = read(content)
    assert network.means.tolist() == np.float32([122.782, 117.001, 104.298]).tolist()
    assert network.stem.weights.shape == (32, 3, 7, 7)
    assert network.stem.stride == 2
    assert network.stem.padding == 0
    widths = [len(block.second.bias) for block in network.blocks]
    assert widths == [32] * 3 + [64] * 4 + [128] * 3 + [256] * 4
    assert [at for at, block in enumerate(network.blocks) if block.first.stride == 2] == [3, 7, 10, 13]
    assert network.output.shape == (256, 128)
    assert {block.first.weights.dtype for block in network.blocks} == {np.dtype(np.float32)}


def test_a_file_cut_off_anywhere_is_refused(content: bytes, heads: list[int]) -> None:
    dice = random.Random(7)  # noqa: S311  the same cuts every time
    cuts = [0, 1, 40, len(content) - 1, *dice.sample(heads, 15), *(dice.randrange(len(content)) for _ in range(15))]
    for cut in cuts:
        with pytest.raises(ValueError, match=rf"^this is not dlib's face recognition ResNet: at byte \d+ of {cut}: "):
            read(content[:cut])


def test_bytes_behind_the_end_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="found 1 bytes more, need the end"):
        read(content + b"\0")


@pytest.mark.parametrize(
    "other",
    [b"", b"\x89PNG\r\n\x1a\n" + bytes(50), b"dlib", bytes(1000), b"\xff" * 1000],
    ids=["nothing", "a picture", "a word", "zeros", "ones"],
)
def test_other_files_are_refused(other: bytes) -> None:
    with pytest.raises(ValueError, match="this is not dlib's face recognition ResNet: at byte 0"):
        read(other)


def test_dlibs_model_of_landmarks_is_refused() -> None:
    with pytest.raises(ValueError, match="this is not dlib's face recognition ResNet"):
        read(models.find().five_point.read_bytes())


def test_another_network_of_dlibs_is_refused_by_what_differs(content: bytes) -> None:
    def changed(old: bytes, new: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    for old, new, sentence in (
        (b"\x0dloss_metric_2", b"\x14loss_multiclass_log_", "found 'loss_multiclass_log_', need 'loss_metric_2'"),
        (b"\x01\x96\x01\x96", b"\x01\x96\x01\x95", "found 149, need 150 for the picture's size"),
        (b"con_4", b"con_5", "found 'con_5', need 'con_4' for a convolution"),
        (b"max_pool_2\x01\x03", b"max_pool_2\x01\x02", "found 2, need 3 for a pooling layer's geometry"),
        (b"affine_", b"bn_con2", "found 'bn_con2', need 'affine_' for an affine layer"),
    ):
        with pytest.raises(ValueError, match=sentence):
            read(changed(old, new))


def test_weights_that_are_no_numbers_are_refused(content: bytes, heads: list[int]) -> None:
    convolution, affine = (next(head for head in heads if content[head:].startswith(name)) for name in (b"con", b"aff"))
    endless = bytearray(content)
    endless[convolution + 40 : convolution + 48] = b"\xff" * 8
    with pytest.raises(ValueError, match="weights that are no finite numbers"):
        read(bytes(endless))
    too_large = bytearray(content)
    for start in (convolution, affine):
        too_large[start + 40 : start + 80] = b"\x7f" * 40
    with pytest.raises(ValueError, match="weights that are no finite numbers"):
        read(bytes(too_large))


def test_garbled_files_are_read_or_refused_within_the_memory_that_the_good_one_takes(
    content: bytes, heads: list[int]
) -> None:
    dice = random.Random(8)  # noqa: S311  the same damage every time
    refused = 0
    tracemalloc.start()
    for _ in range(80):
        garbled = bytearray(content)
        for _ in range(dice.choice((1, 1, 4))):
            at = min(max(dice.choice(heads) + dice.randrange(-25, 45), 0), len(content) - 1)
            garbled[at] = dice.choice((0, 1, 8, 0x88, 0xFF, dice.randrange(256)))
        try:
            assert isinstance(read(bytes(garbled)), Network)
        except ValueError as error:
            refused += 1
            assert re.search(r"ResNet: at byte \d+ of \d+: found ", str(error))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused > 40
    # The good file twice, as bytes and garbled bytes, and its weights in single and for a moment double precision.
    assert most < 5 * len(content)
