"""What is listed: images and faces, but none of a photo that is gone."""

from __future__ import annotations

from faces.store.database import Store
from faces.store.listing import list_faces, list_images
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows


def test_an_image_whose_photo_is_gone_is_not_listed_and_its_faces_are_not(rows: Rows, store: Store) -> None:
    images = [rows.image(filename=name) for name in ("here.jpg", "gone.jpg")]
    for image in images:
        rows.face(image, PEOPLE[0])
    if store.schema.ours:
        mark = "INSERT INTO scan_marks (image_id, size, modified_ns, sha256, gone_at) VALUES (:id, 1, 1, x'00', :gone)"
        for image, gone in zip(images, (None, "2026-01-01 00:00:00"), strict=True):
            rows.run(mark, id=image, gone=gone)
    with store.reading() as transaction:
        listed = [image.filename for image in list_images(transaction)]
        faces = [face.image_id for face in list_faces(transaction)]
    assert listed == (["here.jpg"] if store.schema.ours else ["gone.jpg", "here.jpg"])
    assert faces == images[: len(listed)]
