"""What follows a job in the app's versions."""

from __future__ import annotations

from typing import Any

from tests.acceptance.steps import name_of, row_of, work
from tests.servers.app_schema import V1, V5
from tests.servers.photo_app import NOTHING_LEFT
from tests.stubs.api import StubApi
from tests.stubs.fixtures import NewStubApp

#: What an image has whose other jobs are done, so that only its faces are missing.
SEEN = {"metadata": "{}", "thumbnail_filename": "t.jpg"}


def test_the_first_versions_need_not_be_told(new_app: NewStubApp, api: StubApi) -> None:
    app = new_app(schema=V1)
    image = app.image(b"", **SEEN)
    app.push(image)
    work(app, 1)
    assert row_of(app, image)["faces_checked"] == 1


def test_event_b_deletes_the_jpeg_beside_a_webp(new_app: NewStubApp, api: StubApi) -> None:
    app = new_app(schema=V5)
    folder = app.disk / "2020"

    def webp(name: str, **values: Any) -> int:
        for ending in ("webp", "jpg"):
            (folder / f"{name}.{ending}").write_bytes(b"")
        return app.rows.image(filename=f"{name}.webp", **values)

    images = [webp("whole", **SEEN), webp("bare"), app.image(b"", **SEEN)]
    for image in [*images, images[0]]:
        app.push(image)
    work(app, 4, FACE_COMPLETION_EVENT="B")
    assert {file.name for file in folder.iterdir()} == {"whole.webp", "bare.webp", "bare.jpg", name_of(app, images[2])}
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT
