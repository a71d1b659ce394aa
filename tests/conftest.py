"""What all tests share: the sample photos that script/samples takes out of pinned packages."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample photos: `known/<Person>.jpg` and `photos/*`; docs/samples.md says what they show."""
    folder = ROOT / ".cache/samples"
    assert (folder / ".done").exists(), "the sample photos are missing: run script/samples (script/test does it)"
    return folder
