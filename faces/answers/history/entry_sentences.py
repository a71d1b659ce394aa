"""What an entry of the ledger did, as a sentence; people by the names that they have today. Pure: reads nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from faces.people.refs import Ref
from faces.store.sidecar.ledger import FaceChange, Fields
from faces.store.sidecar.lists.ledger_pages import ListedEntry

#: Ids and names that a sentence has: more are told as a number.
_MOST = 3


@dataclass(frozen=True, slots=True)
class NameToday:
    """What a person is called now."""

    name: str | None
    joined_to: int | None = None


People = Mapping[int, NameToday]
"""By id; who is not in it is told by the id alone."""


def people_in(entry: ListedEntry) -> set[int]:
    """Whose names its sentence needs."""
    fields = [side for change in entry.examples.values() for side in (change.before, change.after)]
    found = {side.get(name) for side in fields for name in ("who", "said_person")}
    for ref, change in entry.refs.items():
        found |= {side.id for side in _sides(ref) if side.kind == "person"}
        found |= {change.after.get("person_id")} | ({change.after.get("joined_to")} if ref[0] == "p" else set())
    return {person for person in found if person is not None}


def sentence(entry: ListedEntry, people: People) -> str:
    """What it did, without a full stop: named 12 faces Ann (p3)."""
    if entry.entry.undoes is not None:
        return f"undid {entry.entry.undoes}"
    words = _Words(entry, people)
    say = _KINDS.get(entry.entry.kind)
    return (say and say(words)) or words.marks() or words.anything()


def person_words(person: int, people: People) -> str:
    """Ann (p3); p3 where there is no name."""
    today = people.get(person, NameToday(None))
    ref = str(Ref("person", person))
    inside = ref if today.joined_to is None else f"{ref}, now {Ref('person', today.joined_to)}"
    return f"{today.name} ({inside})" if today.name else inside


@dataclass(frozen=True, slots=True)
class _Words:
    """An entry, and the parts of a sentence about it; None where the entry has nothing for one."""

    entry: ListedEntry
    people: People

    # --- what it is about ---

    @property
    def number(self) -> int:
        return self.entry.said or self.entry.faces

    @property
    def faces(self) -> str:
        """f7; or f7 and f8; or 12 faces."""
        if not self.number or self.number > _MOST:
            return _counted(self.number, "face")
        return _listed(str(Ref("face", face)) for face in self.entry.examples)

    @property
    def are(self) -> str:
        return "is" if self.number == 1 else "are"

    @property
    def before(self) -> str:
        """Whose they were."""
        return self._persons(change.before.get("who") for change in self.entry.examples.values())

    @property
    def after(self) -> str:
        """Whose they became; of a machine's entries whom the entry tells of."""
        found = self._persons(change.after.get("who") for change in self.entry.examples.values())
        sides = [_sides(ref) for ref in self.entry.refs]
        return found or self._persons(of[0].id for of in sides if len(of) == 1 and of[0].kind == "person")

    @property
    def refused(self) -> list[tuple[Ref, ...]]:
        """Pairs that do not belong together from this entry on."""
        return [_sides(ref) for ref, change in self.entry.refs.items() if change.after.get("never")]

    def person(self, person: int) -> str:
        """By today's name; who has none today by the quoted one that this entry gave or took away, where it did."""
        ref = str(Ref("person", person))
        today, change = self.people.get(person), self.entry.refs.get(ref)
        if change is not None and (today is None or today.name is None):
            then = change.after.get("name") or change.before.get("name")
            return f'"{then}" ({ref})' if then else ref
        return person_words(person, self.people)

    def _persons(self, ids: Iterable[int | None]) -> str:
        found = dict.fromkeys(one for one in ids if one is not None)
        if len(found) > _MOST:
            return _counted(len(found), "people", "people")
        return _listed(self.person(one) for one in found)

    def ref(self, ref: Ref) -> str:
        return self.person(ref.id) if ref.kind == "person" else str(ref)

    # --- sentences ---

    def named(self) -> str | None:
        return self.after and f"named {self._faces_or_groups()} {self.after}"

    def moved(self) -> str | None:
        source = f" from {self.before}" if self.before else ""
        return self.after and f"moved {self._faces_or_groups()}{source} to {self.after}"

    def confirmed(self) -> str | None:
        return self.after and f"confirmed {self.faces} as {self.after}"

    def linked(self) -> str:
        one = self.entry.entry
        whom = self.after or _listed(f"f{change.after['parent_id']}" for change in self._linked_to_faces())
        sure = "" if one.p is None else f", p {min(one.p, 0.99):.2f}"
        far = f", distance {one.distance:.3f}" if one.p is None and one.distance is not None else ""
        return f"linked {self.faces}{f' to {whom}' if whom else ''}{sure}{far}"

    def unlinked(self) -> str:
        return f"took {self.faces} back to unknown"

    def rejected(self) -> str | None:
        people = self._persons(side.id for pair in self.refused for side in pair if side.kind == "person")
        others = [str(side) for pair in self.refused for side in pair if side.kind != "person"]
        if not people or not others:
            return None
        if self.entry.refusals > _MOST:
            return f"said that {_counted(self.entry.refusals, 'face or group', 'faces or groups')} are not {people}"
        return f"said that {_listed(dict.fromkeys(others))} {'is' if len(set(others)) == 1 else 'are'} not {people}"

    def apart(self) -> str | None:
        pairs = [_listed(self.ref(side) for side in pair) for pair in self.refused[:1]]
        return f"said that {pairs[0]} are not one" if pairs else None

    def stranger(self) -> str:
        return f"said that {self.faces} {self.are} {'a stranger' if self.number == 1 else 'strangers'}"

    def not_face(self) -> str:
        return f"said that {self.faces} {self.are} no {'face' if self.number == 1 else 'faces'}"

    def unknown(self) -> str:
        return (
            f"took {self.faces} out of {self.before}" if self.before else f"said that {self.faces} {self.are} unknown"
        )

    def joined(self) -> str | None:
        people = [
            f"{self.ref(side)} to {self.ref(Ref(side.kind, change.after['joined_to']))}"
            for ref, change in self.entry.refs.items()
            for side in _sides(ref)
            if change.after.get("joined_to") is not None
        ]
        joined = _listed(people) if people else self._groups(" to ")
        return joined and f"joined {joined}"

    def split(self) -> str | None:
        whole = self.before or self._groups(" into ")
        return whole and f"split {self.faces} off {whole}"

    def renamed(self) -> str | None:
        found = self._mark("name")
        if found is None:
            return None
        person, change = found
        return f"renamed {self.person(person)} from {_quoted(change.before)} to {_quoted(change.after)}"

    def added(self) -> str:
        return f"added {self.faces}{f' as {self.after}' if self.after else ''}"

    def imported(self) -> str:
        whom = f": {self.after}" if self.after else ""
        return f"took what a gold set says of {self.faces}{whom}"

    def forgot(self) -> str | None:
        whom = self.before or self.after
        return whom and f"forgot {whom}{f', {self.faces}' if self.number else ''}"

    def marks(self) -> str | None:
        """What became of a person's marks, whatever the entry is called."""
        for name in ("name", "joined_to", "hidden", "favourite", "cover"):
            if (found := self._mark(name)) is not None:
                return self._mark_sentence(name, *found)
        return None

    def anything(self) -> str:
        """Of a kind that nothing above knows."""
        refs = [self.ref(_sides(ref)[0]) for ref in self.entry.refs if " " not in ref][:_MOST]
        about = [self.faces] if self.number else []
        return f"{self.entry.entry.kind}: {', '.join([*about, *refs]) or 'nothing'}"

    # --- ---

    def _mark_sentence(self, name: str, person: int, change: FaceChange) -> str | None:
        who, value = self.person(person), change.after[name]
        if name == "name":
            return self.renamed()
        if name == "joined_to":
            return f"took {who} apart again" if value is None else f"joined {who} to {self.person(value)}"
        if name == "hidden":
            return f"hid {who}" if value else f"showed {who} again"
        if name == "favourite":
            return f"made {who} a favourite" if value else f"took the favourite's mark from {who}"
        return f"took the cover from {who}" if value is None else f"made f{value} the cover of {who}"

    def _mark(self, name: str) -> tuple[int, FaceChange] | None:
        for ref, change in self.entry.refs.items():
            side = _sides(ref)[0]
            if side.kind == "person" and name in change.after and name in change.before:
                return side.id, change
        return None

    def _faces_or_groups(self) -> str:
        if self.number:
            return self.faces
        return _listed(ref for ref, change in self.entry.refs.items() if "person_id" in change.after) or self.faces

    def _groups(self, between: str) -> str:
        """From which group to which faces came."""
        pairs = dict.fromkeys(
            (change.before.get("group_id"), change.after.get("group_id")) for change in self.entry.examples.values()
        )
        return _listed(f"g{was}{between}g{now}" for was, now in pairs if was is not None and now is not None)

    def _linked_to_faces(self) -> Collection[FaceChange]:
        found = {change.after.get("parent_id"): change for change in self.entry.examples.values()}
        return [change for parent, change in found.items() if parent is not None]


_KINDS: dict[str, Callable[[_Words], str | None]] = {
    "named": _Words.named,
    "enrolled": _Words.named,
    "moved": _Words.moved,
    "confirmed": _Words.confirmed,
    "linked": _Words.linked,
    "unlinked": _Words.unlinked,
    "merged": _Words.joined,
    "joined": _Words.joined,
    "rejected": _Words.rejected,
    "apart": _Words.apart,
    "stranger": _Words.stranger,
    "not_face": _Words.not_face,
    "unknown": _Words.unknown,
    "split": _Words.split,
    "renamed": _Words.renamed,
    "added": _Words.added,
    "forgotten": _Words.forgot,
    "imported": _Words.imported,
}


def _sides(ref: str) -> tuple[Ref, ...]:
    return tuple(Ref.parse(side) for side in ref.split(" "))


def _quoted(fields: Fields) -> str:
    return f'"{fields["name"]}"' if fields["name"] else "no name"


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def _listed(words: Iterable[str]) -> str:
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last
