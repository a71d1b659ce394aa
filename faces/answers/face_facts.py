"""What of a face is a fact that answers change, before and after: as the ledger keeps it, and an undo compares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from faces.people import names
from faces.people.kept_face import FaceState, KeptFace, RowRule, Said, SaidOfFace

#: The entry that is being written has no number yet.
THIS_ENTRY = 0

#: What a record has where the row had another name than its person: the app's click names all that hang on a face.
OTHER_NAME = "other_name"

#: The columns of a row that answers write.
COLUMNS = ("status", "name", "parent_id", "person_id", "deleted")


@dataclass(frozen=True, slots=True)
class FaceFacts:
    """A face as its row, our answers and its group have it, and who that is."""

    status: str
    name: str | None
    parent_id: int | None
    person_id: int | None
    """The app's, as the row has it."""
    deleted: bool
    answer: SaidOfFace | None
    group_id: int | None
    who: int | None
    """Of our people: who it is, where it is linked, confirmed or suggested by the row. Derived."""

    @classmethod
    def of(cls, row: KeptFace, group_id: int | None, who: int | None) -> FaceFacts:
        """Of a row, the group that the face is in, and who it is."""
        of_row = (row.status, row.name, row.parent_id, row.person_id, row.deleted)
        return cls(*of_row, answer=row.answer, group_id=group_id, who=who)

    @property
    def said(self) -> Said | None:
        """What was said of it last."""
        return self.answer.said if self.answer else None

    def columns(self) -> dict[str, Any]:
        """Of the row."""
        return {name: getattr(self, name) for name in COLUMNS}

    def of_row(self, row: KeptFace) -> KeptFace:
        """The row as it is with these; made as `replace` makes it, in a tenth of the time: there are thousands."""
        return KeptFace(
            row.id,
            row.face_index,
            row.encoding,
            self.status,
            self.name,
            self.parent_id,
            self.person_id,
            row.is_reference,
            row.is_parent,
            self.deleted,
            row.quality_score,
            row.quality_details,
            row.box,
            self.answer,
        )

    def state(self, row: KeptFace, rule: RowRule) -> FaceState:
        """What the row says with these, offers of ours apart."""
        return rule.state(self.of_row(row))

    def numbered(self, entry: int) -> FaceFacts:
        """The same, where it was said in this entry."""
        if self.answer is None or self.answer.entry != THIS_ENTRY:
            return self
        return replace(self, answer=replace(self.answer, entry=entry))

    def record(self, name_of_who: str | None) -> dict[str, Any]:
        """As the ledger keeps it; by the name of the person it is known whether the row has another one."""
        answer = self.answer
        has_another = (
            self.name and name_of_who and self.name != name_of_who and names.key(self.name) != names.key(name_of_who)
        )
        return {
            **self.columns(),
            "group_id": self.group_id,
            "who": self.who,
            "says": int(answer.said) if answer else None,
            "said_in": answer.entry if answer else None,
            "said_person": answer.person_id if answer else None,
            **({OTHER_NAME: True} if has_another else {}),
        }

    def with_record(self, record: Mapping[str, Any]) -> FaceFacts:
        """These with what a record of the ledger has of them; one of a machine's has a few only."""
        known = {name: record[name] for name in (*COLUMNS, "group_id", "who") if name in record}
        if "says" in record:
            said = record["says"]
            known["answer"] = None if said is None else SaidOfFace(Said(said), record["said_in"], record["said_person"])
        return replace(self, **known)


def said(said: Said, person_id: int | None = None) -> SaidOfFace:
    """What the entry that is being written says of a face."""
    return SaidOfFace(said, THIS_ENTRY, person_id)
