"""The tables of what was answered and by whom: the ledger, the last answers, what never belongs together. Facts."""

from __future__ import annotations

import sqlalchemy as sa

from faces.store.sidecar.table_making import ASCII, ID, JSON, NAME, TEXT, TIME, TableMaker


def ledger(make: TableMaker) -> sa.Table:
    """What was linked and answered: when, by whom, by which rule."""
    return make.table(
        "ledger",
        sa.Column("id", ID, primary_key=True),
        sa.Column("uuid", ASCII, nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", ASCII, nullable=False),
        sa.Column("undoes", ID),
        sa.Column("p", sa.Double),
        sa.Column("t", sa.Double),
        sa.Column("distance", sa.Double),
        sa.Column("rule", TEXT),
        make.index("ledger_uuid", "uuid", unique=True),
        make.index("ledger_at", "at", "id"),
        make.index("ledger_undoes", "undoes"),
    )


def ledger_faces(make: TableMaker) -> sa.Table:
    """The faces of an entry, with what was before and after."""
    return make.table(
        "ledger_faces",
        sa.Column("entry", ID, primary_key=True, autoincrement=False),
        sa.Column("face_id", ID, primary_key=True, autoincrement=False),
        sa.Column("before", JSON, nullable=False),
        sa.Column("after", JSON, nullable=False),
        make.index("ledger_faces_face", "face_id", "entry"),
        numbered=False,
    )


def ledger_refs(make: TableMaker) -> sa.Table:
    """What an entry changed of people, groups and refusals: p4, g3, or the two sides of a refusal, "f12 p4"."""
    return make.table(
        "ledger_refs",
        sa.Column("entry", ID, primary_key=True, autoincrement=False),
        sa.Column("ref", ASCII, primary_key=True),
        sa.Column("before", JSON, nullable=False),
        sa.Column("after", JSON, nullable=False),
        make.index("ledger_refs_ref", "ref", "entry"),
        numbered=False,
    )


def answers(make: TableMaker) -> sa.Table:
    """What a person has said of a face to us last, where its row has no room for it.

    And by which entry, so that an undo sees whether anything was said since.
    """
    return make.table(
        "answers",
        sa.Column("face_id", ID, primary_key=True, autoincrement=False),
        sa.Column("entry", ID, nullable=False),
        sa.Column("says", sa.SmallInteger, nullable=False),
        # Who it is, where that was said.
        sa.Column("person_id", ID),
        make.index("answers_person", "person_id"),
        make.index("answers_entry", "entry"),
        numbered=False,
    )


def never(make: TableMaker) -> sa.Table:
    """What never belongs together: f12, g3 or p4 each, `a` the lesser text. Kept for ever."""
    return make.table(
        "never",
        sa.Column("a", ASCII, primary_key=True),
        sa.Column("b", ASCII, primary_key=True),
        make.index("never_b", "b", "a"),
        numbered=False,
    )
