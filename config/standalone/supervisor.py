"""Start the parts of the stack as children, watch them, and stop them in order."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from config.standalone import reaper
from config.standalone.errors import CannotStart
from config.standalone.leash import die_with_parent
from config.standalone.processes import MARK, marked_processes
from config.standalone.reaper import end

LONGEST_LOG_BYTES = 20 * 10**6


class PartFailed(Exception):
    """A part ended by itself or did not come up. The message carries its last log lines."""


class Interrupted(Exception):
    """Somebody asked us to stop while parts were still starting."""


@dataclass(frozen=True)
class Part:
    """A running child."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    stop_signal: signal.Signals
    patience_seconds: float
    is_server: bool
    may_end: bool


class Supervisor:
    """Owns the children. Use as a context manager: leaving it stops every part, the last started first."""

    def __init__(self, logs: Path, lock: IO[str]) -> None:
        self.logs = logs
        self.mark = secrets.token_hex(8)
        self.parts: list[Part] = []
        self.stopping = False
        logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", str(Path(reaper.__file__)), self.mark],
            stdin=subprocess.PIPE,
            pass_fds=[lock.fileno()],
            start_new_session=True,
            cwd="/",
        )

    def __enter__(self) -> "Supervisor":
        for caught in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(caught, self._ask_to_stop)
        return self

    def __exit__(self, *_: object) -> None:
        for part in reversed([part for part in self.parts if not part.is_server]):
            stop(part)
        while left := marked_processes(self.mark):  # what the parts started and did not stop themselves
            end(left)
        for part in reversed([part for part in self.parts if part.is_server]):
            stop(part)
        self._reaper.communicate()  # the end of its input is the end of its task

    def spawn(
        self,
        name: str,
        command: list[str],
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        death_signal: signal.Signals = signal.SIGKILL,
        patience_seconds: float = 10,
        niceness: int = 0,
        may_end: bool = False,
    ) -> Part:
        """Start a part from a command line. What it starts in turn is found again by its mark.

        One that `may_end` has a task with an end; it tells of it on our own output.
        """
        return self._start(
            name,
            lambda log: subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=None if may_end else log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, **(environment or {}), MARK: self.mark},
                start_new_session=True,  # Ctrl-C on the terminal reaches us only; we stop the parts in order
                preexec_fn=die_with_parent(death_signal, niceness=niceness),
            ),
            stop_signal=stop_signal,
            patience_seconds=patience_seconds,
            may_end=may_end,
        )

    def spawn_server(
        self, name: str, start: "Callable[[IO[bytes]], subprocess.Popen[bytes]]", *, stop_signal: signal.Signals
    ) -> Part:
        """Start a part that must close its files: it is stopped last, and waited for even if we are killed."""
        part = self._start(name, start, stop_signal=stop_signal, patience_seconds=60, is_server=True)
        assert self._reaper.stdin is not None
        self._reaper.stdin.write(f"{part.process.pid}\n".encode())
        self._reaper.stdin.flush()
        return part

    def _start(
        self,
        name: str,
        start: "Callable[[IO[bytes]], subprocess.Popen[bytes]]",
        *,
        stop_signal: signal.Signals,
        patience_seconds: float,
        is_server: bool = False,
        may_end: bool = False,
    ) -> Part:
        if self.stopping:
            raise Interrupted
        log_file = self.logs / f"{name}.log"
        with open_log(log_file) as log:
            part = Part(name, start(log), log_file, stop_signal, patience_seconds, is_server, may_end)
        self.parts.append(part)
        return part

    def run_once(
        self, name: str, command: list[str], *, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Run a command to its end; its failure is the start's failure."""
        part = self.spawn(name, command, folder=folder, environment=environment)
        while part.process.poll() is None:
            self._pause()
        self.parts.remove(part)
        if part.process.returncode:
            raise PartFailed(describe_failure(part))

    def wait_until(self, what: str, is_ready: Callable[[], bool], *, seconds: float = 180) -> None:
        """Wait for a part to answer."""
        give_up_at = time.monotonic() + seconds
        while not is_ready():
            self._pause()
            self._check()
            if time.monotonic() > give_up_at:
                raise CannotStart(f"{what} did not answer within {seconds:.0f} seconds: see the logs in {self.logs}.")

    def watch(self) -> None:
        """Return when somebody asks us to stop; raise if a part ends that should not."""
        while True:
            try:
                self._pause(0.3)
            except Interrupted:
                return
            self._check()

    def _pause(self, seconds: float = 0.05) -> None:
        if self.stopping:
            raise Interrupted
        time.sleep(seconds)

    def _check(self) -> None:
        for part in [part for part in self.parts if part.process.poll() is not None]:
            if not part.may_end:
                raise PartFailed(describe_failure(part))
            self.parts.remove(part)
            if code := part.process.returncode:
                print(f"counterstain: {part.name} ended with code {code}; everything else goes on.", file=sys.stderr)
        if self._reaper.poll() is not None:
            raise PartFailed("The process that cleans up after a crash has ended by itself.")

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True


def stop(part: Part) -> None:
    """Ask a part to stop; after its patience, make it."""
    if part.process.poll() is not None:
        return
    part.process.send_signal(part.stop_signal)
    try:
        part.process.wait(part.patience_seconds)
    except subprocess.TimeoutExpired:
        part.process.kill()
        part.process.wait()


def open_log(log_file: Path) -> IO[bytes]:
    """Open a part's log for appending. A long one is put aside, so that logs never fill the disk over the years."""
    if log_file.exists() and log_file.stat().st_size > LONGEST_LOG_BYTES:
        log_file.replace(log_file.with_suffix(".log.old"))
    return log_file.open("ab")


def describe_failure(part: Part, lines: int = 12) -> str:
    """Say which part ended and what it said last."""
    last = part.log.read_text(errors="replace").splitlines()[-lines:]
    head = f"{part.name} ended with code {part.process.returncode}. The end of {part.log}:"
    return "\n".join([head, *(f"{part.name} | {line}" for line in last)])
