"""Pytest plugin: one throw-away Postgres for the session, before Django reads its settings.

Under xdist the controller starts it; the workers inherit its address, and pytest-django gives each worker
a database of its own. With DATABASE_URL set by the caller, that server is used as it is.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from config.standalone.postgres import STOP_SIGNAL, Postgres, server_account

PREFIX = "counterstain-test-"


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Run before pytest-django, which reads the settings in this hook."""
    asked_only = early_config.known_args_namespace.help or early_config.known_args_namespace.version
    if "PYTEST_XDIST_WORKER" not in os.environ and not asked_only:
        home = make_home()
        early_config.add_cleanup(lambda: remove_home(home))
        os.environ["COUNTERSTAIN_HOME"] = str(home)
        if not os.environ.get("DATABASE_URL"):
            early_config.add_cleanup(start_postgres(home))
    return (yield)


def make_home() -> Path:
    """Make a data folder that the account of the database server can reach (pytest's own are closed to it)."""
    account = server_account()
    for parent in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):
        if parent.is_dir() and (account is None or account.can_reach(parent)):
            remove_abandoned_homes(parent)
            home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent)).resolve()
            home.chmod(0o755)
            return home
    raise pytest.UsageError(f"No temporary folder that the account {account} can reach: set TMPDIR to one.")


def remove_home(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)


def remove_abandoned_homes(parent: Path) -> None:
    """Remove the folders of test runs that were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):
            if pid.isdigit() and folder.stat().st_uid == os.geteuid() and not Path(f"/proc/{pid}").exists():
                shutil.rmtree(folder, ignore_errors=True)


def start_postgres(home: Path) -> Callable[[], None]:
    """Start the server, name it in the environment, and return what stops it."""
    server = Postgres(home / "postgres", home / "postgres" / "socket", for_tests=True)
    server.prepare()
    log_file = home / "postgres.log"
    with log_file.open("ab") as log:
        process = server.start(log)

    def stop() -> None:
        process.send_signal(STOP_SIGNAL)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    for _ in range(600):
        if server.is_ready():
            os.environ["DATABASE_URL"] = server.url("postgres")
            return stop
        if process.poll() is not None:
            break
        time.sleep(0.05)
    stop()
    raise pytest.UsageError(f"The embedded Postgres did not start:\n{log_file.read_text()[-2000:]}")
