"""Selection: which of the faces that were found are wanted, and how many are left out for which reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faces.photo.face import Place

#: Why a face is left out, in the order in which the reasons are looked at; each face has one.
TOO_SMALL, LOW_QUALITY, OVER_MAX_FACES = "too_small", "low_quality", "over_max_faces"


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted of the faces in a photo. None: whatever there is."""

    max_faces: int | None = None
    """The largest so many, by the area of their boxes; of equally large ones the surest."""
    min_size: int | None = None
    """Pixels of the upright photo that the shorter side of a face's box must have."""
    min_quality: float | None = None
    """Total quality, 0–100, that a face must have."""

    def choose(self, places: Sequence[Place]) -> tuple[list[Place], dict[str, int]]:
        """The places that are wanted, in their order; and how many are left out, for each reason that left out any."""
        large = [place for place in places if self._is_large(place)]
        good = [place for place in large if self._is_good(place)]
        kept = self._largest(good)
        counts = {
            TOO_SMALL: len(places) - len(large),
            LOW_QUALITY: len(large) - len(good),
            OVER_MAX_FACES: len(good) - len(kept),
        }
        return kept, {reason: count for reason, count in counts.items() if count}

    def _is_large(self, place: Place) -> bool:
        return self.min_size is None or min(place.box.width, place.box.height) >= self.min_size

    def _is_good(self, place: Place) -> bool:
        return self.min_quality is None or place.quality.total >= self.min_quality

    def _largest(self, places: Sequence[Place]) -> list[Place]:
        if self.max_faces is None:
            return list(places)
        by_size = sorted(range(len(places)), key=lambda at: -places[at].box.width * places[at].box.height)
        return [places[at] for at in sorted(by_size[: self.max_faces])]


#: All that a search finds.
ALL = Selection()
