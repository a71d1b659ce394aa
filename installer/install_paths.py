"""Where everything lies on the machine; below another root in tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: The service's own user, which PHP runs as, and the group of what both write.
USER = "www-data"
GROUP = "web"

#: The app's .env on the usual machine.
USUAL_LARAVEL_ENV = Path("/var/www/photo/.env")


@dataclass(frozen=True, slots=True)
class Places:
    """Every path that the installer writes."""

    prefix: Path = Path("/opt/face-sidecar")
    root: Path = Path("/")

    @property
    def releases(self) -> Path:
        """One folder a release: code, Python packages and models."""
        return self.prefix / "releases"

    @property
    def current(self) -> Path:
        """The link to the release in use."""
        return self.prefix / "current"

    @property
    def cache(self) -> Path:
        """What pip fetched; only as long as an installation is not finished."""
        return self.prefix / "cache"

    @property
    def switching(self) -> Path:
        """Says from which release to which, as long as the new one has not answered."""
        return self.prefix / "switching.json"

    @property
    def etc(self) -> Path:
        """Settings and the installer's record; root's."""
        return self.root / "etc/face-sidecar"

    @property
    def env_file(self) -> Path:
        """The settings."""
        return self.etc / "face.env"

    @property
    def record(self) -> Path:
        """What was put where."""
        return self.etc / "installed.json"

    @property
    def state(self) -> Path:
        """What must outlive a process; the service writes it."""
        return self.root / "var/lib/face-sidecar"

    @property
    def logs(self) -> Path:
        """Logs, where journald does not have them."""
        return self.root / "var/log/face-sidecar"

    @property
    def units(self) -> Path:
        """Where systemd looks for an administrator's units."""
        return self.root / "etc/systemd/system"

    @property
    def programs(self) -> Path:
        """Where supervisor looks for programs."""
        return self.root / "etc/supervisor/conf.d"

    @property
    def links_in_app(self) -> dict[str, Path]:
        """Links for people, by their places in the app's folder (--layout laravel)."""
        return {
            "face-api-venv": self.current / ".venv",
            "etc/face-api": self.current,
            "storage/logs/face-sidecar": self.logs,
        }

    @property
    def command(self) -> Path:
        """The command line for all users of this machine."""
        return self.root / "usr/local/bin/face-sidecar"
