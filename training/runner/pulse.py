"""A thread that says the worker is alive, and hears what the run's lead wants."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Self

from django.conf import settings
from django.db import DatabaseError, connection

from training.outcome import Ledger, Order, RunLost

logger = logging.getLogger(__name__)


class Pulse:
    """Beats until it is left. After an order to stop it calls `on_stop` once and goes on beating until left."""

    def __init__(self, ledger: Ledger) -> None:
        self.order = Order.GO_ON
        self.on_stop: Callable[[], None] | None = None
        self._ledger = ledger
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        """Raise RunLost or Cancelled when the run is to stop."""
        if self.order is Order.LET_GO:
            raise RunLost
        if self.order is Order.CANCEL:
            raise Cancelled

    def _beat(self) -> None:
        heard_at = time.monotonic()
        try:
            while not self._ended.wait(settings.RUN_HEARTBEAT_SECONDS):
                try:
                    order = self._ledger.heartbeat()
                    heard_at = time.monotonic()
                except DatabaseError:
                    # Silent for too long, the run is anybody's; until then the database may come back.
                    logger.warning("No heartbeat could be written.", exc_info=True)
                    connection.close()
                    silent = time.monotonic() - heard_at > settings.RUN_SILENCE_SECONDS
                    order = Order.LET_GO if silent else Order.GO_ON
                if order is not Order.GO_ON and self.order is Order.GO_ON:
                    self.order = order
                if self.order is not Order.GO_ON and self.on_stop is not None:
                    stop, self.on_stop = self.on_stop, None
                    stop()
        finally:
            connection.close()


class Cancelled(Exception):
    """The lead wants the run to stop."""
