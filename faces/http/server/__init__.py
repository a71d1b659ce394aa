"""Gunicorn, as every HTTP door runs it."""
