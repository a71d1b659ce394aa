"""What install.sh starts: reads, checks, shows, asks, and then changes."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from faces.errors import SettingsError
from faces.system import env_file as face_env
from installer import checks, finish, notes, options, plan, removal
from installer.app import App
from installer.changes.change import Work
from installer.changes.packages import InstallPackages
from installer.face_env import FaceEnv
from installer.install_paths import USUAL_LARAVEL_ENV, Places
from installer.machine import Machine
from installer.options import Choices, Options
from installer.record import Record
from installer.sentence import Language, Refusal, Sentence, say
from installer.situation import Situation

_LOCK = Path("/run/lock/face-sidecar-install")

#: Seconds to wait for another installer that is about to end.
_PATIENCE = 20.0


def main() -> int:
    """One run; every way that it can end is an exit code and sentences."""
    given = options.parse(sys.argv[1:], os.environ)
    screen = Screen(Language(given.language))
    private_python = _forget_private_python()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    os.umask(0o022)
    try:
        with _alone(given):
            return _run(given, screen, private_python=private_python)
    except Refusal as refusal:
        screen.complain(refusal.sentences)
        return 1
    except OSError as error:
        screen.complain([say("{error}; run this again when the reason is gone", error=_words(error))])
        return 1
    except KeyboardInterrupt:
        screen.complain([say("interrupted; run this again, it goes on from here")])
        return 130


class Screen:
    """What the person sees."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def tell(self, sentence: Sentence) -> None:
        """A step."""
        print(f"==> {self._language.render(sentence)}", flush=True)

    def show(self, sentence: Sentence) -> None:
        """A line of a list."""
        print(f"  {self._language.render(sentence)}", flush=True)

    def complain(self, sentences: list[Sentence] | tuple[Sentence, ...]) -> None:
        """What was found and what is needed."""
        for sentence in sentences:
            print(f"install.sh: {self._language.render(sentence)}", file=sys.stderr, flush=True)

    def asks(self, question: Sentence) -> bool:
        """Whether the person says yes."""
        print(f"{self._language.render(question)} [y/N] ", end="", flush=True)
        return sys.stdin.readline().strip().lower() in {"y", "yes", "д", "да"}


def _words(error: OSError) -> str:
    """What happened to which file, as a person says it."""
    return ": ".join(str(part) for part in (error.filename, error.strerror) if part) or str(error)


def _forget_private_python() -> bool:
    """Whether install.sh unpacked this Python for the checks; no program that we start may find it."""
    for name in ("PYTHONHOME", "LD_LIBRARY_PATH"):
        if "FACE_PRIVATE_PYTHON" in os.environ:
            os.environ.pop(name, None)
    return os.environ.pop("FACE_PRIVATE_PYTHON", None) is not None


def _run(given: Options, screen: Screen, *, private_python: bool) -> int:
    record = Record.read(Places().record)
    given = replace(given, choices=given.choices.over(record.choices))
    places = Places(prefix=given.choices.prefix or Places().prefix)
    if given.uninstall:
        return _uninstall(given, record, places, screen)
    return _install(_situation(given, record, places, Machine.read(private_python)), screen)


def _install(situation: Situation, screen: Screen) -> int:
    given, record = situation.options, situation.record
    if refused := checks.refusals(situation):
        screen.complain(refused)
        screen.complain([say("nothing was changed")])
        return 1
    steps = plan.changes(situation)
    lines = [sentence for step in steps for sentence in step.describe()]
    for sentence in lines if "FACE_GOING_ON" not in os.environ else ():
        screen.show(sentence)
    for sentence in notes.notes(situation):
        screen.show(say("note: {sentence}", sentence=sentence))
    if given.dry_run:
        screen.tell(say("nothing was changed: --dry-run"))
        return 0
    if lines and not _goes_on(given, screen):
        return 1
    started = time.monotonic()
    work = Work(record, screen.tell)
    record.choose(given.choices)
    for step in steps:
        for sentence in step.describe()[:1]:
            screen.tell(sentence)
        step.do(work)
        if isinstance(step, InstallPackages) and not situation.machine.has_python:
            _begin_again()
    if not lines:
        screen.tell(say("all is there already"))
    for sentence in finish.next_steps(situation, plan.settings_of(situation), time.monotonic() - started):
        screen.show(sentence)
    return 0


def _begin_again() -> None:
    """With the python3 that is installed now: the one that made the checks lies in a temporary folder."""
    os.environ["FACE_GOING_ON"] = "yes"
    program = str(_source() / "install.sh")
    os.execv(program, [program, *sys.argv[1:], "--yes"])  # noqa: S606  no shell is wanted


def _uninstall(given: Options, record: Record, places: Places, screen: Screen) -> int:
    if not record.footprints:
        screen.tell(say("nothing is installed here"))
        return 0
    if os.geteuid() != 0 and not given.dry_run:
        raise Refusal(say("rights: found user number {user}, needed root: sudo ./install.sh", user=os.geteuid()))
    for sentence in removal.describe(record, purge=given.purge):
        screen.show(sentence)
    if given.dry_run:
        screen.tell(say("nothing was changed: --dry-run"))
        return 0
    if not _goes_on(given, screen):
        return 1
    machine = Machine.read()
    situation = Situation(machine, given, places, record, None, _source(), FaceEnv({}), holds_ports=True)
    service = plan.service_of(situation, situation.settings)
    screen.tell(say("stopping the service"))
    service.stop()
    removal.remove(Work(record, screen.tell), purge=given.purge)
    service.forget()
    screen.tell(say("removed; Debian packages stay"))
    return 0


def _situation(given: Options, record: Record, places: Places, machine: Machine) -> Situation:
    settings = FaceEnv(_variables(places) if os.access(places.env_file, os.R_OK) else {})
    return Situation(
        machine=machine,
        options=given,
        places=places,
        record=record,
        app=_app(given.choices, settings),
        source=_source(),
        settings=settings,
        holds_ports=places.current.is_symlink() and record.knows(places.current),
    )


def _variables(places: Places) -> dict[str, str]:
    try:
        return face_env.read(places.env_file)
    except SettingsError as error:
        raise Refusal(say("{error}", error=error)) from error


def _app(choices: Choices, settings: FaceEnv) -> App | None:
    """What face.env names counts, then what was asked for, then the usual place."""
    named = settings.variables.get("LARAVEL_ENV_FILE")
    if named:
        return App.read(Path(named))
    if choices.laravel_env:
        return App.read(choices.laravel_env)
    return App.read(USUAL_LARAVEL_ENV) if USUAL_LARAVEL_ENV.exists() else None


def _source() -> Path:
    return Path(__file__).resolve().parents[1]


def _goes_on(given: Options, screen: Screen) -> bool:
    if given.yes:
        return True
    if not sys.stdin.isatty():
        raise Refusal(say("found no terminal to ask on, needed one, or --yes"))
    return screen.asks(say("Do this?"))


@contextmanager
def _alone(given: Options) -> Iterator[None]:
    """One installer at a time; a run that changes nothing needs no lock."""
    if os.geteuid() != 0 or given.dry_run:
        yield
        return
    _LOCK.parent.mkdir(parents=True, exist_ok=True)
    with _LOCK.open("w") as lock:
        _wait_for(lock)
        yield


def _wait_for(lock: IO[str]) -> None:
    """Wait for the lock: an installer that was just ended may take a moment to exit.

    Raises:
        Refusal: the other installer is still at work.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # noqa: PERF203  it waits anyway
            if time.monotonic() > end:
                raise Refusal(say("found another install.sh at work, needed it to end")) from None
            time.sleep(0.2)


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
