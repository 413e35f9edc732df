"""Get over a database that is away for a moment: a run of many hours must not end because it restarts."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from training.outcome import Ledger, Order, WrittenCheckpoint

PAUSE_SECONDS = 1.0

Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask the database, again and again for as long as a run may be silent; then let its error through."""
    ends_at = time.monotonic() + settings.RUN_SILENCE_SECONDS
    while True:
        try:
            return ask()
        except (OperationalError, InterfaceError):
            if time.monotonic() > ends_at:
                raise
            logger.warning("The database is away; trying again.", exc_info=True)
            connection.close()
            time.sleep(PAUSE_SECONDS)


class PatientLedger:
    """A ledger whose entries wait for the database. The heartbeat does not: its rhythm says that it is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def heartbeat(self) -> Order:
        return self._ledger.heartbeat()

    def inputs(self, inputs: dict[str, Any]) -> None:
        patiently(lambda: self._ledger.inputs(inputs))

    def progress(self, progress: dict[str, Any], log_tail: str) -> None:
        patiently(lambda: self._ledger.progress(progress, log_tail))

    def metrics(self, epoch: int, values: dict[str, Any]) -> None:
        patiently(lambda: self._ledger.metrics(epoch, values))

    def checkpoint(self, written: WrittenCheckpoint) -> None:
        patiently(lambda: self._ledger.checkpoint(written))

    def preview(self, epoch: int, key: str) -> None:
        patiently(lambda: self._ledger.preview(epoch, key))

    def resume_state(self, epoch: int, key: str, files: list[str]) -> None:
        patiently(lambda: self._ledger.resume_state(epoch, key, files))
