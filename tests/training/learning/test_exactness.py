"""A run killed with -9 ends as one never interrupted, and the losses of a reference run are those recorded.

`tests/expectations/losses.json` is written anew with RECORD_LOSSES=1 when a change of the method is meant to change
them. Within one machine results are equal to the last bit; between processors sums are rounded differently.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.training.learning.models import save_classifier
from training.learning.__main__ import DONE, main

RECORDED = Path(__file__).parents[2] / "expectations" / "losses.json"
SHARED: dict[str, Any] = {"threads": 1, "precision": "fp32", "device": "cpu", "seed": 5}
MIL = SHARED | {"epochs": 4, "width": 8, "stages": [1, 1, 1, 1], "augment": True, "ema_decay": 0.5, "picks_per_bag": 2}
GAN = SHARED | {
    "epochs": 3,
    "steps_per_epoch": 8,
    "warm_steps": 3,
    "ngf": 4,
    "ndf": 4,
    "crop_px": 32,
    "augment": True,
    "pool_size": 4,
    "ema_decay": 0.9,
    "lr_decay_from": 0.5,
    "validation_fields": 1,
    "core_px": 32,
    "halo_px": 16,
    "state_every_steps": 3,
}


# The command line, telling of every step and not of two a second.
EVERY_STEP = (
    "import sys; from training.learning import __main__, events; events.PROGRESS_EVERY_SECONDS = 0; "
    "sys.exit(__main__.main(sys.argv[1:]))"
)


def _arguments(kind: str, cohort: Path, out: Path) -> list[str]:
    config = cohort / f"{kind}.json"
    config.write_text(json.dumps(MIL if kind == "mil" else GAN))
    given = f"{kind} --config {config} --out {out} --manifest {cohort}/manifest.jsonl --slides-root {cohort}"
    if kind == "mil":
        return [*given.split(), "--stain", "HE"]
    paths = [save_classifier(cohort / f"{stain}.safetensors", stain).path for stain in ("HE", "KI67")]
    return [*given.split(), "--source-classifier", str(paths[0]), "--target-classifier", str(paths[1])]


def _losses(out: Path) -> list[dict[str, float]]:
    return [json.loads(line)["values"] for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(drawn_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The out folders of a run of each kind that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    cohort = Path(shutil.copytree(drawn_cohort, folder / "cohort"))
    for kind in ("mil", "cyclegan"):
        assert main(_arguments(kind, cohort, folder / kind)) == DONE
    return {kind: folder / kind for kind in ("mil", "cyclegan")}


@pytest.mark.parametrize(
    ("kind", "seen"), [("mil", '"epoch": 2'), ("cyclegan", '"step": 5,'), ("cyclegan", "epoch-0002.jpg")]
)
def test_a_run_killed_and_resumed_ends_with_the_same_files(
    kind: str, seen: str, whole: dict[str, Path], cohort: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", EVERY_STEP, *_arguments(kind, cohort, tmp_path / "killed")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        guard = threading.Timer(120, child.kill)
        guard.start()
        assert child.stdout is not None
        for line in child.stdout:
            if seen in line:
                child.kill()
                break
        guard.cancel()
    assert child.returncode == -9
    assert not (tmp_path / "killed" / "report.json").exists()

    out = tmp_path / "resumed"
    assert main([*_arguments(kind, cohort, out), "--resume", str(tmp_path / "killed")]) == DONE
    names = sorted(path.name for path in (whole[kind] / "checkpoints").iterdir())
    assert names == sorted(path.name for path in (out / "checkpoints").iterdir())
    for name in names:
        assert (whole[kind] / "checkpoints" / name).read_bytes() == (out / "checkpoints" / name).read_bytes(), name
    assert _losses(out) == _losses(whole[kind])


@pytest.mark.parametrize("kind", ["mil", "cyclegan"])
def test_the_losses_of_the_reference_run_are_those_recorded(kind: str, whole: dict[str, Path]) -> None:
    found = _losses(whole[kind])
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    if os.environ.get("RECORD_LOSSES") == "1":
        RECORDED.write_text(json.dumps(recorded | {kind: found}, indent=1, sort_keys=True) + "\n")
        recorded = json.loads(RECORDED.read_text())
    assert len(found) == len(recorded[kind])
    for epoch, (here, there) in enumerate(zip(found, recorded[kind], strict=True), start=1):
        assert here.keys() == there.keys()
        # Figures that jump with a single patch or nucleus are no losses.
        for key in LOSSES & there.keys():
            assert here[key] == pytest.approx(there[key], rel=5e-3, abs=1e-4), f"epoch {epoch}, {key}"


LOSSES = {"train_loss", "validation_loss", "generator", "adversarial", "cycle", "discriminator"}
