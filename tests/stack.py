"""The whole stack in processes of its own, as `make run` starts it, for tests that need real workers."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.standalone.layout import PROJECT_ROOT
from tests.embedded import make_home, remove_home

STOP_SECONDS = 60
# Variables by which a test run, or the installation of whoever runs it, would reach into the stack.
NOT_HANDED_ON = {
    "PYTEST_VERSION",
    "PYTEST_CURRENT_TEST",
    "PYTEST_XDIST_WORKER",
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "CELERY_RESULT_BACKEND",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
}


@dataclass
class RunningStack:
    """Address and data folder of a running stack."""

    url: str
    port: int
    home: Path
    process: "subprocess.Popen[str]"
    environment: dict[str, str]
    banner: str

    def manage(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a management command on this stack."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT_ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
        )

    def stop(self) -> int:
        """Ask it to stop in order, as Ctrl-C does; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)


@contextmanager
def running_stack(
    what: str = "run", home: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[RunningStack]:
    """Start it, yield it once it is up, stop it. A folder of the caller's is kept, our own is removed."""
    folder = home or make_home()
    try:
        stack = start_stack(what, folder, environment)
        try:
            yield stack
        finally:
            stack.stop()
    finally:
        if home is None:
            remove_home(folder)


def start_stack(what: str, home: Path, environment: Mapping[str, str] | None = None) -> RunningStack:
    port = free_port()
    settings = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
    settings |= {"COUNTERSTAIN_HOME": str(home), "HOST": "127.0.0.1", "PORT": str(port), **(environment or {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "config.standalone", what, "--until-parent-ends"],
        cwd=PROJECT_ROOT,
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Ctrl-C stops"):
            return RunningStack(f"http://127.0.0.1:{port}", port, home, process, settings, "".join(said))
    raise AssertionError(f"the stack did not start (exit code {process.wait()}):\n{''.join(said)}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
