"""Debian 12 machines with real systemd (see machine.sh): one with the sidecar in its place, and a bare server."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_TOOL = str(Path(__file__).with_name("machine.sh"))
_AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
_RELEASE = "/opt/face-sidecar/releases/1"

#: What the machine has on which units and programs are tried.
_PREPARED = "python3 python3-venv supervisor logrotate"

#: What a server has before the sidecar comes: no Python among it.
_SERVER = "git sudo mariadb-server rabbitmq-server"


class Machine:
    """One that runs; `run` is a shell command on it, as root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def boot(self) -> None:
        started = _tool("boot", str(self.root))
        assert started.returncode == 0, started.stderr

    def connect(self) -> None:
        """Give it a way to the network."""
        connected = _tool("connect", str(self.root))
        assert connected.returncode == 0, connected.stderr

    def halt(self) -> None:
        """Stop it, as a person does; all memory is gone."""
        _tool("halt", str(self.root))

    def run(self, command: str, code: int | None = 0) -> str:
        """What the command prints; `code` None: however it ends."""
        ended = _tool("run", str(self.root), command)
        assert code is None or ended.returncode == code, f"{command}: {ended.returncode}\n{ended.stdout}{ended.stderr}"
        return ended.stdout.strip()

    def says(self, name: str, unit: str) -> str:
        """A property of a unit."""
        return self.run(f"systemctl show -P {name} '{unit}'")

    def log(self, unit: str) -> str:
        return self.run(f"journalctl -u '{unit}' -o cat --no-pager")

    def put_project(self, folder: str) -> None:
        """The project as it is today: what git knows, and what is new."""
        listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, capture_output=True, check=True).stdout
        pack = ["tar", "-C", str(ROOT), "--null", "-T", "-", "-c"]
        packed = subprocess.run(pack, input=names, capture_output=True, check=True).stdout
        self.run(f"mkdir -p {folder}")
        unpack = [*_AS_ROOT, "tar", "-C", f"{self.root}{folder}", "--no-same-owner", "-x"]
        subprocess.run(unpack, input=packed, check=True)

    def put(self, path: str, text: str | bytes, mode: str = "644") -> None:
        data = text.encode() if isinstance(text, str) else text
        target = f"{self.root}{path}"
        subprocess.run([*_AS_ROOT, "mkdir", "-p", str(Path(target).parent)], check=True)
        subprocess.run([*_AS_ROOT, "tee", target], input=data, stdout=subprocess.DEVNULL, check=True)
        subprocess.run([*_AS_ROOT, "chmod", mode, target], check=True)


@contextmanager
def running_machine() -> Iterator[Machine]:
    """One for as long as the block, without network, with today's code and units where install.sh would put them."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(_all_files()))).hexdigest()[:16]
    with _booted(_tarball("prepared", digest, _PREPARED, str(ROOT)), _put_code) as machine:
        machine.run("systemctl stop supervisor")
        yield machine


@contextmanager
def running_server() -> Iterator[Machine]:
    """One for as long as the block, with MariaDB, RabbitMQ, git, sudo and a network, and nothing of ours."""
    digest = hashlib.sha256(Path(_TOOL).read_bytes()).hexdigest()[:16]
    with _booted(_tarball("server", digest, _SERVER)) as machine:
        machine.connect()
        yield machine


@contextmanager
def _booted(tarball: Path, prepare: Callable[[Path], None] = lambda _root: None) -> Iterator[Machine]:
    root = Path(tempfile.mkdtemp(prefix="running-", dir=tarball.parent))
    machine = Machine(root)
    try:
        subprocess.run([*_AS_ROOT, "tar", "-C", root, "--zstd", "--numeric-owner", "-xf", tarball], check=True)
        prepare(root)
        machine.boot()
        yield machine
    finally:
        machine.halt()
        subprocess.run([*_AS_ROOT, "rm", "-rf", "--one-file-system", root], check=True)


def _tarball(name: str, digest: str, *words: str) -> Path:
    """The root as it is packed; made where what it is made of changed."""
    tarball = ROOT / ".cache/machines" / f"{name}-{digest}.tar.zst"
    if not tarball.exists():
        tarball.parent.mkdir(parents=True, exist_ok=True)
        for old in tarball.parent.glob(f"{name}-*"):
            old.unlink()
        made = _tool("make", str(tarball), *words)
        log = tarball.with_name(f"{tarball.name}.log")
        assert made.returncode == 0, f"{made.stderr}\n{log.read_text()[-3000:] if log.exists() else ''}"
    return tarball


def _all_files() -> Iterator[Path]:
    for name in ("requirements.txt", "requirements-build.txt", "requirements-native.txt", "script/setup"):
        yield ROOT / name
    yield Path(_TOOL)
    yield from (file for file in (ROOT / "native").rglob("*.[chp]*") if file.is_file() and "build" not in file.parts)


def _put_code(root: Path) -> None:
    release = f"{root}{_RELEASE}"
    script = f"""
set -e
cd {ROOT}
rm -rf {release}/faces {release}/face_api {release}/worker {release}/etc
tar --exclude=__pycache__ -c faces face_api worker etc | tar -C {release} --no-same-owner -x
chmod -R go-w,a+rX {release}/faces {release}/face_api {release}/worker {release}/etc
cp etc/systemd/face* {root}/etc/systemd/system/
cp etc/sysusers.d/* {root}/usr/lib/sysusers.d/
cp etc/tmpfiles.d/* {root}/usr/lib/tmpfiles.d/
cp etc/logrotate.d/* {root}/etc/logrotate.d/
install -m 755 etc/face-sidecar {root}/usr/local/bin/
"""
    subprocess.run([*_AS_ROOT, "bash", "-c", script], check=True)


def _tool(*words: str) -> subprocess.CompletedProcess[str]:
    # The machine outlives the tool: it must not hold our pipes.
    return subprocess.run([*_AS_ROOT, "bash", _TOOL, *words], capture_output=True, text=True, check=False)
