"""The units on real systemd: how they start, what they survive, how they end, and what the sandbox lets through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.machine import ROOT, Machine, running_machine

pytestmark = pytest.mark.long

DISK = "/var/www/photo/storage/app/private"
SETTINGS = f"""# of a test
FACE_DISK_ROOTS=local={DISK}
FACE_API_PROCESSES=2
FACE_DATABASE_URL=mysql+pymysql://nobody@127.0.0.1:1/faces
RABBITMQ_HOST=127.0.0.1
RABBITMQ_PORT=1
CACHE_STORE=database
"""
BOX = f"[Service]\nMemoryMax=3G\nReadWritePaths=-{DISK}\n"


@pytest.fixture(scope="module")
def machine(small_photo: bytes, slow_photo: bytes) -> Iterator[Machine]:
    with running_machine() as machine:
        machine.put("/etc/face-sidecar/face.env", SETTINGS, "600")
        machine.put("/etc/systemd/system/face-api.service.d/box.conf", BOX)
        machine.put("/root/post_photos.py", (ROOT / "tests/servers/post_photos.py").read_text())
        machine.put("/root/small.jpg", small_photo)
        machine.put("/root/slow.jpg", slow_photo)
        machine.put(f"{DISK}/2020/a.jpg", small_photo)
        machine.run("systemd-sysusers && systemd-tmpfiles --create")
        machine.run("chown -R www-data:web /var/www && find /var/www -type d -exec chmod 2775 {} +")
        machine.run("systemctl daemon-reload && systemctl enable face-api.socket face-api face-worker@1 face.target")
        machine.run("systemctl start face.target face-api face-worker@1")
        yield machine
        print(machine.log("face-api")[-3000:])  # noqa: T201  what pytest shows of a test that fails


@pytest.fixture
def ready(machine: Machine, wait_for: Any) -> Machine:
    """All of it, up and answering."""
    machine.run("systemctl start face.target face-api face-worker@1")
    wait_for(lambda: answers(machine), seconds=120)
    return machine


def answers(machine: Machine) -> bool:
    return machine.run("curl -s -m 60 -o /dev/null -w '%{http_code}' 127.0.0.1:5000/readyz", code=None) == "200"


def master(machine: Machine) -> str:
    return machine.says("MainPID", "face-api")


def processes(machine: Machine) -> set[str]:
    return set(machine.run(f"pgrep -P {master(machine)}", code=None).split())


def encode(machine: Machine, file: str, *fields: str) -> str:
    form = " ".join(f"-F {field}" for field in (f"image=@{file}", *fields))
    return machine.run(f"curl -s -m 120 -o /dev/null -w '%{{http_code}}' {form} 127.0.0.1:5000/encode", code=None)


def test_the_units_are_without_fault_and_closed_enough(ready: Machine) -> None:
    assert (
        ready.run("systemd-analyze verify face-api.socket face-api.service face-worker@1.service face.target 2>&1")
        == ""
    )
    for unit in ("face-api", "face-worker@1"):
        words = ready.run(f"systemd-analyze security --no-pager {unit} | tail -n 1")
        found = re.search(r"level for .*: ([\d.]+)", words)
        assert found, words
        assert float(found[1]) <= 1.5


def test_it_starts_with_the_machine_and_a_worker_needs_neither_broker_nor_database(ready: Machine) -> None:
    assert ready.says("ActiveState", "face.target") == "active"
    assert ready.says("ActiveState", "face-worker@1") == "active"
    assert "waiting for the database" in ready.log("face-worker@1")


def test_a_debug_picture_has_the_rights_that_php_needs(ready: Machine) -> None:
    fields = ("original_disk=local", "original_path=2020/a.jpg", "image_debug_subdir=debug")
    assert encode(ready, f"{DISK}/2020/a.jpg", *fields) == "200"
    assert ready.run(f"stat -c '%U:%G %a' {DISK}/2020/debug {DISK}/2020/debug/debug_a.jpg") == (
        "www-data:web 2775\nwww-data:web 664"
    )


def test_the_command_reads_roots_settings_and_is_not_root(ready: Machine) -> None:
    assert ready.run("cd /tmp && echo 'raise SystemExit(9)' > json.py && face-sidecar --version").startswith("face ")
    assert ready.run("stat -c %U:%G /var/lib/face-sidecar") == "www-data:web"


def test_a_killed_process_is_replaced_by_its_master(ready: Machine, wait_for: Any) -> None:
    before, restarts = processes(ready), ready.says("NRestarts", "face-api")
    killed = sorted(before)[0]
    ready.run(f"kill -9 {killed}")
    wait_for(lambda: len(processes(ready) - {killed}) == 2)
    assert answers(ready)
    assert ready.says("NRestarts", "face-api") == restarts


def test_a_killed_master_comes_back_and_leaves_nobody_behind(ready: Machine, wait_for: Any) -> None:
    old = processes(ready)
    first = master(ready)
    ready.run(f"kill -9 {first}")
    wait_for(lambda: master(ready) not in {"0", first}, seconds=60)
    wait_for(lambda: answers(ready), seconds=60)
    assert not set(ready.run("pgrep -f 'm face_api'").split()) & old
    assert ready.says("ActiveState", "face-api.socket") == "active"


def test_what_hangs_is_ended_and_replaced(ready: Machine, wait_for: Any) -> None:
    """A process by its master, worker and master by systemd; each takes a minute and more."""
    hung = sorted(processes(ready))[0]
    worker = ready.says("MainPID", "face-worker@1")
    ready.run(f"kill -STOP {hung} {worker}")
    wait_for(lambda: hung not in processes(ready), seconds=120, pause=1)
    wait_for(lambda: ready.says("MainPID", "face-worker@1") not in {"0", worker}, seconds=120, pause=1)
    first = master(ready)
    ready.run(f"kill -STOP {first}")
    wait_for(lambda: master(ready) not in {"0", first}, seconds=180, pause=1)
    wait_for(lambda: answers(ready), seconds=60)
    for unit in ("face-api", "face-worker@1"):
        assert "Fatal Python error: Aborted" in ready.log(unit)


def test_a_restart_under_load_fails_no_request(ready: Machine) -> None:
    told = ready.run(
        "python3 /root/post_photos.py /root/small.jpg 20 & sleep 2; systemctl restart face-api; sleep 2; "
        "systemctl restart face-api; wait"
    )
    assert re.fullmatch(r"\{'200': \d+\} [\d.]+", told)


def test_a_reload_replaces_the_processes_and_fails_no_request(ready: Machine, wait_for: Any) -> None:
    first, before = master(ready), processes(ready)
    told = ready.run("python3 /root/post_photos.py /root/small.jpg 6 & sleep 1; systemctl reload face-api; wait")
    assert re.fullmatch(r"\{'200': \d+\} [\d.]+", told)
    assert master(ready) == first
    wait_for(lambda: len(processes(ready)) == 2 and not processes(ready) & before)


def test_a_stop_answers_the_photos_in_hand(ready: Machine) -> None:
    post = "curl -s -o /dev/null -w '%{http_code}\\n' -F image=@/root/slow.jpg 127.0.0.1:5000/encode"
    in_hand = "until ls /var/lib/face-sidecar/in_hand | grep -q .; do sleep 0.02; done"
    told = ready.run(
        f"for i in 1 2 3 4; do {post} & done; {in_hand}; sleep 0.3; systemctl stop face-api.socket face-api; wait"
    )
    assert told.split() == ["200"] * 4
    assert ready.says("Result", "face-api") == "success"
    assert ready.run("ls /var/lib/face-sidecar/crashed") == ""


def test_a_wrong_setting_fails_the_service_and_not_the_socket(ready: Machine, wait_for: Any) -> None:
    ready.put("/etc/face-sidecar/face.env", SETTINGS.replace("PROCESSES=2", "PROCESSES=two"), "600")
    ready.run("systemctl restart face-api", code=1)
    wait_for(lambda: ready.log("face-api").count("FACE_API_PROCESSES: Input should be") > 4, seconds=60)
    assert ready.says("ActiveState", "face-api.socket") == "active"
    ready.put("/etc/face-sidecar/face.env", SETTINGS, "600")
    assert answers(ready), "it heals by itself, and the request has waited"


def test_sockets_and_settings_that_differ_are_refused(ready: Machine) -> None:
    ready.put("/etc/face-sidecar/face.env", SETTINGS + "FACE_API_ADDRESS=127.0.0.1:5005\n", "600")
    ready.run("systemctl restart face-api", code=1)
    assert "listens on 127.0.0.1:5000, FACE_API_ADDRESS says 127.0.0.1:5005" in ready.log("face-api")
    ready.put("/etc/face-sidecar/face.env", SETTINGS, "600")
    assert answers(ready)


def test_a_disk_that_cannot_be_written_is_said_at_the_start(ready: Machine) -> None:
    ready.run("mkdir -p /srv/disk")
    ready.put("/etc/face-sidecar/face.env", SETTINGS.replace(DISK, "/srv/disk"), "600")
    ready.run("systemctl restart face-api")
    assert "no debug picture can be written to the disk local: /srv/disk is not writable" in ready.log("face-api")
    ready.put("/etc/face-sidecar/face.env", SETTINGS, "600")
    ready.run("systemctl restart face-api")


def test_stopping_the_target_stops_everything_the_ports_too(ready: Machine, wait_for: Any) -> None:
    ready.run("systemctl stop face.target")
    wait_for(lambda: not ready.run("pgrep -f 'm (face_api|worker)'", code=None), seconds=60)
    assert ready.run("curl -s -m 5 127.0.0.1:5000/readyz; echo $?") == "7"
    assert ready.says("ActiveState", "face-api.socket") == "inactive"
