import io
import json
import math
from typing import Any

import pytest

from training.learning.errors import StopRequested
from training.learning.events import Reporter, finite, parse


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def _events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_event_is_one_line_of_json() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream)
    reporter.started("mil", device="cpu")
    reporter.checkpoint("checkpoints/epoch-0001.safetensors", 1, "ab", 10, {"loss": 0.5}, True)
    reporter.error("No labels.", "person")
    assert _events(stream) == [
        {"event": "started", "kind": "mil", "device": "cpu"},
        {
            "event": "checkpoint",
            "path": "checkpoints/epoch-0001.safetensors",
            "epoch": 1,
            "sha256": "ab",
            "size_bytes": 10,
            "metrics": {"loss": 0.5},
            "best": True,
        },
        {"event": "error", "message": "No labels.", "fault": "person"},
    ]


def test_progress_estimates_the_seconds_left_and_is_not_repeated_too_soon() -> None:
    stream, clock = io.StringIO(), Clock()
    reporter = Reporter(stream, clock)
    reporter.progress(0, 10, 1, 2, "Training")
    clock.seconds += 0.1
    reporter.progress(1, 10, 1, 2, "Training")
    clock.seconds += 0.9
    reporter.progress(2, 10, 1, 2, "Training")
    reporter.progress(10, 10, 2, 2, "Training")
    assert [(event["step"], event["seconds_left"]) for event in _events(stream)] == [(0, None), (2, 4.0), (10, 0.0)]


def test_numbers_that_are_not_finite_become_null() -> None:
    stream = io.StringIO()
    Reporter(stream).metrics(1, {"auc": math.nan, "loss": math.inf, "list": (1, math.nan)})
    assert _events(stream)[0]["values"] == {"auc": None, "loss": None, "list": [1, None]}
    assert finite({1: [math.nan]}) == {"1": [None]}


def test_warnings_are_remembered_for_the_report() -> None:
    reporter = Reporter(io.StringIO())
    reporter.warning("No independent validation.")
    assert reporter.warnings == ["No independent validation."]


def test_lines_that_are_no_events_are_told_apart() -> None:
    assert parse('{"event": "preview", "path": "p", "epoch": 1}') == {"event": "preview", "path": "p", "epoch": 1}
    assert parse("Traceback (most recent call last):") is None
    assert parse('{"event": "other"}') is None
    assert parse("[1]") is None


def test_a_run_nobody_listens_to_any_more_stops() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with pytest.raises(StopRequested):
        Reporter(Closed()).warning("Hello?")
