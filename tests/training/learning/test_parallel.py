"""Two processes on the CPU give what one gives."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.learning.conftest import RecordedRun
from tests.training.learning.models import save_classifier
from training.learning.__main__ import DONE, main
from training.learning.compute import Compute
from training.learning.config import CycleGanConfig
from training.learning.errors import ConfigError
from training.learning.manifest import read
from training.learning.parallel import ALONE, Group, join
from training.learning.train_cyclegan import train_cyclegan

GAN: dict[str, Any] = {
    "epochs": 1,
    "steps_per_epoch": 4,
    "batch_size": 2,
    "warm_steps": 2,
    "ngf": 4,
    "ndf": 4,
    "crop_px": 32,
    "augment": True,
    "pool_size": 3,
    "ema_decay": 0.9,
    "validation_fields": 1,
    "core_px": 32,
    "halo_px": 16,
    "threads": 1,
    "precision": "fp32",
}
MIL: dict[str, Any] = {"epochs": 2, "width": 8, "stages": [1, 1, 1, 1], "threads": 1, "precision": "fp32"}


def _both(arguments: list[str]) -> list[subprocess.CompletedProcess[str]]:
    """Start the same command as two processes of one group, as torchrun does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "training.learning", *arguments],
            env=shared | {"RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    done = []
    for child in children:
        try:
            out, errors = child.communicate(timeout=240)
        finally:
            child.kill()
        done.append(subprocess.CompletedProcess(arguments, child.returncode, out, errors))
    return done


def _config(folder: Path, values: dict[str, Any]) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(values))
    return path


def _gan(cohort: Path, out: Path, values: dict[str, Any] = GAN) -> list[str]:
    paths = [save_classifier(cohort / f"{stain}.safetensors", stain).path for stain in ("HE", "KI67")]
    given = f"cyclegan --config {_config(cohort, values)} --out {out} --manifest {cohort}/manifest.jsonl"
    inputs = f"--slides-root {cohort} --source-classifier {paths[0]} --target-classifier {paths[1]}"
    return [*given.split(), *inputs.split()]


def _mil(cohort: Path, out: Path) -> list[str]:
    given = f"mil --config {_config(cohort, MIL)} --out {out} --manifest {cohort}/manifest.jsonl"
    return [*given.split(), "--slides-root", str(cohort), "--stain", "HE"]


@pytest.mark.parametrize("kind", [_gan, _mil])
def test_two_processes_end_with_the_weights_of_one(kind: Any, cohort: Path, tmp_path: Path) -> None:
    assert main(kind(cohort, tmp_path / "one")) == DONE
    both = _both(kind(cohort, tmp_path / "two"))
    assert [each.returncode for each in both] == [DONE, DONE], both[0].stderr + both[1].stderr
    assert json.loads(both[0].stdout.splitlines()[-1])["event"] == "finished"
    assert both[1].stdout == ""
    reports = [json.loads((tmp_path / name / "report.json").read_text()) for name in ("one", "two")]
    assert reports[0]["compute"]["processes"] == 1 and reports[1]["compute"]["processes"] == 2
    last = reports[0]["epochs"]
    one, two = (load_file(tmp_path / name / f"checkpoints/epoch-{last:04d}.safetensors") for name in ("one", "two"))
    # What an instance norm takes away again (a bias, the weights of a constant plane) has no gradient but rounding,
    # which Adam makes as large as any other.
    for key in (key for key in one if key.endswith("weight") and one[key].ndim > 1):
        kept = slice(0, 3) if key in ("generator.0.weight", "generator_back.0.weight") else slice(None)
        ours, theirs = (tensors[key][:, kept] for tensors in (two, one))
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3, msg=key)
    losses = [json.loads((tmp_path / name / "metrics.jsonl").read_text().splitlines()[0]) for name in ("one", "two")]
    for key, value in losses[0]["values"].items():
        assert losses[1]["values"][key] == pytest.approx(value, rel=1e-3, abs=1e-3), key


def test_a_batch_that_cannot_be_shared_evenly_is_refused(
    cohort: Path, new_run: Callable[[str], RecordedRun], cpu: Compute
) -> None:
    run = new_run("out")
    run.compute = replace(cpu, group=Group(0, 2))
    config, manifest = CycleGanConfig(batch_size=3, class_channel=False), read(cohort / "manifest.jsonl")
    with pytest.raises(ConfigError, match="2 processes share a batch evenly, so it must be a multiple of 2"):
        train_cyclegan(run, config, manifest, (None, None), cohort, None)
    assert not run.out.exists()


def test_shares_cover_everything_once() -> None:
    for count in (0, 1, 7, 8):
        parts = [np.arange(count)[Group(rank, 3).share(count)] for rank in range(3)]
        assert np.concatenate(parts).tolist() == list(range(count))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_process_alone_is_its_own_group() -> None:
    assert join(False, {}) is ALONE
    weights = torch.ones(3, requires_grad=True)
    weights.sum().backward()
    ALONE.average_gradients([weights])
    assert weights.grad is not None and weights.grad.tolist() == [1, 1, 1]
    assert ALONE.any(True, torch.device("cpu")) is True
    assert ALONE.gather(weights) is weights and ALONE.leads
