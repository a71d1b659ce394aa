"""The Laravel app beside which the service is put: its .env and its disks. Nothing of it is run or changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from faces.errors import SettingsError
from faces.laravel import dotenv
from installer import app_disks
from installer.app_disks import FoundDisks
from installer.sentence import Refusal, say


@dataclass(frozen=True, slots=True)
class App:
    """What of the app concerns the installer."""

    env_file: Path
    variables: Mapping[str, str]
    disks: FoundDisks

    @property
    def folder(self) -> Path:
        """Where the app lies."""
        return self.env_file.parent

    @classmethod
    def read(cls, env_file: Path) -> App:
        """Read the .env and find the disks.

        Raises:
            Refusal: the file cannot be read, or Laravel itself would refuse it.
        """
        try:
            text = env_file.read_bytes().decode("utf-8", errors="replace")
            variables = dotenv.parse(text, {}, str(env_file))
        except OSError as error:
            raise Refusal(
                say(
                    "the app's .env: found that {file} cannot be read ({why}), needed the app's own file; name it with "
                    "--laravel-env FILE",
                    file=env_file,
                    why=error.strerror,
                )
            ) from error
        except SettingsError as error:
            raise Refusal(say("the app's .env: {error}", error=error)) from error
        return cls(env_file, variables, app_disks.find(env_file.parent, variables))
