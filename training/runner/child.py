"""A child process that is heard line by line, is stopped with all that it started, and dies with its worker."""

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal, Self

PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 10.0
LONGEST_LINE = 1_000_000
LINES_AHEAD = 10_000
SILENCES_AFTER_END = 4

Stream = Literal["stdout", "stderr"]


class Child:
    """A command in a process group of its own.

    Start it from a thread that lives as long as the work: the kernel ends the child when that thread ends.
    """

    def __init__(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_die_with_worker(),
        )
        self._lines: queue.Queue[tuple[Stream, bytes | None]] = queue.Queue(maxsize=LINES_AHEAD)
        self._abandoned = threading.Event()
        self._left = False
        for name, stream in (("stdout", self._process.stdout), ("stderr", self._process.stderr)):
            assert stream is not None
            threading.Thread(target=self._read, args=(name, stream), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Leave nothing of the group behind, however the work ended."""
        self._abandoned.set()
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._left = True  # from now on its number may be another process's

    def lines(self) -> Iterator[tuple[Stream, str] | None]:
        """Yield what the child writes, from both streams as it comes, until it has ended; None while it is quiet."""
        open_streams, silences = 2, 0
        while open_streams and silences < SILENCES_AFTER_END:
            try:
                stream, line = self._lines.get(timeout=0.5)
            except queue.Empty:
                if self._process.poll() is not None:
                    # It ended, but something that it started keeps its pipes open.
                    self._signal(signal.SIGKILL)
                    silences += 1
                yield None
                continue
            silences = 0
            if line is None:
                open_streams -= 1
            else:
                yield stream, line.decode(errors="replace").rstrip()

    def wait(self) -> int:
        """Return the exit code; minus the signal's number if a signal ended the child."""
        return self._process.wait()

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Ask the group to end, and make it end if it has not after the grace. May be called from any thread."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_seconds)
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._left:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read(self, name: Stream, stream: IO[bytes]) -> None:
        with stream:
            for line in iter(lambda: stream.readline(LONGEST_LINE), b""):
                self._hand_over((name, line))
        self._hand_over((name, None))

    def _hand_over(self, item: tuple[Stream, bytes | None]) -> None:
        """Wait for room, so that a child which writes faster than it is heard is slowed down, not lost."""
        while not self._abandoned.is_set():
            with contextlib.suppress(queue.Full):
                self._lines.put(item, timeout=1)
                return


def _die_with_worker() -> Callable[[], None] | None:
    """Return what has the kernel kill the child when the worker dies, even by kill -9 (Linux only)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    worker = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != worker:  # the worker died in between
            os._exit(1)

    return tie
