"""What every kind of run shares: its out folder, its progress, its wish to stop, its resume state.

OUT/checkpoints/epoch-0001.safetensors   weights of each epoch
OUT/state/state.safetensors              everything needed to go on, replaced whole
OUT/metrics.jsonl                        a line per epoch
OUT/previews/epoch-0001.jpg              pictures (cyclegan)
OUT/report.json                          what came out, written last
OUT/store/                               decoded patches, removed at the end; or a folder that several runs share

Of several processes that train as one (parallel.py) the first alone writes.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from torch import Tensor

from training.learning import checkpoint
from training.learning.compute import Compute
from training.learning.errors import CheckpointError, StopRequested
from training.learning.events import Reporter, finite
from training.learning.files import write_whole

# Keys that may differ between a run and its continuation.
FREE_KEYS = frozenset({"epochs", "max_seconds", "threads", "state_every_steps", "score_batch_size"})


class Stop:
    """Whether the run was asked to stop."""

    def __init__(self) -> None:
        """Start without a request."""
        self.requested = False

    def on_signals(self) -> None:
        """Take SIGTERM and SIGINT as a request to stop."""
        signal.signal(signal.SIGTERM, self._request)
        signal.signal(signal.SIGINT, self._request)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True

    def check(self) -> None:
        """Raise StopRequested if someone asked."""
        if self.requested:
            raise StopRequested("The run was asked to stop.")


@dataclass
class Run:
    """One run at work."""

    out: Path
    reporter: Reporter
    stop: Stop
    compute: Compute
    started_at: float = field(default_factory=time.monotonic)
    seconds_before: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    shared_store: Path | None = None

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes."""
        return self.compute.group.leads

    @property
    def seconds(self) -> float:
        """Seconds spent on this run, those before a resume included."""
        return self.seconds_before + time.monotonic() - self.started_at

    @property
    def store(self) -> Path:
        """Folder of the decoded patches."""
        return self.shared_store or self.out / "store"

    def time_is_up(self, max_seconds: int) -> bool:
        """Whether more than the allowed seconds have passed, for all processes alike; 0 allows any."""
        return bool(max_seconds) and self.compute.group.any(self.seconds > max_seconds, self.compute.device)

    def record_epoch(
        self,
        epoch: int,
        values: Mapping[str, Any],
        key: tuple[float, ...],
        tensors: Mapping[str, Tensor],
        metadata: Mapping[str, Any],
    ) -> None:
        """Write an epoch's weights and metrics. `key` ranks epochs: the smallest is best, the first of equals wins."""
        if not self.writes:
            return
        values = finite(values)
        path = f"checkpoints/epoch-{epoch:04d}.safetensors"
        saved = checkpoint.save(self.out / path, tensors, dict(metadata) | {"epoch": epoch, "metrics": values})
        rank = list(finite(key))
        is_best = self.best is None or _better(rank, self.best["rank"])
        if is_best:
            self.best = {"epoch": epoch, "path": path, "sha256": saved.sha256, "metrics": values, "rank": rank}
        self.history.append({"epoch": epoch, "values": values})
        lines = "".join(json.dumps(entry) + "\n" for entry in self.history)
        write_whole(self.out / "metrics.jsonl", lines.encode())
        self.reporter.metrics(epoch, values)
        self.reporter.checkpoint(path, epoch, saved.sha256, saved.size_bytes, values, is_best)

    def save_state(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
        """Write everything that is needed to go on from here."""
        if not self.writes:
            return
        shared = {"history": self.history, "best": self.best, "seconds": self.seconds}
        checkpoint.save(self.out / "state" / "state.safetensors", tensors, dict(metadata) | shared)

    def load_state(
        self, folder: Path | None, kind: str, **expected: Any
    ) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
        """Take over the state in an earlier out folder; None where there is nothing to go on from.

        Raises:
            CheckpointError: the state is damaged, or belongs to another data set, configuration or run.
        """
        if folder is None:
            return None
        path = folder / "state" / "state.safetensors"
        if not path.exists():
            self.reporter.warning(f"There is no state in {folder} to resume from: this run starts at the beginning.")
            return None
        metadata, tensors = checkpoint.load(path, kind)
        for key, value in expected.items():
            if key == "config":
                _expect_config(metadata.get("config"), value)
            else:
                checkpoint.expect("The state", key, metadata.get(key), value)
        try:
            self.history, self.best = list(metadata["history"]), metadata["best"]
            self.seconds_before = float(metadata["seconds"])
        except (KeyError, TypeError, ValueError):
            raise CheckpointError("The state lacks its history; start the run again without --resume.") from None
        if self.writes:
            _bring_along(folder, self.out, {f"epoch-{entry['epoch']:04d}" for entry in self.history})
        return metadata, tensors

    def finish(self, report: Mapping[str, Any]) -> None:
        """Write the report, remove the decoded patches and say that all is done."""
        if not self.writes:
            return
        best = None if self.best is None else {key: value for key, value in self.best.items() if key != "rank"}
        whole = dict(report) | {
            "best": best,
            "epochs": len(self.history),
            "seconds": round(self.seconds, 1),
            "compute": self.compute.describe(),
            "code_version": checkpoint.CODE_VERSION,
            "warnings": self.reporter.warnings,
        }
        whole = finite(whole)
        write_whole(self.out / "report.json", json.dumps(whole, indent=1, ensure_ascii=False).encode())
        if self.shared_store is None:
            shutil.rmtree(self.store, ignore_errors=True)
        self.reporter.finished(whole)


def _better(rank: list[float | None], than: list[float | None]) -> bool:
    """Compare two ranks; a number that is not finite (None) is the worst there is."""
    worst = float("inf")
    return [worst if value is None else value for value in rank] < [worst if value is None else value for value in than]


def _expect_config(found: object, expected: Mapping[str, Any]) -> None:
    if not isinstance(found, dict):
        raise CheckpointError("The state carries no configuration; start the run again without --resume.")
    for key in sorted(set(found) | set(expected)):
        if key not in FREE_KEYS:
            checkpoint.expect("The state", f"configuration key {key}", found.get(key), expected.get(key))


def _bring_along(folder: Path, out: Path, names: set[str]) -> None:
    """Link the earlier attempt's checkpoints and previews into the out folder, or copy them where links don't work."""
    if folder.resolve() == out.resolve():
        return
    for kind in ("checkpoints", "previews"):
        for file in sorted((folder / kind).glob("epoch-*")):
            target = out / kind / file.name
            if file.stem in names and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(file, target)
                except OSError:
                    shutil.copyfile(file, target)


@dataclass
class Ticker:
    """Counts steps, reports them and lets the run stop between two of them."""

    run: Run
    total: int
    epochs: int
    step: int = 0
    epoch: int = 0
    message: str = ""

    def __call__(self) -> None:
        """One step is done."""
        self.step += 1
        self.run.reporter.progress(self.step, max(self.total, self.step), self.epoch, self.epochs, self.message)
        self.run.stop.check()
