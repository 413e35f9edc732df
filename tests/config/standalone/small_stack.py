"""A small stack under the real supervisor, for tests to kill: database, broker, a worker, and a stubborn part.

Run as `python -m tests.config.standalone.small_stack HOME`; it prints `ready` and runs until it is stopped.
"""

import sys
from pathlib import Path

from config.standalone.layout import PROJECT_ROOT, Layout
from config.standalone.lock import lock_folder
from config.standalone.postgres import STOP_SIGNAL as POSTGRES_STOP_SIGNAL
from config.standalone.postgres import Postgres
from config.standalone.redelivery import give_back_unacknowledged
from config.standalone.supervisor import Supervisor
from config.standalone.valkey import STOP_SIGNAL as VALKEY_STOP_SIGNAL
from config.standalone.valkey import Valkey
from tests.config.standalone.slow_app import app


def main(home: Path) -> None:
    layout = Layout(home)
    postgres = Postgres(layout.postgres, layout.postgres_socket_folder, for_tests=True)
    valkey = Valkey(layout.valkey, layout.valkey_socket)
    with lock_folder(layout.lock_file) as lock, Supervisor(layout.logs, lock) as supervisor:
        postgres.prepare()
        supervisor.spawn_server("postgres", postgres.start, stop_signal=POSTGRES_STOP_SIGNAL)
        valkey.prepare()
        supervisor.spawn_server("valkey", valkey.start, stop_signal=VALKEY_STOP_SIGNAL)
        supervisor.wait_until("Postgres", postgres.is_ready)
        supervisor.wait_until("Valkey", valkey.is_ready)
        postgres.ensure_database()
        give_back_unacknowledged(app)
        worker = [sys.executable, "-m", "celery", "-A", "tests.config.standalone.slow_app", "worker"]
        supervisor.spawn("worker", [*worker, "-c", "1", "--without-mingle", "--without-gossip"], folder=PROJECT_ROOT)
        supervisor.spawn(
            "stubborn",
            [sys.executable, "-m", "tests.config.standalone.stubborn"],
            folder=PROJECT_ROOT,
            patience_seconds=0.2,
        )
        print("ready", flush=True)
        supervisor.watch()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
