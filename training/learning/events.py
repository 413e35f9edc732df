"""What a run says while it works: one JSON object a line, read by whoever started it.

    started     kind, device, precision, threads, resumed_from
    progress    step, total, epoch, epochs, message, seconds_left
    metrics     epoch, values
    checkpoint  path, epoch, sha256, size_bytes, metrics, best     best: the best so far, by validation
    preview     path, epoch
    warning     message
    finished    report
    error       message, fault                                     fault: "person" must act, or "program" is wrong

Paths are relative to the out folder. Numbers that are not finite are written as null.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TextIO

from training.learning.errors import StopRequested

EVENTS = ("started", "progress", "metrics", "checkpoint", "preview", "warning", "finished", "error")

PROGRESS_EVERY_SECONDS = 0.5


def finite(value: Any) -> Any:
    """Return the value with every NaN and infinity in it replaced by None, so that it is valid JSON."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def parse(line: str) -> dict[str, Any] | None:
    """Return the event of one line of output, or None when the line is none."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.get("event") in EVENTS else None


class Reporter:
    """Writes events to a stream and remembers the warnings for the final report."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Report to `stream`; `clock` gives seconds and is replaced in tests."""
        self._stream = stream
        self._clock = clock
        self._shown_at = -math.inf
        self._first: tuple[float, int] | None = None
        self.warnings: list[str] = []

    def _say(self, event: str, **values: Any) -> None:
        try:
            print(json.dumps({"event": event} | finite(values)), file=self._stream, flush=True)
        except BrokenPipeError as gone:
            # Nobody listens any more: whoever started this run is dead, and so should we be.
            raise StopRequested("The reader of the events went away.") from gone

    def started(self, kind: str, **values: Any) -> None:
        """Say what begins, and on which device."""
        self._say("started", kind=kind, **values)

    def progress(self, step: int, total: int, epoch: int, epochs: int, message: str) -> None:
        """Say how far the run is; calls that follow too soon on the last one are dropped, the last step never."""
        now = self._clock()
        if self._first is None:
            self._first = (now, step)
        if now - self._shown_at < PROGRESS_EVERY_SECONDS and step < total:
            return
        self._shown_at = now
        since, first = self._first
        seconds_left = (now - since) / (step - first) * (total - step) if step > first else None
        if seconds_left is not None:
            seconds_left = round(seconds_left, 1)
        self._say(
            "progress", step=step, total=total, epoch=epoch, epochs=epochs, message=message, seconds_left=seconds_left
        )

    def metrics(self, epoch: int, values: Mapping[str, Any]) -> None:
        """Say what an epoch reached."""
        self._say("metrics", epoch=epoch, values=values)

    def checkpoint(
        self, path: str, epoch: int, sha256: str, size_bytes: int, metrics: Mapping[str, Any], best: bool
    ) -> None:
        """Say that weights were written."""
        self._say(
            "checkpoint", path=path, epoch=epoch, sha256=sha256, size_bytes=size_bytes, metrics=metrics, best=best
        )

    def preview(self, path: str, epoch: int) -> None:
        """Say that a picture was written."""
        self._say("preview", path=path, epoch=epoch)

    def warning(self, message: str) -> None:
        """Say something that the lead should know; it is repeated in the final report."""
        self.warnings.append(message)
        self._say("warning", message=message)

    def finished(self, report: Mapping[str, Any]) -> None:
        """Say that all is done."""
        self._say("finished", report=report)

    def error(self, message: str, fault: Literal["person", "program"]) -> None:
        """Say why the run ends without a result."""
        self._say("error", message=message, fault=fault)
