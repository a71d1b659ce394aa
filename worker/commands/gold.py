"""gold: marks of people on photos in a file that is kept with them: written, filled in, compared."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faces.client.face_client import FaceClient
from faces.client.private_api import face_api
from faces.errors import RequestError
from worker.commands.answering import answers_of, number_of_faces, speaker, tell_left
from worker.commands.invocation import Invocation
from worker.commands.output import Output
from worker.commands.verbs import add_verb

if TYPE_CHECKING:
    # Not at run time: only a database with our tables needs them.
    from faces.gold.comparing import Comparison
    from faces.gold.contents import Contents
    from faces.gold.filling import Marks
    from faces.gold.updating import MarkChange, UpdatedGold
    from faces.store.database import Store

_DETAILS = """\
A gold set is a file of what people have said of faces on photos: a mark a line, with the photo's SHA-256, the face's
box, and a name, `stranger` or `not_face`. It holds whatever becomes of the database, and can lie with the photos.

export   writes into FILE what people have said here, and nothing that a machine has linked. Marks of photos that are
         not here, of faces of which nothing was said here, and of faces that are not found stay.
import   says of the faces that are found here what FILE says of them, where people have not said otherwise. It is one
         entry of the ledger for each 5,000 faces, and `undo` takes it back.
compare  tells what is found and who is who here, beside what FILE says; the exit code is 0 however it looks.

Beside an app whose rows do not tell where in a photo a face is, the face API is asked once more. docs/people.md has the
rules."""

_EXPORT, _IMPORT, _COMPARE = "export", "import", "compare"

#: New marks, photos and faces that are named one by one: an export into a new file has thousands.
_NAMED = 20


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "gold", run, _DETAILS)
    parser.add_argument("what", choices=(_EXPORT, _IMPORT, _COMPARE), help="what to do with FILE")
    parser.add_argument("file", metavar="FILE", type=Path, help="the gold set")
    parser.add_argument("--dry-run", action="store_true", help="of export and import: only show what would change")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Do it; the exit code."""
    if arguments.what == _COMPARE and arguments.dry_run:
        raise RequestError("found --dry-run beside compare, which changes nothing, needed it beside export or import")
    return {_EXPORT: _export, _IMPORT: _import, _COMPARE: _compare}[arguments.what](arguments, invocation)


@contextmanager
def _contents(invocation: Invocation, store: Store) -> Iterator[Contents]:
    from faces.gold.contents import Contents
    from worker.commands.gold_photos import GoldPhotos

    settings, say = invocation.settings, invocation.output.say
    with ExitStack() as stack:

        def open_api() -> FaceClient:
            return stack.enter_context(face_api(settings, invocation.api_url, say))

        yield Contents(store, GoldPhotos(store, invocation.disks, open_api, say))


def _export(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.gold import gold_file
    from faces.gold.updating import updated

    file, output = arguments.file, invocation.output
    gold = gold_file.read(file) if file.exists() else {}
    with invocation.store() as store:
        store.schema.require_sidecar()
        with _contents(invocation, store) as contents:
            done = updated(gold, contents.answered(gold))
    for change in done.changes:
        output.record(_change_record(change))
    for line in _change_lines(done.changes):
        output.result(line)
    if not arguments.dry_run:
        gold_file.write(file, done.gold)
    code = _tell_unusable(output, contents)
    _tell_export(output, file, done, dry_run=arguments.dry_run)
    return code


def _change_record(change: MarkChange) -> dict[str, object]:
    sides = {"before": change.before, "after": change.after}
    return {
        "photo": change.photo,
        "change": change.kind,
        **{name: None if mark is None else mark.words for name, mark in sides.items()},
    }


def _change_lines(changes: list[MarkChange]) -> Iterator[str]:
    """What is changed and removed, and some of what is added."""
    added = [change for change in changes if change.after and not change.before]
    for change in changes:
        if change.before and change.after:
            yield f"changed: {change.photo}: {change.before.words} is {change.after.words}"
        elif change.before:
            yield f"removed: {change.photo}: {change.before.words}"
    for change in added[:_NAMED]:
        yield f"added: {change.photo}: {change.after.words if change.after else ''}"
    if len(added) > _NAMED:
        yield f"added: {len(added) - _NAMED} more"


def _tell_export(output: Output, file: Path, done: UpdatedGold, *, dry_run: bool) -> None:
    kinds = [change.kind for change in done.changes]
    counts = {kind: kinds.count(kind) for kind in ("added", "changed", "removed")}
    stay = {name: getattr(done, name) for name in ("unchanged", "unsaid", "not_found", "elsewhere")}
    left = {name: getattr(done, name) for name in ("without_name", "covered")}
    photos = len(done.gold)
    marks = sum(len(photo.marks) for photo in done.gold.values())
    output.record({"file": str(file), "marks": marks, "photos": photos, **counts, **stay, **left, "dry_run": dry_run})
    _say_if(output, done.unsaid, "{} stay of which nothing was said here: `gold import` says it")
    _say_if(output, done.not_found, "{} stay where no face is found here")
    _say_if(output, done.elsewhere, "{} stay of photos that are not here")
    _say_if(output, done.without_name, "{} of people without a name that can be written were left out")
    _say_if(output, done.covered, "{} at places that have a mark already were left out")
    added, changed, removed = counts.values()
    end = " (--dry-run: nothing was written)" if dry_run else ""
    whole = f"{_counted(marks, 'mark')} on {_counted(photos, 'photo')}"
    output.result(f"{file}: {whole}; {added} added, {changed} changed, {removed} removed{end}")


def _import(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.answers.answer import GivenAnswer
    from faces.gold import gold_file
    from faces.gold.filling import fill, marks_of_faces

    output, dry_run = invocation.output, arguments.dry_run
    gold = gold_file.read(arguments.file)
    entries = 0
    with answers_of(invocation) as answers:
        with _contents(invocation, answers.arrivals.store) as contents:
            marks = marks_of_faces(gold, contents.of_gold(gold))
        for done in fill(answers, GivenAnswer(speaker()), marks.faces, dry_run=dry_run):
            output.record({**asdict(done), "dry_run": dry_run})
            tell_left(output, done)
            if done.entry is None:
                continue
            entries += 1
            end = "--dry-run: nothing was changed" if dry_run else f"`undo {done.entry}` takes it back"
            output.result(f"{number_of_faces(done)} as the gold set says ({end})")
        if entries and not dry_run:
            answers.look_again()
    code = _tell_unusable(output, contents)
    _tell_import(output, marks)
    if not entries:
        output.say("nothing was changed")
    return code if entries else 1


def _tell_import(output: Output, marks: Marks) -> None:
    for photo, mark in marks.not_found[:_NAMED]:
        output.say(f"no face was found in {photo} where {mark.words} is marked")
    _say_if(output, max(len(marks.not_found) - _NAMED, 0), "{} more are where no face was found")
    _say_if(output, marks.same, "{} say what people have said here already")
    _say_if(output, marks.elsewhere, "{} are of photos that are not here")
    not_found = [{"photo": photo, "mark": mark.words} for photo, mark in marks.not_found]
    output.record({"same": marks.same, "elsewhere": marks.elsewhere, "not_found": not_found})


def _compare(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.gold import gold_file
    from faces.gold.comparing import Comparison, compared

    output = invocation.output
    gold = gold_file.read(arguments.file)
    total, photos, waiting = Comparison(), 0, 0
    rows: list[tuple[str, str]] = []
    with invocation.store() as store:
        store.schema.require_sidecar()
        with _contents(invocation, store) as contents:
            for one in compared(gold, contents.of_gold(gold)):
                if one.comparison is None:
                    waiting += 1
                    continue
                photos += 1
                total += one.comparison
                rows += [(one.photo.hint, difference) for difference in one.differences]
                record = {"photo": one.photo.hint, "sha256": one.photo.sha256, **one.comparison.record}
                output.record({**record, "differences": one.differences})
    here = {"photos": photos, "elsewhere": len(gold) - photos - waiting, "not_looked_at": waiting}
    output.record({**here, "total": total.record})
    if not output.as_json and rows:
        output.table(("photo", "otherwise than marked"), sorted(rows))
    _tell_unusable(output, contents)
    _say_if(output, here["elsewhere"], "{} are not here", "photo")
    _say_if(output, waiting, "{} were not looked for faces yet: left out", "photo")
    for line in _total_lines(photos, total):
        output.result(line)
    return 0


def _total_lines(photos: int, total: Comparison) -> Iterator[str]:
    yield f"{_counted(photos, 'photo')} with {_counted(total.faces, 'marked face')}"
    yield f"found {total.found}{_share(total.found, total.faces)}, missed {total.missed}, extra {total.extra}" + (
        f" ({total.no_face} of them marked as no face)" if total.no_face else ""
    )
    said = f", {total.by_people} of them said by people here" if total.by_people else ""
    yield (
        f"people found: {total.people}; right {total.right}{_share(total.right, total.people)}{said}, "
        f"wrong {total.wrong}, not named {total.not_named}"
    )
    yield f"strangers found: {total.strangers}; named {total.strangers_named}"


def _share(part: int, whole: int) -> str:
    return f" ({100 * part / whole:.1f} %)" if whole else ""


def _tell_unusable(output: Output, contents: Contents) -> int:
    """What had to be left out; 1 where something had."""
    files, faces = contents.unusable.files, contents.unusable.faces
    if files:
        output.say(f"left out {_counted(len(files), 'photo')} whose files cannot be read, such as {files[0]}")
    if faces:
        output.say(
            f"left out {_counted(len(faces), 'face')} whose place in the photo is not known, such as f{faces[0]}"
        )
    return 1 if files else 0


def _say_if(output: Output, number: int, sentence: str, noun: str = "mark") -> None:
    if number:
        output.say(sentence.format(_counted(number, noun)))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
