"""run as a person starts it: messages in, rows out, and how it leaves."""

from __future__ import annotations

from collections.abc import Callable

from tests.servers.photo_app import NOTHING_LEFT, PhotoApp

Wait = Callable[..., None]


def test_a_queued_image_gets_its_faces_and_nothing_is_left_behind(
    app: PhotoApp, portrait: bytes, small_photo: bytes
) -> None:
    with_face, without = app.image(portrait), app.image(small_photo)
    app.push(with_face)
    app.push(without)
    _, err = app.worker().run("run", "--stop-when-empty")
    (face,) = app.rows.faces(with_face)
    assert (face["face_index"], face["status"], face["parent_id"]) == (0, "process", None)
    assert app.rows.faces(without) == []
    assert (
        app.rows.read("SELECT faces_checked, last_error FROM images") == [{"faces_checked": 1, "last_error": None}] * 2
    )
    assert (app.leftovers(), app.failed(), app.rabbitmq.depth(app.queue)) == (NOTHING_LEFT, [], 0)
    assert f"started (queue={app.queue}" in err
    assert "faces=1" in err
