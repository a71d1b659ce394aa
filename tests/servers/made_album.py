"""Photos of made people who appear again and again: one to three of them on each, some named before."""

from __future__ import annotations

import json

import numpy as np

from tests.servers.rows import Rows
from tests.unit.faces.people.made_people import made_people, photos_of


def made_album(photos: int, people: int, seed: int = 0, apart: float = 0.4) -> list[np.ndarray]:
    """The faces of each photo, shape (1 to 3, 128); nobody is twice on one. One person's are so far apart."""
    dice = np.random.default_rng(seed)
    points = made_people(people, seed)
    who = [dice.permutation(people)[: dice.integers(1, min(people, 3) + 1)] for _ in range(photos)]
    return [points[each] + dice.normal(0, apart / 16, (len(each), 128)) for each in who]


def name_people(rows: Rows, people: int, named: int, seed: int = 0) -> list[int]:
    """The first so many of an album's people get a photo with their name; returns its images."""
    masters = [
        rows.master(photos_of(person, 1, seed + 1000 + number)[0], name=f"Person {number}")
        for number, person in enumerate(made_people(people, seed)[:named])
    ]
    return [rows.one("SELECT image_id FROM faces WHERE id = :id", id=face)["image_id"] for face in masters]


def enrol_people(rows: Rows, people: int, named: int, seed: int = 0) -> list[int]:
    """As `name_people`, where the app has persons: each with a confirmed face, and the next one with a middle only."""
    made = made_people(people, seed)
    images = []
    for number, person in enumerate(made[: named + 1]):
        (first,) = photos_of(person, 1, seed + 1000 + number)
        app_person = rows.run(
            "INSERT INTO persons (name, centroid_embedding, embeddings_count) VALUES (:name, :middle, 1)",
            name=f"Person {number}",
            middle=json.dumps(first.tolist()),
        )
        if number < named:
            images.append(rows.image(filename="master.jpg", faces_checked=1))
            rows.face(images[-1], first, status="ok", person_id=app_person)
    return images


def forbid_writing_persons(rows: Rows) -> None:
    """From now on the app's persons can be read only: any statement that touches a row of them fails."""
    for doing in ("INSERT", "UPDATE", "DELETE"):
        rows.run(
            f"CREATE TRIGGER persons_before_{doing.lower()} BEFORE {doing} ON persons FOR EACH ROW "
            "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the table persons is the app''s, and only read'"
        )
