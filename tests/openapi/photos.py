"""What schemathesis sends as a photo: pictures that are read, and bytes that are none. `schemathesis.toml` names it."""

from __future__ import annotations

import io
from pathlib import Path

import schemathesis
from hypothesis import strategies
from PIL import Image

from tests.pictures.drawn import corners, file_of, noise

SAMPLES = Path(__file__).resolve().parents[2] / ".cache/samples"


def portrait() -> bytes:
    """A small photo with one face."""
    file = io.BytesIO()
    with Image.open(min((SAMPLES / "known").iterdir())) as picture:
        small = picture.convert("RGB")
    small.thumbnail((220, 220))
    small.save(file, "JPEG")
    return file.getvalue()


READ = [portrait(), *(file_of(noise(), kind) for kind in ("PNG", "WEBP", "TIFF")), file_of(corners(), "GIF")]

schemathesis.openapi.format("binary", strategies.sampled_from(READ) | strategies.binary(min_size=1, max_size=200))


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Leave out good requests with `boxes`: which ones lie inside a photo no document can say."""
    is_good = case.meta is None or case.meta.generation.mode.is_positive
    return not (is_good and isinstance(case.body, dict) and "boxes" in case.body)
