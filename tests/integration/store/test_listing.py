"""What is listed: images and faces, but none of a photo that is gone."""

from __future__ import annotations

import pytest

from faces.errors import SchemaError
from faces.people.kept_face import FaceState
from faces.store.database import Store
from faces.store.listing import list_faces, list_images, read_faces
from faces.store.sidecar.lists.group_pages import GroupChoice, list_groups
from faces.store.sidecar.lists.people_pages import PeopleChoice, list_people
from tests.servers.library_rows import LibraryRows
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


def test_a_face_is_listed_with_its_group_and_with_who_is_offered(
    library_store: Store, library: LibraryRows, rows: Rows
) -> None:
    ada, group, image = library.person("Ada  King"), library.group(2), rows.image()
    offered, linked, new = (rows.face(image, PEOPLE[0], face_index=number) for number in range(3))
    library.indexed(offered, image, FaceState.SUGGESTED, person_id=ada, group_id=group, probability=0.87)
    library.indexed(linked, image, FaceState.LINKED, person_id=ada)
    with library_store.reading() as transaction:
        listed = {face.id: face for face in list_faces(transaction)}
    of_the_tables = [
        (face.state, face.person_id, face.group_id, face.probability, face.offered) for face in listed.values()
    ]
    assert of_the_tables == [
        (FaceState.SUGGESTED, ada, group, 0.87, "Ada King"),
        (FaceState.LINKED, ada, None, None, None),
        (None, None, None, None, None),
    ]
    assert str(listed[offered].offer) == "Ada King? 87 %"
    assert listed[linked].offer is None
    assert listed[new].offer is None


def test_a_face_that_was_deleted_meanwhile_is_left_out(rows: Rows, store: Store) -> None:
    image = rows.image()
    kept, deleted = rows.face(image), rows.face(image, face_index=1, deleted_at="2026-01-01 00:00:00")
    with store.reading() as transaction:
        assert [face.id for face, _ in read_faces(transaction, [deleted, kept])] == [kept]


@pytest.mark.parametrize("url", ["mariadb v1"], indirect=True)
def test_where_there_are_no_tables_the_command_that_makes_them_is_named(store: Store) -> None:
    with store.reading() as transaction:
        with pytest.raises(SchemaError, match="needed those that `worker tables --create` makes"):
            list_people(transaction, PeopleChoice())
        with pytest.raises(SchemaError, match="needed those that `worker tables --create` makes"):
            list_groups(transaction, GroupChoice())
