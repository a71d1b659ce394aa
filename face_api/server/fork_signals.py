"""Signals at the moment of a fork: a wish to end waits until the new process listens to it."""

from __future__ import annotations

import signal

#: What ends a process.
_ENDS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)


def hold_ends() -> None:
    """From here on a wish to end waits.

    A new process begins with the master's handler: it would take the wish for the master's and lose it, and the
    master does not say it twice.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)


def hear_ends() -> None:
    """Hear such wishes again, also one that came meanwhile."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
