"""Stands for the face API at the client's seam: answers with what a test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import numpy as np


def _nothing() -> None:
    pass


@dataclass
class FakeApi:
    """Stands for the API at the client's seam: answers with what a test says."""

    found: list[np.ndarray] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    answer: httpx2.Response | None = None
    before: Callable[[], None] = _nothing
    requests: list[bytes] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request.read())
        self.before()
        if self.answer:
            return self.answer
        quality = {"total": 61.5, "details": {"size": 7.0, "sharpness": 20.5, "brightness": 18.0, "contrast": 16.0}}
        box = {"top": 0.25, "right": 0.5, "bottom": 0.75, "left": 0.0}
        reply = {
            "encodings": [one.tolist() for one in self.found],
            "debug_image_path": "/photos/2020/debug/debug_a.jpg",
            "qualities": [quality for _ in self.found],
            "faces": [{"box_ratios": box} for _ in self.found],
            "image": {"width": 640, "height": 480},
            "seconds": {"total": 0.5},
        }
        return httpx2.Response(200, json=reply | self.more)
