"""How the service runs: gunicorn, its processes, sockets and figures."""
