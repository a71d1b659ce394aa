# ruff: noqa: N999  the file name is gunicorn's
"""How gunicorn runs the people API. `python -m people_api` hands it over.

What a person sets is a variable of `faces/settings.py`.
"""

import faulthandler
import os

from faces.http.server.master import accept_shutdown_requests, hold_shutdown_requests
from faces.settings import load
from faces.system import logs
from people_api.http.access import PeopleAccess

_settings = load()

bind = [str(address) for address in PeopleAccess.of(_settings).addresses.all()]

workers = _settings.people_processes

wsgi_app = "people_api.main:production()"

# Before the fork keys are read and the memory of the figures is shared. The database is opened behind it: a connection
# cannot be shared.
preload_app = True

# The class says why it is not uvicorn's.
worker_class = "faces.http.server.gunicorn_worker.Worker"

# A process whose event loop does not run for so long is killed; lists are read in threads, which do not stop the loop.
timeout = max(60, _settings.api_idle_seconds + 30)

# A graceful stop ends when everything accepted is answered. This is only the bound: behind an answer groups are asked
# about again for a minute at most.
graceful_timeout = 90

# Seconds for which an idle connection is kept: longer than between two clicks.
keepalive = 5

# Gunicorn touches a file there every second, which on a disk could block.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  no file of ours has a name there

# Gunicorn 27 opens one below $HOME, which under supervisor is another user's.
control_socket_disable = True

# No proxy is trusted: nothing here reads a client's address, and X-Forwarded-* must not change that.
forwarded_allow_ips = ""

logconfig_dict = logs.api_configuration(_settings.log_level)

# The request log is ours (faces/http/request_log.py).
accesslog = None


def on_starting(server):  # noqa: ANN001, ANN201
    """In the master, once, before it listens."""
    faulthandler.enable()
    os.register_at_fork(after_in_parent=accept_shutdown_requests)


def pre_fork(server, worker):  # noqa: ANN001, ANN201
    """In the master, before each fork."""
    hold_shutdown_requests()


def child_exit(server, worker):  # noqa: ANN001, ANN201
    """In the master, when a process has ended."""
    server.app.wsgi().state.service.figures.process_ended(worker.slot)
