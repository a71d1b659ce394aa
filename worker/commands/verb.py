"""How a verb joins the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from worker.commands.session import Session
from worker.commands.verbs import VERBS

Run = Callable[[argparse.Namespace, Session], int]


def add_verb(verbs: Any, name: str, run: Run, details: str) -> argparse.ArgumentParser:
    """Add a sub-parser with `--json`; `details` is the verb's own help, in the list of verbs it has its line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=VERBS[name], description=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="JSON on stdout, for machines")
    parser.set_defaults(run=run)
    return parser
