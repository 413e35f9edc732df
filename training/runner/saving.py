"""Bring what a run writes into storage while it goes on, and enter it in the ledger once it lies there."""

import logging
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from training.models import Run
from training.outcome import Ledger, WrittenCheckpoint
from viewer import storage

STATE_EVERY_SECONDS = 30.0

Stamp = tuple[tuple[str, int, int], ...]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Storing:
    """Files on their way, and what is entered in the ledger once they have arrived."""

    done: Future[None]
    enter: Callable[[], None]
    essential: bool = True


class Saver:
    """Stores in a thread of its own; the ledger is written in the caller's, by `settle`."""

    def __init__(self, run: Run, out: Path, ledger: Ledger) -> None:
        self._run = run
        self._out = out
        self._ledger = ledger
        self._prefix = f"runs/{run.uuid}"
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saver")
        self._pending: list[_Storing] = []
        self._state_stamp: Stamp = ()
        self._state_at = 0.0
        self._state_number = 0
        self._state_storing: _Storing | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def checkpoint(self, event: dict[str, Any]) -> None:
        """Store the weights that an event names. Their key holds their hash, so attempts never overwrite each other."""
        epoch, sha256 = int(event["epoch"]), str(event["sha256"])
        written = WrittenCheckpoint(
            epoch=epoch,
            key=f"{self._prefix}/checkpoints/epoch-{epoch:04d}-{sha256[:12]}.safetensors",
            sha256=sha256,
            size_bytes=int(event["size_bytes"]),
            metrics=event["metrics"],
            best=bool(event["best"]),
        )
        self._store(self._inside(event["path"]), written.key, lambda: self._ledger.checkpoint(written))

    def preview(self, event: dict[str, Any]) -> None:
        """Store the picture that an event names."""
        epoch, path = int(event["epoch"]), self._inside(event["path"])
        key = f"{self._prefix}/previews/attempt-{self._run.attempt}-epoch-{epoch:04d}{path.suffix}"
        self._store(path, key, lambda: self._ledger.preview(epoch, key))

    def resume_state(self, epoch: int, *, at_once: bool = False) -> None:
        """Store the full state if it is a new one, nothing is being stored and the last one is old enough."""
        if self._state_storing is not None and not self._state_storing.done.done():
            return
        if not at_once and time.monotonic() - self._state_at < STATE_EVERY_SECONDS:
            return
        stamp = _stamp(self._out / "state")
        if not stamp or stamp == self._state_stamp:
            return
        self._state_number += 1
        key = f"{self._prefix}/state/attempt-{self._run.attempt}-{self._state_number:04d}"
        snapshot = self._out.parent / "snapshot"
        if not _take_snapshot(self._out / "state", snapshot):
            return
        names = sorted(str(path.relative_to(snapshot)) for path in snapshot.rglob("*") if path.is_file())
        files = {snapshot / name: f"{key}/{name}" for name in names}
        self._state_stamp, self._state_at = stamp, time.monotonic()
        self._state_storing = _Storing(
            self._thread.submit(storage.save_files, files, may_link=True),
            lambda: self._ledger.resume_state(epoch, key, names),
            essential=False,
        )
        self._pending.append(self._state_storing)

    def settle(self, *, wait: bool = False) -> None:
        """Enter what has been stored since. `wait` for all that is still being stored."""
        while self._pending and (wait or self._pending[0].done.done()):
            storing = self._pending.pop(0)
            try:
                storing.done.result()
            except OSError:
                if storing.essential:
                    raise
                logger.warning("A state of run %s could not be stored; the next one may.", self._run.pk, exc_info=True)
            else:
                storing.enter()

    def _store(self, path: Path, key: str, enter: Callable[[], None]) -> None:
        self._pending.append(_Storing(self._thread.submit(storage.save_file, path, key, may_link=True), enter))

    def _inside(self, name: str) -> Path:
        path = (self._out / name).resolve()
        if not path.is_relative_to(self._out.resolve()) or not path.is_file():
            raise ApplicationError(
                _("The run named the file %(name)s, which is not in its folder. Report this.") % {"name": name}
            )
        return path


def _stamp(folder: Path) -> Stamp:
    """Return what changes when any file of the folder is replaced; empty when there is none, or it is changing."""
    try:
        whole = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part")
        stats = [(path.relative_to(folder).as_posix(), path.stat()) for path in whole]
    except OSError:
        return ()
    return tuple((name, stat.st_ino, stat.st_mtime_ns) for name, stat in stats)


def _take_snapshot(folder: Path, snapshot: Path) -> bool:
    """Link the files of a folder elsewhere, all of one moment; tell whether that succeeded.

    The run replaces its files and never writes into them, so a link keeps what it saw.
    """
    for _attempt in range(5):
        shutil.rmtree(snapshot, ignore_errors=True)
        before = _stamp(folder)
        try:
            for name, _inode, _changed in before:
                target = snapshot / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.hardlink_to(folder / name)
        except OSError:
            continue
        if before and before == _stamp(folder):
            return True
    return False
