"""The operating system's parent process: a process that ends when the one that started it ends, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal

#: From <sys/prctl.h>: the signal that a process gets when its parent dies.
_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Have the kernel send us SIGTERM when `parent`, which has just started us, dies, or has died meanwhile.

    Called in the new process, also between fork and exec. A change of the user and a fork cancel it; an exec does not.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
