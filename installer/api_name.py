"""The name by which the app asks the API of this machine, which without a key answers only to names that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from faces.errors import SettingsError
from faces.system.address import Address
from installer.app import App
from installer.face_env import FaceEnv
from installer.sentence import Sentence, say
from installer.situation import Situation


def unknown_name(app: App | None, settings: FaceEnv) -> str | None:
    """The host of the app's FACE_API_URL, if it is this machine's loopback and the API would refuse it.

    What leads elsewhere is left alone: a proxy, which may send another Host, or another machine's API.
    """
    host = _host_of(app.variables.get("FACE_API_URL")) if app else None
    if host is None or _is_loopbacks_own(host) or host in _known(settings):
        return None
    wants_no_key = _leads_to_loopback(settings.address)
    return host if wants_no_key and _leads_to_loopback(str(Address(host, 80))) else None


def refusal(situation: Situation) -> Iterator[Sentence]:
    """Of an upgrade, since face.env is never overwritten; the first install writes the name there."""
    if situation.settings.variables and (host := unknown_name(situation.app, situation.settings)):
        yield say(
            "the app's .env: found the host {host} in FACE_API_URL, to which the API does not answer without a key; "
            "needed in {file}: FACE_API_HOSTS={host}",
            host=host,
            file=situation.places.env_file,
        )


def _known(settings: FaceEnv) -> set[str]:
    named = settings.variables.get("FACE_API_HOSTS", "").split(",")
    hosts = [*named, _host_of(settings.variables.get("FACE_API_URL")), _host_of(f"http://{settings.address}")]
    return {host.strip().strip("[]").lower() for host in hosts if host}


def _host_of(url: str | None) -> str | None:
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def _is_loopbacks_own(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _leads_to_loopback(address: str) -> bool:
    try:
        return Address.parse(address, "address").is_loopback
    except SettingsError:
        return False
