from __future__ import annotations

from pathlib import Path

import pytest

from faces.settings import Settings
from installer import ports
from installer.changes.change import Change
from installer.changes.files import PutFile
from installer.face_env import FaceEnv
from installer.install_paths import Places
from installer.machine_share import MachineShare
from installer.services.supervisor import Supervisor
from installer.services.systemd import Systemd

ETC = Path(__file__).resolve().parents[4] / "etc"


def texts(changes: list[Change]) -> dict[str, str]:
    return {str(file.path): file.content.decode() for file in changes if isinstance(file, PutFile)}


SETTINGS = {
    "FACE_API_ADDRESS": "localhost:5000",
    "FACE_API_OUTSIDE_ADDRESS": "[::1]:5001",
    "FACE_DISK_ROOTS": "dfotos=/dfotos,local=/var/www/photo/storage",
}


def systemd(places: Places, **more: str) -> Systemd:
    share = MachineShare.of(4, 8000)
    return Systemd(places, share, 2, FaceEnv(SETTINGS | more))


def test_the_sockets_addresses_are_those_of_face_env() -> None:
    dropped = texts(systemd(Places()).files(ETC))["/etc/systemd/system/face-api.socket.d/box.conf"]
    assert dropped.splitlines()[1:] == [
        "[Socket]",
        "ListenStream=",
        f"ListenStream={ports.in_numbers('localhost:5000')}",
        "ListenStream=[::1]:5001",
    ]


def test_the_service_may_write_the_disks_and_take_what_fits_the_machine() -> None:
    dropped = texts(systemd(Places()).files(ETC))["/etc/systemd/system/face-api.service.d/box.conf"]
    assert "ReadWritePaths=-/dfotos\nReadWritePaths=-/var/www/photo/storage\n" in dropped
    assert "MemoryMax=3450M\nCPUQuota=380%\n" in dropped
    assert "TimeoutStopSec" not in dropped
    assert "ProtectHome" not in dropped


def drop_ins(**settings: str) -> tuple[str, str]:
    files = texts(systemd(Places(), **settings).files(ETC))
    units = "/etc/systemd/system"
    return files[f"{units}/face-api.service.d/box.conf"], files[f"{units}/face-worker@.service.d/box.conf"]


def test_photos_that_may_take_longer_may_do_so_at_a_stop() -> None:
    settings = {"FACE_API_PHOTO_SECONDS": "600", "FACE_API_TIMEOUT": "700"}
    api, worker = drop_ins(**settings)
    assert "TimeoutStopSec=2430\n" in api
    assert "TimeoutStopSec=820\n" in worker
    files = texts(Supervisor(Places(), 2, FaceEnv(settings)).files(ETC))
    assert "\nstopwaitsecs=2430\n" in files["/etc/supervisor/conf.d/face-api.conf"]
    assert "\nstopwaitsecs=820\n" in files["/etc/supervisor/conf.d/face-worker.conf"]


@pytest.mark.parametrize(
    "settings", [{"FACE_DISK_ROOTS": "a=/home/ada/photos"}, {"LARAVEL_ENV_FILE": "/home/ada/.env"}]
)
def test_an_app_below_home_is_seen_by_both(settings: dict[str, str]) -> None:
    for dropped in drop_ins(**settings):
        assert "ProtectHome=read-only\n" in dropped


def test_numbers_of_stops_are_those_of_the_units() -> None:
    """Only what is raised wants a line of its own, so that the units must be right for the defaults."""
    usual = Settings()
    raised = FaceEnv({"FACE_API_PHOTO_SECONDS": str(usual.api_photo_seconds + 1)})
    assert raised.api_stop_seconds == (usual.api_photo_seconds + 1) * 4 + 30
    assert FaceEnv({"FACE_API_PHOTO_SECONDS": str(usual.api_photo_seconds)}).api_stop_seconds is None
    assert FaceEnv({"FACE_API_TIMEOUT": str(usual.api_timeout + 1)}).worker_stop_seconds == usual.api_timeout + 121
    assert FaceEnv({"FACE_API_TIMEOUT": str(usual.api_timeout)}).worker_stop_seconds is None


def test_another_prefix_stands_in_every_unit_and_program() -> None:
    places = Places(prefix=Path("/srv/faces"))
    for text in [
        *texts(systemd(places).files(ETC)).values(),
        *texts(Supervisor(places, 2, FaceEnv({})).files(ETC)).values(),
    ]:
        assert "/opt/face-sidecar" not in text


def test_supervisor_runs_as_many_workers_as_were_asked_for() -> None:
    files = texts(Supervisor(Places(), 3, FaceEnv({})).files(ETC))
    assert "\nnumprocs=3\n" in files["/etc/supervisor/conf.d/face-worker.conf"]
    assert "\nautostart=true\n" in files["/etc/supervisor/conf.d/face-worker.conf"]


def test_without_workers_supervisor_starts_none() -> None:
    text = texts(Supervisor(Places(), 0, FaceEnv({})).files(ETC))["/etc/supervisor/conf.d/face-worker.conf"]
    assert "\nautostart=false\n" in text
