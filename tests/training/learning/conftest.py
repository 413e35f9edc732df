"""A drawn data set of two cases, small enough for seconds: 512 px slides, bags of 128 px, instances of 32 px."""

import io
import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.learning.drawing import draw_cohort
from training.learning.compute import Compute
from training.learning.events import Reporter, parse
from training.learning.manifest import Manifest, read
from training.learning.run import Run, Stop


@pytest.fixture(scope="session")
def drawn_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with manifest.jsonl and its slides; read only."""
    folder = tmp_path_factory.mktemp("cohort")
    draw_cohort(folder)
    return folder


@pytest.fixture
def cohort(drawn_cohort: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(drawn_cohort, tmp_path / "cohort"))


@pytest.fixture
def manifest(cohort: Path) -> Manifest:
    return read(cohort / "manifest.jsonl")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep results the same on every machine, and leave signals as pytest wants them."""
    threads = torch.get_num_threads()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def cpu() -> Compute:
    return Compute(torch.device("cpu"), "fp32", 1)


class RecordedRun(Run):
    """A run whose events can be read back."""

    @property
    def events(self) -> list[dict[str, Any]]:
        assert isinstance(self.reporter._stream, io.StringIO)
        found = [parse(line) for line in self.reporter._stream.getvalue().splitlines()]
        return [event for event in found if event is not None]

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.out / "report.json").read_text())
        return report


@pytest.fixture
def new_run(tmp_path: Path, cpu: Compute) -> Callable[[str], RecordedRun]:
    """Make a run with its out folder by name; the same name is the same folder."""

    def make(name: str = "out") -> RecordedRun:
        return RecordedRun(tmp_path / name, Reporter(io.StringIO()), Stop(), cpu)

    return make
