"""What a scan tells: a line for each thing that a person should know of, and all of it counted at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from faces.sources.missing_files import Forgotten, Missing
from faces.sources.passed_over import PassedOver, Reason
from faces.store.scan_marks import MarkedImage
from worker.commands.output import Output
from worker.commands.scanner import Outcome, Scanned

#: Photos that are told one by one; of more, the number.
_MOST_TOLD = 10

#: For a person, behind a number: folders, files.
_WORDS = {
    Reason.OURS: ("folders of our own pages", "pictures of our own pages"),
    Reason.DEBUG: ("", "debug pictures"),
    Reason.EXCLUDED: ("excluded folders", "excluded files"),
    Reason.TRASH: ("folders of trash", ""),
    Reason.NOMEDIA: ("folders marked .nomedia", ""),
    Reason.LIBRARY: ("libraries of photo programs", ""),
    Reason.THUMBNAILS: ("folders of thumbnails", ""),
    Reason.HIDDEN: ("hidden folders", "hidden files"),
    Reason.RAW: ("", "raw photos"),
    Reason.VIDEO: ("", "videos"),
}


@dataclass(slots=True)
class Tally:
    """Counts what becomes of photos and folders, and tells it."""

    output: Output
    step: Callable[[], None]
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    faces: Counter[str] = field(default_factory=Counter)
    missing: Missing = field(default_factory=Missing)
    passed_over: list[PassedOver] = field(default_factory=list)
    forgotten: Forgotten | None = None

    @property
    def is_troubled(self) -> bool:
        """Whether a photo or folder could not be used."""
        bad = self.outcomes[Outcome.FAILED] or self.outcomes[Outcome.REFUSED]
        return bool(bad or self.missing.uncertain)

    def add(self, scanned: Scanned) -> None:
        """A photo, with a line where it did not go through or was moved."""
        self.outcomes[scanned.outcome] += 1
        if scanned.reason:
            self.output.say(_trouble(scanned))
        if scanned.moved_from and self.outcomes[scanned.outcome] <= _MOST_TOLD:
            self.output.say(f"{scanned.path}: moved from {scanned.moved_from}")
        if done := scanned.processed:
            self.faces.update(found=done.found, new=done.inserted, linked=done.linked)
            for warning in done.warnings:
                self.output.say(f"{scanned.path}: {warning}")
        self.output.record(_record(scanned))
        self.step()

    def add_missing(self, missing: Missing) -> None:
        """Photos that were not found."""
        self.missing = missing
        for row in missing.gone[:_MOST_TOLD]:
            self.output.say(f"{_path(row)}: gone, and no longer listed")
        if len(missing.gone) > _MOST_TOLD:
            self.output.say(f"… and {len(missing.gone) - _MOST_TOLD} more are gone")
        for reason, rows in missing.uncertain.items():
            self.output.say(f"{len(rows)} photos are not seen, and stay listed: {reason}{_advice(reason)}")
        if missing.passed_over:
            self.output.say(
                f"{len(missing.passed_over)} photos of earlier scans are left out now, and stay listed: "
                + _some([_path(row) for row in missing.passed_over])
            )
        for outcome, rows in (("gone", missing.gone), ("left_out", missing.passed_over)):
            self._record_rows(outcome, rows)
        for reason, rows in missing.uncertain.items():
            self._record_rows("not_seen", rows, reason)

    def add_passed_over(self, passed_over: list[PassedOver]) -> None:
        """What was not looked at."""
        self.passed_over = passed_over

    def add_forgotten(self, forgotten: Forgotten) -> None:
        """Rows of photos that are gone were dropped."""
        self.forgotten = forgotten
        if forgotten.kept:
            self.output.say(
                f"{forgotten.kept} photos that are gone were kept, not listed: faces of other photos have their names "
                "from them"
            )

    def refuse_to_forget(self) -> None:
        """They may be where nothing could be seen."""
        self.output.say(
            "--forget-missing: nothing was dropped, because not everything could be seen (above): what seems gone may "
            "be there"
        )

    def sum_up(self) -> None:
        """What was passed over, and the last line."""
        if self.passed_over:
            self.output.result(f"passed over: {', '.join(_passed_over_in_words(self.passed_over))}")
        self.output.result("; ".join(self._parts()))
        self.output.record({"summary": self._summary()})

    def _parts(self) -> list[str]:
        done = self.outcomes[Outcome.DONE]
        faces = f"{self.faces['found']} faces, {self.faces['linked']} newly linked"
        counted = (
            (self.outcomes[Outcome.KNOWN], "seen before and skipped"),
            (self.outcomes[Outcome.MOVED], "moved"),
            (self.outcomes[Outcome.COPIED], "copies of photos seen before"),
            (self.outcomes[Outcome.RETURNED], "are back"),
            (len(self.missing.gone), "gone"),
            (sum(map(len, self.missing.uncertain.values())), "not seen"),
            (self.forgotten.images if self.forgotten else 0, "forgotten"),
            (self.outcomes[Outcome.REFUSED], "cannot be used"),
            (self.outcomes[Outcome.FAILED], "failed"),
        )
        first = f"{done} new or changed photos: {faces}" if done else "no new or changed photos"
        return [first, *(f"{number} {words}" for number, words in counted if number)]

    def _summary(self) -> dict[str, object]:
        counts: dict[str, object] = {outcome.value: self.outcomes[outcome] for outcome in Outcome}
        return {
            **counts,
            "gone": len(self.missing.gone),
            "not_seen": sum(map(len, self.missing.uncertain.values())),
            "left_out": len(self.missing.passed_over),
            "forgotten": self.forgotten.images if self.forgotten else 0,
            "passed_over": _passed_over_by_reason(self.passed_over),
            "faces": dict(self.faces),
        }

    def _record_rows(self, outcome: str, rows: Iterable[MarkedImage], reason: str | None = None) -> None:
        for row in rows:
            self.output.record(
                {"photo": _path(row), "outcome": outcome, "image_id": row.image_id, "reason": reason},
            )


def _path(row: MarkedImage) -> str:
    return f"{row.folder.rstrip('/')}/{row.name}"


def _advice(reason: str) -> str:
    if not reason.endswith("is empty now"):
        return ""
    return " (is its disk mounted? if they were deleted, remove the folder and scan the one above)"


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:3]) + (", …" if len(paths) > 3 else "")


def _passed_over_in_words(passed_over: Iterable[PassedOver]) -> list[str]:
    kinds: dict[tuple[Reason, bool], Counter[str]] = defaultdict(Counter)
    for one in passed_over:
        kinds[one.reason, one.is_folder][one.detail] += 1
    words = []
    for reason in Reason:
        for is_folder in (True, False):
            if details := kinds.get((reason, is_folder)):
                named = ", ".join(f"{number} {detail}" for detail, number in details.most_common() if detail)
                words.append(f"{details.total()} {_WORDS[reason][not is_folder]}" + (f" ({named})" if named else ""))
    return words


def _passed_over_by_reason(passed_over: Iterable[PassedOver]) -> dict[str, int | dict[str, int]]:
    """Numbers by reason; where there are kinds or patterns, by these."""
    counted: dict[str, int | dict[str, int]] = {}
    for reason in Reason:
        details = Counter(one.detail for one in passed_over if one.reason is reason)
        if details:
            counted[reason.value] = details.total() if "" in details else dict(details)
    return counted


def _trouble(scanned: Scanned) -> str:
    reason = scanned.reason or ""
    return reason if str(scanned.path) in reason else f"{scanned.path}: {reason}"


def _record(scanned: Scanned) -> dict[str, object]:
    done = scanned.processed
    return {
        "photo": str(scanned.path),
        "outcome": scanned.outcome.value,
        "image_id": scanned.image_id,
        "faces": done.found if done else None,
        "linked": done.linked if done else None,
        "seconds": done.seconds if done else None,
        "reason": scanned.reason,
        "moved_from": str(scanned.moved_from) if scanned.moved_from else None,
    }
