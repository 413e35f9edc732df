"""Tie a child process to its parent, so that `kill -9` of the parent ends the child too (Linux)."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def die_with_parent(death_signal: signal.Signals, *, niceness: int = 0) -> Callable[[], None]:
    """Return a `preexec_fn` that has the kernel send `death_signal` to the child when its parent dies.

    The kernel watches the parent *thread*: start such children from the main thread only.
    """
    libc = c_library()
    parent = os.getpid()

    def set_death_signal() -> None:
        if niceness:
            os.nice(niceness)
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, int(death_signal))
            if os.getppid() != parent:  # the parent died in between
                os._exit(1)

    return set_death_signal


def send_on_parents_death(death_signal: signal.Signals) -> None:
    """Have the kernel send us a signal when the process that started us dies."""
    if (libc := c_library()) is not None:
        libc.prctl(PR_SET_PDEATHSIG, int(death_signal))


def c_library() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
