"""Write what an attempt reaches, as long as it is the newest attempt of its run."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from training.models import Checkpoint, Run, RunMetric, RunQuerySet
from training.outcome import Order, RunLost, WrittenCheckpoint
from viewer import storage


@dataclass(frozen=True)
class RunLedger:
    """The book of one attempt. Every entry raises RunLost once the run was claimed by another or ended."""

    run: Run

    def heartbeat(self) -> Order:
        """Say that the worker is alive, and be told what to do."""
        if self._own.update(heartbeat_at=Now()) != 1:
            return Order.LET_GO
        return Order.CANCEL if self._own.exclude(cancel_requested_at=None).exists() else Order.GO_ON

    def inputs(self, inputs: dict[str, Any]) -> None:
        """Name the bytes that the attempt works from."""
        self._set(inputs=inputs)

    def progress(self, progress: dict[str, Any], log_tail: str) -> None:
        self._set(progress=progress, log_tail=log_tail)

    def metrics(self, epoch: int, values: dict[str, Any]) -> None:
        """Write an epoch's values; an epoch that is learnt again after a resume replaces them."""
        with self._hold() as run:
            RunMetric.objects.update_or_create(
                run=run, epoch=epoch, defaults={"attempt": run.attempt, "values": values}
            )

    def checkpoint(self, written: WrittenCheckpoint) -> None:
        """Write a checkpoint that lies in storage; the weights of the same epoch that it replaces are removed."""
        with self._hold() as run:
            replaced = Checkpoint.objects.filter(run=run, epoch=written.epoch).exclude(key=written.key)
            replaced_keys = list(replaced.values_list("key", flat=True))
            if written.best:
                Checkpoint.objects.filter(run=run, is_best=True).update(is_best=False)
            Checkpoint.objects.update_or_create(
                run=run,
                epoch=written.epoch,
                defaults={
                    "key": written.key,
                    "sha256": written.sha256,
                    "size_bytes": written.size_bytes,
                    "metrics": written.metrics,
                    "is_best": written.best,
                },
            )
        for key in replaced_keys:
            storage.delete(key)

    def preview(self, epoch: int, key: str) -> None:
        with self._hold() as run:
            previews = run.previews | {str(epoch): key}
            Run.objects.filter(pk=run.pk).update(previews=previews)

    def resume_state(self, epoch: int, key: str, files: list[str]) -> None:
        """Point to a newer full state, then remove the one before."""
        with self._hold() as run:
            before = run.resume_state.get("key")
            state = {"key": key, "files": files, "epoch": epoch, "saved_at": timezone.now().isoformat()}
            Run.objects.filter(pk=run.pk).update(resume_state=state)
        if before and before != key:
            storage.sweep(before)

    @property
    def _own(self) -> RunQuerySet:
        return Run.objects.filter(pk=self.run.pk, attempt=self.run.attempt, status=Run.Status.RUNNING)

    def _set(self, **values: Any) -> None:
        if self._own.update(**values) != 1:
            raise RunLost

    @contextmanager
    def _hold(self) -> Generator[Run]:
        """Hold the run's row, so that no other attempt can begin in between."""
        with transaction.atomic():
            run = self._own.select_for_update().first()
            if run is None:
                raise RunLost
            yield run
