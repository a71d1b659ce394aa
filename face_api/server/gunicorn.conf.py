# ruff: noqa: N999  the file name is gunicorn's
"""How gunicorn runs the API: in production, in tests and in the demo alike. `python -m face_api` hands it over.

Everything that a person sets is a variable of `faces/settings.py`; here stand the reasons.
"""

import faulthandler
import os

from face_api.server import disk_roots, fork_signals
from face_api.server.addresses import Addresses
from faces.settings import load
from faces.system import logs

_settings = load()

bind = [str(address) for address in Addresses.of(_settings).all()]
workers = _settings.api_processes
wsgi_app = "face_api.main:production()"

# The models are loaded once, before the fork, and their memory is shared. On SIGHUP the processes are replaced, the
# settings stay: they come from an environment that cannot change.
preload_app = True

# One event loop and one engine a process, see the class for why it and not uvicorn's. Threads would add nothing: dlib
# holds the interpreter's lock while it encodes, and one scan uses one core.
worker_class = "face_api.server.gunicorn_worker.Worker"

# A process whose event loop stands still for so long is ended. It must be longer than a client may be silent, because
# gunicorn ends its wait for a body by the same number. A photo that takes long does not stop the loop; the engine has
# its own limit for it.
timeout = max(60, _settings.api_idle_seconds + 30)

# A graceful stop ends when everything accepted is answered. This is only the bound, for 16 slow photos in a process.
graceful_timeout = _settings.api_photo_seconds * 4

# Longer than the pause between two photos of one client; kept connections do not hold up a stop.
keepalive = 5

# Gunicorn touches a file there every second; on a disk that would be a write for nothing, and could block.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  no file of ours has a name there

# Gunicorn 27 opens one below $HOME, which under supervisor is somebody else's.
control_socket_disable = True

# No proxy is trusted: nothing here reads a client's address, and X-Forwarded-* must not change anything.
forwarded_allow_ips = ""

logconfig_dict = logs.api_configuration(_settings.log_level)

# The request log is ours (face_api/http/request_log.py): it knows ids and stages.
accesslog = None


def on_starting(server):  # noqa: ANN001, ANN201
    # A crash in C says where it happened.
    faulthandler.enable()
    os.register_at_fork(after_in_parent=fork_signals.hear_ends)
    server.app.wsgi().state.service.process.count_crashes()
    disk_roots.warn_of_unwritable(_settings.disk_roots)


def pre_fork(server, worker):  # noqa: ANN001, ANN201
    fork_signals.hold_ends()


def child_exit(server, worker):  # noqa: ANN001, ANN201
    server.app.wsgi().state.service.process.bury(worker.pid, worker.place)


def worker_exit(server, worker):  # noqa: ANN001, ANN201
    worker.finish()
