"""Execute runs in tests, and watch the processes that they start."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.core.files.storage import default_storage
from django.db import connection

from training import runner
from training.models import Run
from training.services import RunLedger, claim_run, record_outcome


def executed(run: Run) -> Run:
    """Claim, execute and record, as the task does."""
    claimed = claim_run(run.pk, "gpu@test")
    assert claimed is not None
    outcome = runner.execute(claimed, RunLedger(claimed))
    if outcome is not None:
        record_outcome(claimed, outcome)
    run.refresh_from_db()
    return run


def stored(key: str) -> bytes:
    with default_storage.open(key, "rb") as file:
        return bytes(file.read())


def is_alive(pid: int) -> bool:
    """Tell whether a process works; one that has ended and waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}


def wait_until(happens: Callable[[], bool], seconds: float = 20) -> None:
    for _moment in range(int(seconds / 0.02)):
        if happens():
            return
        time.sleep(0.02)
    raise AssertionError("It did not happen.")


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def closing() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=closing)
    thread.start()
    return thread
