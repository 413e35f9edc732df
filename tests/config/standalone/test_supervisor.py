import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import chain

from config.standalone.layout import PROJECT_ROOT
from config.standalone.processes import is_alive, marked_processes, processes_in
from tests.embedded import make_home, remove_home

PATIENCE_SECONDS = 60


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder that Postgres can use also when the tests run as root."""
    folder = make_home()
    yield folder
    remove_home(folder)


class SmallStack:
    """The process under test, and what belongs to it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        command = [sys.executable, "-m", "tests.config.standalone.small_stack", str(home)]
        environment = {**os.environ, "COUNTERSTAIN_HOME": str(home)}
        self.process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n", "see its errors above"
        self.mark = self._mark()

    def members(self) -> list[int]:
        """Every living process of the stack but the supervisor: marked ones, servers, and the reaper."""
        servers = processes_in(self.home / "postgres" / "data") + processes_in(self.home / "valkey")
        return [*marked_processes(self.mark), *servers, *self._reapers()]

    def _mark(self) -> str:
        child = next(pid for pid in children_of(self.process.pid) if b"reaper.py" in command_line(pid))
        return command_line(child).split(b"\0")[-2].decode()

    def _reapers(self) -> list[int]:
        pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
        return [pid for pid in pids if is_alive(pid) and self.mark.encode() in command_line(pid)]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def wait_until(happened: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < give_up_at, "did not happen"
        time.sleep(0.05)


def test_after_kill_9_nothing_is_left_and_the_chain_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSTAIN_HOME", str(home))
    from tests.config.standalone.slow_app import app, step

    stack = SmallStack(home)
    wait_until(lambda: len(marked_processes(stack.mark)) >= 4)  # worker and its child, stubborn and its child
    chain(step.si("first"), step.si("second")).delay()
    wait_until((home / "first.begun").exists)

    stack.process.send_signal(signal.SIGKILL)
    stack.process.wait()
    wait_until(lambda: stack.members() == [])
    assert not (home / "first.done").exists()

    stack = SmallStack(home)
    wait_until((home / "second.done").exists)
    assert (home / "first.begun").read_text() == "begun\nbegun\n"
    assert (home / "second.begun").read_text() == "begun\n"
    app.close()

    stack.process.send_signal(signal.SIGINT)
    assert stack.process.wait(PATIENCE_SECONDS) == 0
    assert stack.members() == []
