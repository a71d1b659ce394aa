"""Do jobs of the rule FACE_MATCH=nearest beside an app without our tables, and print the CPU seconds of each.

Run with the checkout to be measured first in PYTHONPATH: it uses nothing that is newer than `worker.jobs.faces.Tools`.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import httpx2
import numpy as np
import sqlalchemy as sa

from faces.client.face_client import FaceClient
from faces.laravel.disks import Disks
from faces.people.linking import Linking
from faces.store.database import Store
from faces.store.who import identities_of
from worker.jobs.faces import Tools, process_image

#: Jobs before the measured ones.
_WARM_UP = 20

_QUALITY = {"total": 61.5, "details": {"size": 7.0, "sharpness": 20.5, "brightness": 18.0, "contrast": 16.0}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("disk", type=Path)
    parser.add_argument("--jobs", type=int, default=150)
    told = parser.parse_args()
    store = Store.open(told.url)
    dice = np.random.default_rng(1)

    def answer(request: httpx2.Request) -> httpx2.Response:
        request.read()
        box = {"top": 0.25, "right": 0.5, "bottom": 0.75, "left": 0.0}
        found = dice.normal(scale=0.12, size=(3, 128)).tolist()
        reply = {"encodings": found, "qualities": [_QUALITY] * 3, "faces": [{"box_ratios": box}] * 3}
        reply |= {
            "debug_image_path": "/photos/debug/debug_a.jpg",
            "image": {"width": 640, "height": 480},
            "seconds": {"total": 0.5},
        }
        return httpx2.Response(200, json=reply)

    with httpx2.Client(transport=httpx2.MockTransport(answer), base_url="http://api") as http:
        tools = Tools(
            store,
            FaceClient(http),
            Disks.of({"photos": told.disk}),
            Linking(0.6),
            identities_of(store.schema),
            debug_pictures=False,
        )
        engine = sa.create_engine(told.url)
        with engine.begin() as connection:
            values = [{"id": 1_000_000 + number} for number in range(_WARM_UP + told.jobs)]
            connection.execute(
                sa.text("INSERT INTO images (id, disk, path, filename) VALUES (:id, 'photos', '', 'a.jpg')"), values
            )
        costs = []
        for row in values:
            start = time.process_time()
            process_image(tools, row["id"])
            costs.append(time.process_time() - start)
    store.close()
    print(json.dumps(costs[_WARM_UP:]))  # noqa: T201  the answer


if __name__ == "__main__":
    main()
