"""The verbs, in the order of the help, and how each joins the command line. Only the one that is wanted is imported."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Not at run time: the list of verbs is read before anything that takes long to import.
    from worker.commands.invocation import Invocation

#: Each is a module of `worker.commands`, which adds it to the command line by `add_to`; those of `TOGETHER` share one.
VERBS = {
    "demo": "all at once: photos in, a page of who is who out",
    "scan": "find the faces in a folder's new and changed photos",
    "enrol": "say who somebody is, by portraits or by a face's id",
    "link": "match faces found before with people named since",
    "faces": "tell who is where",
    "people": "list who is known",
    "groups": "list the faces without a name, those that look like one person together",
    "name": "say whose faces and groups these are",
    "confirm": "say yes: they are who they are linked to or offered as",
    "reject": "say no: they are not, and are never asked about again",
    "move": "say that faces are another person's",
    "unknown": "take out who faces were said to be",
    "stranger": "say that faces are nobody who is known",
    "not-face": "say that what was found is no face",
    "apart": "say that two people or groups are not one",
    "join": "say that people are one, or that groups are",
    "split": "say that some faces of a group or person are somebody else",
    "rename": "give a person another name",
    "hide": "leave people out of the list of people",
    "favourite": "say that people are favourites",
    "cover": "say which face stands for a person",
    "forget": "take a person's name and links away from all faces",
    "add": "say that a photo has a face where none was found",
    "undo": "take back what was answered, or linked by a machine",
    "ledger": "list what was said and linked, by whom and when",
    "why": "tell all that is known of a face: who it is, by which rule, and who said so",
    "evaluate": "how good it is on this library's own confirmed faces, and which of them look wrong",
    "group": "group the faces without a name, and ask who they are, now",
    "gold": "keep what people have said of faces in a file: write it, fill it in, compare with it",
    "refresh": "make sums, counters and the index of people and groups anew, and tell what was wrong",
    "report": "make a page with all photos and names",
    "export": "write all faces as CSV or JSON",
    "recognise": "who of a folder of people is in photos, without a database",
    "process": "find the faces of images by their ids",
    "run": "take face jobs from Laravel's queue",
    "tables": "make, upgrade or drop our own tables beside an app's",
    "status": "what this machine's workers are doing",
    "key": "make a key of the people API",
}


#: Verbs of one module, which is told by `add_to` which of them is wanted.
TOGETHER = {
    **dict.fromkeys(("name", "confirm", "move"), "who_it_is"),
    **dict.fromkeys(("reject", "apart", "stranger", "not-face", "unknown"), "who_it_is_not"),
    **dict.fromkeys(("join", "split"), "joins"),
    **dict.fromkeys(("rename", "hide", "favourite", "cover", "forget"), "people_marks"),
}


def add_verbs(verbs: Any, arguments: Sequence[str]) -> None:
    """Add all of them to the command line: whole the one that is wanted, and for the list of verbs the others."""
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in VERBS.items():
        if name == wanted:
            # Here, and not above: what scans, draws or prints tables is a second of a worker's start.
            if name in TOGETHER:
                import_module(f"worker.commands.{TOGETHER[name]}").add_to(verbs, name)
            else:
                import_module(f"worker.commands.{name}").add_to(verbs)
        else:
            verbs.add_parser(name, help=summary)


def add_verb(
    verbs: Any, name: str, run: Callable[[argparse.Namespace, Invocation], int], details: str
) -> argparse.ArgumentParser:
    """Add a sub-parser with `--json`; `details` is the verb's own help, in the list of verbs it has its line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=VERBS[name], description=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="JSON on stdout, for machines")
    parser.set_defaults(run=run)
    return parser
