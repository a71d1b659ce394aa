"""A library's own groups, as the product grows them: for libraries that are drawn and measured."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faces.people.cohort import Cohort
from faces.people.groups.growing import Groups
from faces.people.groups.members_in_memory import MembersInMemory
from faces.people.groups.memberships import NewFace
from faces.people.neighbourhood import Neighbourhood


class GrownLibrary:
    """Faces that have arrived in this order, without names."""

    def __init__(
        self, cohort: Cohort, encodings: npt.NDArray[np.floating], photos: npt.NDArray[np.integer] | None = None
    ) -> None:
        """Group them; without `photos` each is a photo of its own."""
        self.members = MembersInMemory()
        self.groups = Groups(cohort, self.members)
        numbers = range(len(encodings)) if photos is None else photos.tolist()
        self.groups.grow(
            [
                NewFace(face, photo, encoding)
                for face, (photo, encoding) in enumerate(zip(numbers, encodings.astype(np.float64), strict=True))
            ]
        )

    @property
    def group_of(self) -> npt.NDArray[np.intp]:
        """Each face's group, shape (n,), counted from 0."""
        found = np.empty(self.groups.alarm.faces, np.intp)
        for number, faces in enumerate(self.members.groups().values()):
            found[faces] = number
        return found

    @property
    def neighbourhood(self) -> Neighbourhood:
        """What people and faces of this library are measured with."""
        return self.groups.neighbourhood()
