"""The stack on one machine: which parts, in which order, with which environment."""

import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection
from typing import Any

from config.celery import app
from config.standalone.postgres import STOP_SIGNAL as POSTGRES_STOP_SIGNAL
from config.standalone.postgres import Postgres
from config.standalone.supervisor import Supervisor
from config.standalone.valkey import STOP_SIGNAL as VALKEY_STOP_SIGNAL
from config.standalone.valkey import Valkey

QUEUES = ("cpu", "gpu")
# Pages stay quick while a run computes.
WORKER_NICENESS = 5


class Stack:
    """Starts the parts. A part whose address the environment names (DATABASE_URL, …) runs elsewhere."""

    def __init__(self, supervisor: Supervisor, settings: Any, say: Callable[[str], None]) -> None:
        self.supervisor = supervisor
        self.settings = settings
        self.layout = settings.LAYOUT
        self.say = say
        self.environment = {
            "PYTHONUNBUFFERED": "1",
            # glibc makes up to eight heaps per core; two keep the memory of long-lived processes flat.
            "MALLOC_ARENA_MAX": "2",
            # Compiled kernels; its own choice would be beside the source, which may be read-only.
            "NUMBA_CACHE_DIR": str(self.layout.home / "numba"),
        }

    def start(self, host: str, port: int, *, demo: bool) -> None:
        embedded_database = not os.environ.get("DATABASE_URL")
        embedded_broker = not os.environ.get("CELERY_BROKER_URL")
        self.say("starting the database and the broker")
        self._start_servers(embedded_database, embedded_broker)
        self.say("bringing the database up to date")
        alone = embedded_database and embedded_broker  # then the lock on the data folder speaks for the workers too
        self._prepare(*(["--alone"] if alone else []), *(["--demo-accounts"] if demo else []))
        self.say("starting the web server and the workers")
        for queue in reversed(QUEUES):
            self._start_worker(queue)
        self._start_web(host, port)
        self.supervisor.wait_until("The web server", lambda: answers(host, port))
        for queue in QUEUES:
            self.supervisor.wait_until(f"The worker of queue {queue}", partial(has_worker, queue))

    def add_cohort(self) -> None:
        """Draw the demo's cases and queue its training chain, while people already look round."""
        self.supervisor.spawn(
            "demo",
            [sys.executable, "manage.py", "demo"],
            folder=self.settings.BASE_DIR,
            environment=self.environment,
            niceness=WORKER_NICENESS,
            may_end=True,
        )

    def _start_servers(self, embedded_database: bool, embedded_broker: bool) -> None:
        if embedded_database:
            postgres = Postgres(self.layout.postgres, self.layout.postgres_socket_folder)
            postgres.prepare()
            self.supervisor.spawn_server("postgres", postgres.start, stop_signal=POSTGRES_STOP_SIGNAL)
        if embedded_broker:
            valkey = Valkey(self.layout.valkey, self.layout.valkey_socket)
            valkey.prepare()
            self.supervisor.spawn_server("valkey", valkey.start, stop_signal=VALKEY_STOP_SIGNAL)
            self.supervisor.wait_until("Valkey", valkey.is_ready)
        if embedded_database:
            self.supervisor.wait_until("Postgres", postgres.is_ready)  # it may have a crash to replay
            postgres.ensure_database()

    def _prepare(self, *options: str) -> None:
        command = [sys.executable, "manage.py", "prepare", *options]
        self.supervisor.run_once("prepare", command, folder=self.settings.BASE_DIR, environment=self.environment)

    def _start_worker(self, queue: str) -> None:
        threads = str(self.settings.TRAINING_THREADS) if queue == "gpu" else "1"
        self.supervisor.spawn(
            f"{queue}-worker",
            [
                *(sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", queue, "-n", worker_name(queue)),
                *("--concurrency", "1", "--loglevel", "INFO", "--without-gossip", "--without-mingle"),
            ],
            folder=self.settings.BASE_DIR,
            environment={**self.environment, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            # The soft shutdown: a short task may end, a long one goes back to its queue.
            stop_signal=signal.SIGQUIT,
            niceness=WORKER_NICENESS,
        )

    def _start_web(self, host: str, port: int) -> None:
        self.supervisor.spawn(
            "web",
            [
                *(sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws"),
                *("--workers", "2", "--blocking-threads", "2", "--respawn-failed-workers"),
                *("--workers-kill-timeout", "3", "--host", host, "--port", str(port), "config.wsgi:application"),
            ],
            folder=self.settings.BASE_DIR,
            environment={**self.environment, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )


def worker_name(queue: str) -> str:
    return f"{queue}@{socket.gethostname()}"


def has_worker(queue: str) -> bool:
    return bool(app.control.ping(destination=[worker_name(queue)], timeout=0.5))


def answers(host: str, port: int) -> bool:
    """Say whether the web server serves its health page."""
    connection = HTTPConnection(reachable(host), port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def reachable(host: str) -> str:
    """Return an address to open when `host` means every address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
