"""python -m worker …: settings, logging, signals and exit codes around the verbs of `worker/commands/`."""

from __future__ import annotations

import argparse
import gc
import io
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from faces import __version__
from faces.errors import FacesError, RequestError, SettingsError
from worker.commands.output import Output, let_go_of_stdout
from worker.commands.parser import Parser, VerbParser
from worker.commands.verbs import add_verbs

_ABOUT = """\
Finds the faces in photos, keeps them in a database and tells who is where."""

_MORE = """\
examples:
  python -m worker enrol "Ada Lovelace" ada.jpg    a portrait: this is Ada
  python -m worker scan ~/Pictures                 find and link the faces of a folder's photos
  python -m worker faces --name "Ada Lovelace"     where is she?
  python -m worker report people                   a page with all photos and names: people/index.html
  python -m worker recognise people photos         the same without a database: a line a face
  python -m worker link                            somebody was named: look through the faces found before

The database is the SQLite file ./faces.db, or what FACE_DATABASE_URL names. Photos go through the face API at
FACE_API_URL; where none is configured and none answers, a private one is started for as long as the command runs.
All settings: etc/face.env.example.

exit codes: 0 done; 1 something failed, for example one photo of many; 2 wrong usage or setting"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; every way it can end is an exit code and at most one sentence."""
    arguments = sys.argv[1:] if arguments is None else arguments
    # Else Python's collector looks through all that the imports make, two hundred times, and frees nothing.
    gc.disable()
    parsed = _parser(arguments).parse_args(arguments)
    # Here, and not above: with the collector at rest, and not at all for a word of help.
    from faces import settings
    from faces.system import logs
    from worker.commands.invocation import Invocation

    gc.freeze()
    gc.enable()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal may lack letters that names have.
        sys.stdout.reconfigure(errors="backslashreplace")
    output = Output(as_json=parsed.as_json)
    signal.signal(signal.SIGTERM, _stop)
    try:
        invocation = Invocation(settings.load(), output)
        logs.configure(invocation.settings.log_level, invocation.settings.log_format, with_time=parsed.verb == "run")
        code: int = parsed.run(parsed, invocation)
        output.flush()
    except FacesError as error:
        output.say(f"{parsed.verb}: {error}")
        return 2 if isinstance(error, RequestError | SettingsError) else 1
    except KeyboardInterrupt:
        output.say(f"{parsed.verb}: stopped; what is done is kept, the same command goes on from there")
        return 1
    except BrokenPipeError:
        # The reader of our output has closed it.
        let_go_of_stdout()
        return 1
    return code


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m worker",
        description=_ABOUT,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"face sidecar {__version__}")
    verbs = parser.add_subparsers(title="verbs", dest="verb", metavar="VERB", required=True, parser_class=VerbParser)
    add_verbs(verbs, arguments)
    return parser


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
