"""What was asked for on install.sh's command line."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from installer import usage

Layout = Literal["own", "laravel"]


@dataclass(frozen=True, slots=True)
class Choices:
    """What an upgrade keeps when it is not said again; None: not said."""

    prefix: Path | None = None
    laravel_env: Path | None = None
    layout: Layout | None = None
    supervisor: bool | None = None
    workers: int | None = None
    native: bool | None = None

    def over(self, earlier: Choices) -> Choices:
        """These, and what was said earlier where these say nothing."""
        return Choices(
            prefix=self.prefix or earlier.prefix,
            laravel_env=self.laravel_env or earlier.laravel_env,
            layout=self.layout or earlier.layout,
            supervisor=earlier.supervisor if self.supervisor is None else self.supervisor,
            workers=earlier.workers if self.workers is None else self.workers,
            native=earlier.native if self.native is None else self.native,
        )

    def to_json(self) -> dict[str, Any]:
        """For the record."""
        return {
            "prefix": str(self.prefix) if self.prefix else None,
            "laravel_env": str(self.laravel_env) if self.laravel_env else None,
            "layout": self.layout,
            "supervisor": self.supervisor,
            "workers": self.workers,
            "native": self.native,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Choices:
        """From the record."""
        return cls(
            prefix=Path(values["prefix"]) if values.get("prefix") else None,
            laravel_env=Path(values["laravel_env"]) if values.get("laravel_env") else None,
            layout=values.get("layout"),
            supervisor=values.get("supervisor"),
            workers=values.get("workers"),
            native=values.get("native"),
        )


@dataclass(frozen=True, slots=True)
class Options:
    """One run."""

    choices: Choices = Choices()
    uninstall: bool = False
    purge: bool = False
    dry_run: bool = False
    yes: bool = False
    offline: Path | None = None
    api_processes: int | None = None
    language: Literal["en", "ru"] = "en"


def parse(words: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Read the words; `LARAVEL_ENV_FILE` in the environment is --laravel-env. Ends the program where they are wrong."""
    parser = _parser(usage.RUSSIAN if _asks_for_russian(words) else usage.ENGLISH)
    found = parser.parse_args(words)
    if found.purge and not found.uninstall:
        parser.error("--purge: found no --uninstall beside it, needed --uninstall --purge")
    named = found.laravel_env or environment.get("LARAVEL_ENV_FILE") or None
    return Options(
        choices=Choices(
            prefix=found.prefix,
            laravel_env=Path(named).absolute() if named else None,
            layout=found.layout,
            supervisor=found.supervisor,
            workers=found.with_worker,
            native=found.native,
        ),
        uninstall=found.uninstall,
        purge=found.purge,
        dry_run=found.dry_run,
        yes=found.yes,
        offline=found.offline.absolute() if found.offline else None,
        api_processes=found.api_processes,
        language=found.lang,
    )


def _asks_for_russian(words: Sequence[str]) -> bool:
    return "--lang=ru" in words or any(pair == ("--lang", "ru") for pair in itertools.pairwise(words))


def _parser(texts: usage.Usage) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="install.sh",
        description=texts.about,
        epilog=texts.more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )

    def add(name: str, **how: Any) -> None:
        parser.add_argument(f"--{name}", help=texts.options[name], **how)

    add("with-worker", metavar="N", type=_count(0, 64))
    add("api-processes", metavar="N", type=_count(1, 256))
    add("laravel-env", metavar="FILE")
    add("layout", choices=("own", "laravel"))
    add("supervisor", action="store_true", default=None)
    add("native", action="store_true", default=None)
    add("offline", metavar="DIR", type=Path)
    add("prefix", metavar="DIR", type=_absolute)
    add("dry-run", action="store_true")
    add("uninstall", action="store_true")
    add("purge", action="store_true")
    add("yes", action="store_true")
    add("lang", choices=("en", "ru"), default="en")
    return parser


def _count(least: int, most: int) -> Any:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"found {text!r}, needed a whole number from {least} to {most}")
        return int(text)

    return read


def _absolute(text: str) -> Path:
    path = Path(text)
    if (
        not path.is_absolute()
        or ".." in path.parts
        or len(path.parts) < 3
        or any(mark in text for mark in " \t\n%$\"'\\")
    ):
        raise argparse.ArgumentTypeError(
            f"found {text!r}, needed an absolute folder of two names or more without blanks, like /opt/face-sidecar"
        )
    return path
