"""What passes between a run's bookkeeping and its execution, which do not know each other."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

from training.models import Run


class RunLost(Exception):
    """Another worker has claimed the run since: stop, and write nothing more."""


class Order(Enum):
    """What a heartbeat is answered with."""

    GO_ON = auto()
    CANCEL = auto()
    LET_GO = auto()


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. `message` is for the run's page, `log_tail` for whoever looks closer."""

    status: Run.Status
    message: str = ""
    log_tail: str = ""
    report: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WrittenCheckpoint:
    """Weights that a run wrote and that are in storage now."""

    epoch: int
    key: str
    sha256: str
    size_bytes: int
    metrics: dict[str, Any]
    best: bool


class Ledger(Protocol):
    """Where an attempt writes what it reaches. Each call raises RunLost once the attempt is no longer the newest."""

    def heartbeat(self) -> Order: ...
    def inputs(self, inputs: dict[str, Any]) -> None: ...
    def progress(self, progress: dict[str, Any], log_tail: str) -> None: ...
    def metrics(self, epoch: int, values: dict[str, Any]) -> None: ...
    def checkpoint(self, written: WrittenCheckpoint) -> None: ...
    def preview(self, epoch: int, key: str) -> None: ...
    def resume_state(self, epoch: int, key: str, files: list[str]) -> None: ...
