"""Random networks and chips, encoded together and one by one; as a program, for a process of its own.

python -m tests.fuzz.encodings LIBRARY SEED COUNT
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from faces.photo import models
from faces.photo.fast import resnet_file
from faces.photo.fast.native_library import NativeLibrary, load
from faces.photo.fast.resnet import Resnet
from faces.photo.fast.resnet_file import Block, Convolution, Network, Weights

#: More than two runs of the library's loop over faces.
MOST_FACES = 14


def different(library: NativeLibrary, seed: int, count: int) -> list[str]:
    """Those of `count` networks that encode a face otherwise beside others than alone, or to no finite numbers."""
    random = np.random.default_rng(seed)
    real = resnet_file.read(models.find().resnet.read_bytes())
    return [f"network {at}" for at in range(count) if not _is_steady(Resnet(library, _like(real, random)), random)]


def _is_steady(resnet: Resnet, random: np.random.Generator) -> bool:
    chips = list(random.integers(0, 256, (int(random.integers(1, MOST_FACES + 1)), 150, 150, 3), np.uint8))
    together, alone = np.array(resnet.encode(chips)), np.array([resnet.encode([chip])[0] for chip in chips])
    return bool(np.isfinite(together).all() and np.array_equal(together, alone))


def _like(real: Network, random: np.random.Generator) -> Network:
    def weights(shape: tuple[int, ...]) -> Weights:
        return random.standard_normal(shape, np.float32) / np.float32(np.sqrt(np.prod(shape[1:])))

    def layer(convolution: Convolution) -> Convolution:
        return replace(convolution, weights=weights(convolution.weights.shape), bias=weights(convolution.bias.shape))

    blocks = tuple(Block(layer(block.first), layer(block.second)) for block in real.blocks)
    return replace(real, stem=layer(real.stem), blocks=blocks, output=weights(real.output.shape))


if __name__ == "__main__":
    wrong = different(load(Path(sys.argv[1]), on_any_cpu=True), int(sys.argv[2]), int(sys.argv[3]))
    sys.exit("\n".join(wrong) if wrong else 0)
