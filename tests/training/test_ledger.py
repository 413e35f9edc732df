"""What an attempt writes while it works."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.models import Project, User
from tests.training.builders import make_mil_run, make_running
from training.models import Run
from training.outcome import RunLost, WrittenCheckpoint
from training.selectors import best_checkpoint, metrics_series
from training.services import RunLedger, claim_run


@pytest.fixture
def ledger(project: Project, lead: User) -> RunLedger:
    run = claim_run(make_mil_run(project, lead).pk)
    assert run is not None
    return RunLedger(run)


def written(epoch: int, *, best: bool = False, key: str = "") -> WrittenCheckpoint:
    key = default_storage.save(key or f"runs/x/checkpoints/epoch-{epoch:04d}", ContentFile(b"weights"))
    return WrittenCheckpoint(epoch, key, f"{epoch:064x}", 7, {"balanced_error": 0.5}, best)


def test_metrics_come_as_columns(ledger: RunLedger) -> None:
    ledger.metrics(1, {"loss": 0.7, "note": "warm", "fits": True})
    ledger.metrics(2, {"loss": 0.5, "balanced_error": 0.25})
    assert metrics_series(ledger.run) == {
        "epochs": [1, 2],
        "series": {"loss": [0.7, 0.5], "balanced_error": [None, 0.25]},
    }


def test_an_epoch_that_is_learnt_again_replaces_its_values(ledger: RunLedger) -> None:
    ledger.metrics(1, {"loss": 0.7})
    ledger.metrics(1, {"loss": 0.6})
    assert metrics_series(ledger.run) == {"epochs": [1], "series": {"loss": [0.6]}}


def test_one_checkpoint_is_the_best(ledger: RunLedger) -> None:
    for epoch, best in ((1, True), (2, True), (3, False)):
        ledger.checkpoint(written(epoch, best=best))
    assert list(ledger.run.checkpoints.values_list("epoch", "is_best")) == [(1, False), (2, True), (3, False)]
    chosen = best_checkpoint(ledger.run)
    assert chosen is not None
    assert chosen.epoch == 2


def test_weights_that_are_replaced_are_removed(ledger: RunLedger) -> None:
    first, second = written(1, key="runs/x/one"), written(1, key="runs/x/two")
    ledger.checkpoint(first)
    ledger.checkpoint(second)
    assert ledger.run.checkpoints.get().key == second.key
    assert not default_storage.exists(first.key)
    assert default_storage.exists(second.key)


def test_an_older_full_state_makes_way(ledger: RunLedger) -> None:
    for number in (1, 2):
        default_storage.save(f"runs/x/state/attempt-1-000{number}/state", ContentFile(b"all"))
        ledger.resume_state(number, f"runs/x/state/attempt-1-000{number}", ["state"])
    assert not default_storage.exists("runs/x/state/attempt-1-0001/state")
    assert default_storage.exists("runs/x/state/attempt-1-0002/state")
    state = Run.objects.get(pk=ledger.run.pk).resume_state
    assert (state["key"], state["epoch"]) == ("runs/x/state/attempt-1-0002", 2)


ENTRIES: list[Callable[[RunLedger], Any]] = [
    lambda ledger: ledger.inputs({"manifest": "0"}),
    lambda ledger: ledger.progress({"step": 5}, "log"),
    lambda ledger: ledger.metrics(1, {"loss": 0.1}),
    lambda ledger: ledger.checkpoint(written(1, best=True)),
    lambda ledger: ledger.preview(1, "runs/x/previews/1.jpg"),
    lambda ledger: ledger.resume_state(1, "runs/x/state/1", ["state"]),
]


@pytest.mark.parametrize("enter", ENTRIES)
def test_an_attempt_that_was_overtaken_writes_nothing(ledger: RunLedger, enter: Callable[[RunLedger], Any]) -> None:
    make_running(ledger.run, attempt=2)
    stale = RunLedger(Run(pk=ledger.run.pk, attempt=1))
    with pytest.raises(RunLost):
        enter(stale)
    run = Run.objects.get(pk=ledger.run.pk)
    assert (run.inputs, run.progress, run.previews, run.resume_state) == ({}, {}, {}, {})
    assert not run.metrics.exists()
    assert not run.checkpoints.exists()
