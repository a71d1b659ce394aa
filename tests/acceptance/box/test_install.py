"""install.sh on a machine with real systemd and no network: from nothing to a debug picture, up, back, and away."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.machine import ROOT, Machine, running_machine

pytestmark = pytest.mark.long

APP = "/var/www/photo"
DISK = f"{APP}/storage/app/private"
ENV = "APP_KEY=base64:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nDB_PASSWORD=hidden-word\nCACHE_STORE=database\n"
INSTALL = "cd /root/sidecar && ./install.sh --yes --offline /root/bundle"

#: Ends install.sh at each line that it says for the first time, and starts it again, until it ends well by itself.
KILLER = """
import os, signal, subprocess, sys
seen, runs = set(), 0
while True:
    runs, said = runs + 1, []
    words = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    process = subprocess.Popen(["./install.sh", *sys.argv[1:]], **words)
    for line in process.stdout:
        said.append(line)
        if line.startswith("==> ") and line not in seen:
            seen.add(line)
            os.killpg(process.pid, (signal.SIGKILL, signal.SIGINT)[runs % 2])
            process.stdout.read()
            process.wait()
            break
    else:
        print(*said)
        sys.exit(process.wait() or (0 if runs > 8 else 99))
"""


@pytest.fixture(scope="module")
def bundle() -> Path:
    folder = ROOT / ".cache/bundle"
    subprocess.run([ROOT / "script/bundle", folder, "--python", "3.11"], check=True)
    return folder


@pytest.fixture(scope="module")
def machine(bundle: Path, samples: Path) -> Iterator[Machine]:
    """With python3 and an app, and without anything of ours."""
    with running_machine() as machine:
        machine.run(
            "rm -rf /opt/face-sidecar /etc/systemd/system/face* /usr/local/bin/face-sidecar /var/lib/face-sidecar "
            "/usr/lib/*/face-sidecar.conf /etc/logrotate.d/face-sidecar; systemctl daemon-reload; "
            "groupdel web; rm -rf /etc/face-sidecar /var/log/face-sidecar"
        )
        machine.put_project("/root/sidecar")
        as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        subprocess.run([*as_root, "cp", "-r", bundle, f"{machine.root}/root/bundle"], check=True)
        machine.put("/root/face.jpg", (samples / "known/Joe Biden.jpg").read_bytes())
        machine.put(f"{APP}/.env", ENV, "640")
        machine.run(f"mkdir -p {DISK} && chown -R www-data:www-data {APP}")
        yield machine


def test_a_refusal_changes_nothing_and_a_dry_run_neither(machine: Machine) -> None:
    look = "find /etc /opt /usr /var/lib -newer /root/before -not -path '/var/lib/systemd/*' | sort; getent group web"
    machine.run("touch /root/before; sleep 0.01")
    assert "needed 45750" in machine.run(f"{INSTALL} --api-processes 130 2>&1", code=1).replace("MB", "")
    assert f"link {APP}/face-api-venv" in machine.run(f"{INSTALL} --dry-run --layout laravel")
    assert machine.run(look, code=None) == ""


def test_killed_at_every_step_and_run_again_it_ends_well(machine: Machine) -> None:
    machine.put("/root/killer.py", KILLER)
    words = "--yes --offline /root/bundle --with-worker 1 --layout laravel"
    machine.run(f"cd /root/sidecar && python3 /root/killer.py {words}")
    assert (
        machine.run("systemctl is-active face-api face-api.socket face-worker@1 face.target").split() == ["active"] * 4
    )
    assert machine.run("stat -c '%U:%G %a' /etc/face-sidecar/face.env") == "root:root 600"
    assert "hidden-word" not in machine.run("cat /etc/face-sidecar/face.env")
    assert machine.run("find /opt/face-sidecar ! -type l '(' ! -user root -o -perm /022 ')'") == ""
    assert machine.run("ls /opt/face-sidecar") == "current\nreleases"


def test_a_debug_picture_belongs_to_php_and_to_us(machine: Machine) -> None:
    machine.run(f"curl -fsS -F image=@/root/face.jpg -F original_path={DISK}/a/face.jpg 127.0.0.1:5000/encode")
    assert machine.run(f"stat -c '%U:%G %a' {DISK}/a/debug {DISK}/a/debug/*") == "www-data:web 775\nwww-data:web 664"


def test_a_disk_that_takes_no_picture_stops_an_upgrade_before_anything_changes(machine: Machine) -> None:
    look = "find /etc /opt /usr /var/lib -newer /root/before -not -path '/var/lib/systemd/*' | sort"
    machine.run(f"touch /root/before; sleep 0.01; chmod 555 {DISK}/a/debug")
    said = machine.run(f"{INSTALL} 2>&1", code=1)
    assert f"www-data cannot write a debug picture in {DISK}/a/debug (Permission denied)" in said
    assert "nothing was changed" in said
    assert "Permission denied" in machine.run(f"{INSTALL} --dry-run 2>&1", code=1)
    assert machine.run(look, code=None) == ""
    machine.run(f"chmod 775 {DISK}/a/debug")
    assert f"writes a debug picture in {DISK}/a/debug and removes it" in machine.run(f"{INSTALL} --dry-run")


def test_a_second_run_finds_all_there(machine: Machine) -> None:
    before = machine.says("MainPID", "face-api")
    assert "==> all is there already" in machine.run(INSTALL)
    assert machine.says("MainPID", "face-api") == before


def test_a_release_that_does_not_serve_gives_way_to_the_one_before(machine: Machine) -> None:
    before = machine.run("readlink /opt/face-sidecar/current")
    machine.run("echo 'raise RuntimeError(\"broken on purpose\")' >> /root/sidecar/face_api/main.py")
    said = machine.run(f"{INSTALL} 2>&1", code=1)
    assert "broken on purpose" in said
    assert f"the release {Path(before).name} serves again" in said
    assert machine.run("readlink /opt/face-sidecar/current") == before
    machine.run("curl -fsS 127.0.0.1:5000/readyz")


def test_an_upgrade_leaves_the_release_before_and_the_settings(machine: Machine) -> None:
    before = machine.run("readlink /opt/face-sidecar/current")
    machine.run("sed -i '$d' /root/sidecar/face_api/main.py; echo '# newer' >> /root/sidecar/face_api/main.py")
    machine.run("echo '# mine' >> /etc/face-sidecar/face.env")
    machine.run(INSTALL)
    assert machine.run("readlink /opt/face-sidecar/current") != before
    assert Path(before).name in machine.run("ls /opt/face-sidecar/releases")
    assert machine.run("tail -n 1 /etc/face-sidecar/face.env") == "# mine"


def test_what_is_removed_leaves_settings_until_purge(machine: Machine) -> None:
    machine.run("cd /root/sidecar && ./install.sh --uninstall --yes")
    assert machine.run("systemctl is-active face-api face-api.socket", code=None).split() == ["inactive"] * 2
    assert machine.run(f"ls /opt; ls {APP}; ls /etc/systemd/system | grep face; ls /usr/local/bin", code=None) == (
        "etc\nstorage"
    )
    assert machine.run("tail -n 1 /etc/face-sidecar/face.env") == "# mine"
    machine.run("cd /root/sidecar && ./install.sh --uninstall --purge --yes")
    assert machine.run("find / -xdev -name '*face-sidecar*' -not -path '/root/*' -not -path '/var/lib/systemd/*'") == ""


def test_under_supervisor_it_goes_back_and_is_removed_too(machine: Machine) -> None:
    machine.run("systemctl start supervisor")
    machine.run(f"{INSTALL} --supervisor --with-worker 1")
    before = machine.run("readlink /opt/face-sidecar/current")
    assert len(machine.run("supervisorctl status", code=None).splitlines()) == 2
    machine.run("echo 'raise RuntimeError(\"broken on purpose\")' >> /root/sidecar/face_api/main.py")
    said = machine.run(f"{INSTALL} 2>&1", code=1)
    assert "broken on purpose" in said
    assert f"the release {Path(before).name} serves again" in said
    assert machine.run("curl -fsS -o /dev/null -w '%{http_code}' 127.0.0.1:5000/readyz") == "200"
    machine.run("sed -i '$d' /root/sidecar/face_api/main.py; echo '# newest' >> /root/sidecar/face_api/main.py")
    assert "the port refused connections for" in machine.run(INSTALL)
    machine.run("cd /root/sidecar && ./install.sh --uninstall --purge --yes")
    assert machine.run("supervisorctl status; ss -Hltn 'sport = :5000'", code=None) == ""
    assert machine.run("find / -xdev -name '*face-sidecar*' -not -path '/root/*' -not -path '/var/lib/systemd/*'") == ""
