# ruff: noqa: N999  the file name is gunicorn's
"""How gunicorn runs the API: in production, in tests and in the demo alike. `python -m face_api` hands it over.

What a person sets is a variable of `faces/settings.py`. Each line that is not obvious has its reason here.
"""

import faulthandler
import os

from face_api.http.access import addresses_of
from face_api.server.startup import warn_of_pictures
from faces.http.server.master import accept_shutdown_requests, hold_shutdown_requests
from faces.settings import load
from faces.system import logs

_settings = load()

bind = [str(address) for address in addresses_of(_settings).all()]

# The number of engine processes: FACE_API_PROCESSES, by default the cores that this process may use.
workers = _settings.api_processes

wsgi_app = "face_api.main:production()"

# The models are loaded once, before the fork, and their memory is shared. On SIGHUP the processes are replaced, the
# settings stay: they come from an environment that cannot change.
preload_app = True

# One event loop and one engine a process; the class beneath says why it is not uvicorn's. Threads would add nothing:
# dlib holds the interpreter's lock while it encodes, and one scan uses one core.
worker_class = "face_api.server.engine_worker.EngineWorker"

# A process whose event loop does not run for so long is killed. Longer than a client may be silent, because gunicorn
# ends its wait for a body by the same number. A slow photo does not stop the loop; the engine has a limit of its own.
timeout = max(60, _settings.api_idle_seconds + 30)

# A graceful stop ends when everything accepted is answered. This is only the bound, for 16 slow photos in a process.
# installer/face_env.py has the same factor.
graceful_timeout = _settings.api_photo_seconds * 4

# Seconds for which an idle connection is kept: longer than a client's pause between two photos. It delays no stop.
keepalive = 5

# Gunicorn touches a file there every second, which on a disk could block.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  no file of ours has a name there

# Gunicorn 27 opens one below $HOME, which under supervisor is another user's.
control_socket_disable = True

# No proxy is trusted: nothing here reads a client's address, and X-Forwarded-* must not change that.
forwarded_allow_ips = ""

logconfig_dict = logs.api_configuration(_settings.log_level)

# The request log is ours (faces/http/request_log.py): it has ids and stages.
accesslog = None


def on_starting(server):  # noqa: ANN001, ANN201
    """In the master, once, before it listens."""
    # A crash in C then logs where it happened.
    faulthandler.enable()
    os.register_at_fork(after_in_parent=accept_shutdown_requests)
    server.app.wsgi().state.service.process.count_crashes()
    warn_of_pictures(_settings)


def pre_fork(server, worker):  # noqa: ANN001, ANN201
    """In the master, before each fork."""
    hold_shutdown_requests()


def child_exit(server, worker):  # noqa: ANN001, ANN201
    """In the master, when a process has ended."""
    server.app.wsgi().state.service.process.process_ended(worker.pid, worker.slot)


def worker_exit(server, worker):  # noqa: ANN001, ANN201
    """In the process that ends, and by gunicorn's habit in the master, too."""
    worker.finish()
