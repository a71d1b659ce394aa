"""The named steps of a job, in their order: for the log at DEBUG, where each says how far a job has come."""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)


def reached(step: str) -> None:
    """Say that a step is done."""
    _log.debug("%s", step)
