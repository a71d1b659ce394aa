"""The programs under real supervisor: rights, and nobody on the port whatever was killed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.machine import ROOT, Machine, running_machine

pytestmark = pytest.mark.long

SUPERVISOR = """[supervisord]
logfile=/root/supervisord.log
pidfile=/run/supervisord.pid
[unix_http_server]
file=/run/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///run/supervisor.sock
[include]
files=/opt/face-sidecar/current/etc/supervisor/face-*.conf
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with running_machine() as machine:
        machine.put("/etc/face-sidecar/face.env", "FACE_API_PROCESSES=2\n", "600")
        machine.put("/etc/supervisor/supervisord.conf", SUPERVISOR)
        machine.run("systemd-sysusers && systemd-tmpfiles --create && supervisord -c /etc/supervisor/supervisord.conf")
        yield machine


def answers(machine: Machine) -> bool:
    return machine.run("curl -s -m 60 -o /dev/null -w '%{http_code}' 127.0.0.1:5000/readyz", code=None) == "200"


def test_the_programs_are_the_users_and_share_their_group(machine: Machine, wait_for: Any) -> None:
    wait_for(lambda: answers(machine), seconds=120)
    assert set(machine.run("ps -o user:20=,group= -C python").splitlines()) == {"www-data             web"}
    state = machine.run("cat /proc/$(supervisorctl pid face-api)/status")
    assert "Umask:\t0002" in state
    wait_for(lambda: machine.run("supervisorctl status | grep -c RUNNING", code=None) == "2", seconds=60, pause=1)


def test_killed_stopped_and_started_20_times_nobody_stays_on_the_port(machine: Machine, wait_for: Any) -> None:
    wait_for(lambda: answers(machine), seconds=120)
    for _ in range(20):
        killed = machine.run("supervisorctl pid face-api")
        machine.run(f"kill -9 {killed}")
        wait_for(lambda killed=killed: machine.run("supervisorctl pid face-api", code=None) not in {"0", killed})
        machine.run("supervisorctl stop face-api")
        assert machine.run("ss -Hltn 'sport = :5000'") == ""
        wait_for(lambda: not machine.run("pgrep -f 'm face_api'", code=None))
        machine.run("supervisorctl start face-api")
        wait_for(lambda: answers(machine), seconds=120)
    assert "cannot be listened on" not in machine.run("cat /var/log/face-sidecar/face-api.log")


def test_its_log_is_rotated_and_written_on(machine: Machine, wait_for: Any) -> None:
    machine.run("logrotate -f /etc/logrotate.d/face-sidecar")
    machine.run("supervisorctl restart face-api", code=None)
    wait_for(lambda: "ASGI server listening" in machine.run("cat /var/log/face-sidecar/face-api.log"), seconds=60)
    assert machine.run("stat -c '%U:%G %a' /var/log/face-sidecar/face-api.log*") == "\n".join(["www-data:web 664"] * 2)


def test_both_run_in_the_apps_own_group(machine: Machine, wait_for: Any) -> None:
    """As etc/supervisor/photo-workers.conf.example says, beside other programs of the app."""
    others = "".join(f"[program:{name}]\ncommand=sleep 1000\n" for name in ("photo-default", "photo-thumbnails"))
    machine.put("/opt/face-sidecar/current/etc/supervisor/face-others.conf", others)
    group = (ROOT / "etc/supervisor/photo-workers.conf.example").read_text()
    machine.put("/opt/face-sidecar/current/etc/supervisor/face-group.conf", group)
    machine.run("supervisorctl reread && supervisorctl update")
    wait_for(lambda: machine.run("supervisorctl status | grep -c RUNNING", code=None) == "4", seconds=60, pause=1)
    names = {line.split()[0] for line in machine.run("supervisorctl status").splitlines()}
    assert {"photo-workers:face-api", "photo-workers:face-worker_00"} < names
    wait_for(lambda: answers(machine), seconds=60)


def test_the_programs_end_with_a_supervisor_that_is_killed(machine: Machine, wait_for: Any) -> None:
    machine.run("kill -9 $(cat /run/supervisord.pid)")
    wait_for(lambda: not machine.run("pgrep -f 'm (face_api|worker)'", code=None), seconds=60)
    assert machine.run("ss -Hltn 'sport = :5000'") == ""
