"""How far an owner gets by naming groups, the largest first; after each answer what is sure enough is linked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.calibration import Learned
from faces.people.cohort import Cohort
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.identify import Identification, decide, identify
from faces.people.learning import learn
from faces.people.refs import Ref
from faces.photo.face import ENCODING_LENGTH
from script.benches.people_groups import drawn_photos, largest_people
from script.cohorts.growth import GrownLibrary
from script.cohorts.people_file import Faces

#: After so many answers it is counted what has a name.
ANSWERS = (25, 50, 100, 250)

#: What is counted, percent: of all faces, the same if each person were one group, the first of the second, of names.
FIGURES = ("rightly named", "named with perfect groups", "share of perfect groups", "wrong of named")

#: Faces of one person in such a library, at most.
_MOST = 200


@dataclass(frozen=True, slots=True)
class Family:
    """A library of few people with very many photos among many others."""

    name: str
    large: int
    """People with the most photos of all."""
    several: int
    """People of the others, who have two photos or more."""
    single: int
    """People with one photo."""

    def draw(self, faces: Faces, dice: np.random.Generator) -> npt.NDArray[np.intp]:
        """The rows of its faces, in the order in which they arrive; fewer people where there are not so many."""
        rows_of = {person: dice.permutation(rows)[:_MOST] for person, rows in faces.rows_of().items()}
        large = largest_people(faces, self.large)
        others = np.setdiff1d(faces.people, large).tolist()
        several = dice.permutation([one for one in others if len(rows_of[one]) > 1])[: self.several]
        single = dice.permutation([one for one in others if len(rows_of[one]) == 1])[: self.single]
        everybody = [*large, *several.tolist(), *single.tolist()]
        return dice.permutation(np.concatenate([rows_of[one] for one in everybody]))


FAMILIES = (Family("family", 45, 160, 450), Family("close family", 30, 60, 150))


@dataclass(slots=True, eq=False)
class Unnamed:
    """A group that waits for a name."""

    id: int
    total: EncodingSum
    rows: npt.NDArray[np.intp]
    """Its faces by the order of their arrival."""
    photos: frozenset[int]
    owner_says: int
    """Whose most of its faces are."""
    found: Identification | None = None
    """Who it is likeliest, as it was asked last."""


class AskedLibrary:
    """A grouped library whose owner is asked about one group after the other, and knows everybody.

    A group is named as a whole, after whose most of its faces are. An answer confirms all its faces; what is linked by
    itself is in nobody's middle. No photo arrives meanwhile, so the groups stay what they are.
    """

    def __init__(
        self,
        cohort: Cohort,
        encodings: npt.NDArray[np.float32],
        person: npt.NDArray[np.int64],
        photos: npt.NDArray[np.intp],
    ) -> None:
        """Group the faces, without any name yet.

        Args:
            cohort: the shipped averages.
            encodings: in the order of arrival, shape (n, 128).
            person: whose each face is, shape (n,).
            photos: which photo each is in, shape (n,).
        """
        self._encodings, self._person, self._photos = encodings, person, photos
        grown = GrownLibrary(cohort, encodings, photos)
        self._members, self._groups = grown.members, grown.groups
        self._people = EnrolledPeople(grown.neighbourhood)
        self._confirmed: dict[int, EncodingSum] = {}
        self._first_face: dict[int, int] = {}
        self._photos_of: defaultdict[int, set[int]] = defaultdict(set)
        self.learned = Learned()
        self.name_of = np.full(len(person), -1, np.int64)
        """Each face's name; -1 where it has none."""
        waiting = [self._unnamed(group, faces) for group, faces in self._members.groups().items()]
        self.waiting = sorted(waiting, key=lambda group: (-group.total.count, group.id))
        """In the order in which they are asked about."""

    @property
    def right(self) -> int:
        """Faces that have their person's name."""
        return int((self.name_of == self._person).sum())

    @property
    def wrong(self) -> int:
        """Faces that have another one's."""
        return int((self.name_of >= 0).sum()) - self.right

    def answer(self) -> None:
        """Ask one question about the largest group without a name, and take the answer in.

        From p 0.2 on: is this that person? A no is an answer, too, and the group is asked about again, of that person
        no more. Below: who is this?
        """
        group = self.waiting[0]
        if group.found and decide(group.found) != "silent" and group.found.person_id != group.owner_says:
            self._members.refusals.add(Ref("group", group.id), Ref("person", group.found.person_id))
            self._ask([group])
            return
        self._confirm(group)
        if self.learned.is_due(len(self._people)):
            self._learn()
        self._ask(self.waiting)
        self._link()

    def _unnamed(self, group: int, faces: Sequence[int]) -> Unnamed:
        rows = np.array(faces, np.intp)
        people, counts = np.unique(self._person[rows], return_counts=True)
        photos = frozenset(self._photos[rows].tolist())
        return Unnamed(group, EncodingSum.of(self._encodings[rows]), rows, photos, int(people[counts.argmax()]))

    def _confirm(self, group: Unnamed) -> None:
        person = group.owner_says
        self._name(group, person)
        self._first_face.setdefault(person, int(group.rows[0]))
        before = self._confirmed.get(person)
        self._confirmed[person] = before + group.total if before else group.total
        self._people.put(person, self._confirmed[person])

    def _link(self) -> None:
        """The likeliest first: with it the person is in its photos, and another group with a face there is offered."""
        answered = [(group, group.found) for group in self.waiting if group.found]
        for group, found in sorted(answered, key=lambda one: (-one[1].probability, one[0].id)):
            in_photo = not group.photos.isdisjoint(self._photos_of[found.person_id])
            if decide(found, in_photo=in_photo) == "link":
                self._name(group, found.person_id)

    def _name(self, group: Unnamed, person: int) -> None:
        self.name_of[group.rows] = person
        self._photos_of[person] |= group.photos
        self._members.name(group.id, person)
        self._groups.take_anew(group.id)
        self.waiting.remove(group)

    def _learn(self) -> None:
        """The neighbourhood without the groups that have a name by now, the shift and the share of strangers."""
        self._people.use(self._groups.neighbourhood())
        self._people.renew(len(self._people))
        first = self._encodings[[self._first_face[person] for person in self._people.ids.tolist()]]
        middles, sizes = _asked(self.waiting)
        self.learned = learn(self._people, first.astype(np.float64), middles, sizes)

    def _ask(self, groups: Sequence[Unnamed]) -> None:
        if not groups:
            return
        middles, sizes = _asked(groups)
        refused = [{ref.id for ref in self._members.refusals.of(Ref("group", group.id))} for group in groups]
        found = identify(middles, self._people, self.learned, sizes, refused)
        for group, one in zip(groups, found, strict=True):
            group.found = one


def _asked(groups: Sequence[Unnamed]) -> tuple[npt.NDArray[np.float64], list[int]]:
    """The middles, shape (n, 128), and how many faces each has."""
    middles = np.array([group.total.middle for group in groups]).reshape(-1, ENCODING_LENGTH)
    return middles, [group.total.count for group in groups]


def of_perfect_groups(person: npt.NDArray[np.int64], answers: int) -> int:
    """Faces that so many answers name where each person is one group: those of the people with most of them."""
    counts = np.unique(person, return_counts=True)[1]
    return int(np.sort(counts)[::-1][:answers].sum())


def judge_answers(cohort: Cohort, faces: Faces, family: Family, dice: np.random.Generator) -> dict[str, float]:
    """Percent of the faces of a drawn library that have their right name after some answers, and of names the wrong."""
    rows = family.draw(faces, dice)
    person = faces.person[rows]
    library = AskedLibrary(cohort, faces.encodings[rows], person, drawn_photos(person, dice))
    figures: dict[str, float] = {}
    for answers in range(1, max(ANSWERS) + 1):
        if library.waiting:
            library.answer()
        if answers in ANSWERS:
            figures |= _figures(library, person, answers)
    return figures


def _figures(library: AskedLibrary, person: npt.NDArray[np.int64], answers: int) -> dict[str, float]:
    possible = of_perfect_groups(person, answers)
    parts = (
        library.right / len(person),
        possible / len(person),
        library.right / possible,
        library.wrong / (library.right + library.wrong),
    )
    return {f"{figure} after {answers} answers": 100 * part for figure, part in zip(FIGURES, parts, strict=True)}
