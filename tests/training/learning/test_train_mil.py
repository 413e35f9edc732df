import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.training.learning.conftest import RecordedRun
from tests.training.learning.drawing import PATCH_PX, relabelled
from training.learning import train_mil as module
from training.learning.checkpoint import weights_of
from training.learning.classifier import load_classifier
from training.learning.compute import Compute
from training.learning.config import MilConfig
from training.learning.errors import CheckpointError, ManifestError, NotEnoughData, StopRequested, TrainingDiverged
from training.learning.manifest import Manifest
from training.learning.networks import ResNet
from training.learning.train_mil import load_imagenet_weights, train_mil

SMALL = MilConfig(epochs=4, width=8, stages=(1, 1, 1, 1), learning_rate=1e-3, augment=True, instances_per_bag=8)
NewRun = Callable[[str], RecordedRun]


def _files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def _stop_after(run: RecordedRun, epochs: int) -> None:
    """Ask the run to stop as soon as so many epochs are saved."""
    save_state = run.save_state

    def saving(*arguments: Any) -> None:
        save_state(*arguments)
        run.stop.requested = len(run.history) == epochs

    run.save_state = saving  # type: ignore[method-assign, assignment]


def test_a_run_writes_a_checkpoint_each_epoch_and_reports_the_best(
    manifest: Manifest, cohort: Path, new_run: NewRun, cpu: Compute
) -> None:
    run = new_run("out")
    train_mil(run, replace(SMALL, epochs=2), manifest, "HE", cohort, None)
    assert _files(run.out) == {
        "checkpoints/epoch-0001.safetensors",
        "checkpoints/epoch-0002.safetensors",
        "state/state.safetensors",
        "metrics.jsonl",
        "report.json",
    }
    assert [event["epoch"] for event in run.said("checkpoint")] == [1, 2]
    report = run.report
    assert run.said("finished")[0]["report"] == report
    assert report["bags"]["train"] == {"tumor": 6, "normal": 6, "instances": 192}
    assert report["independent_validation"] is True
    assert (report["stain"], report["manifest"]) == ("HE", manifest.sha256)
    ranks = [(v["validation_balanced_error"], v["validation_loss"]) for v in (m["values"] for m in run.said("metrics"))]
    assert report["best"]["epoch"] == 1 + ranks.index(min(ranks))
    assert [event["best"] for event in run.said("checkpoint")] == [True, ranks[1] < ranks[0]]
    assert [json.loads(line)["epoch"] for line in (run.out / "metrics.jsonl").read_text().splitlines()] == [1, 2]

    classifier = load_classifier(run.out / report["best"]["path"], cpu, stain="HE")
    assert (classifier.target_mpp, classifier.patch_px, classifier.instance_px) == (0.5, 128, 32)
    assert classifier.sha256 == report["best"]["sha256"]
    pixels = np.zeros((3, 32, 32, 3), np.uint8)
    assert classifier.probabilities(pixels).shape == (3,)


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_two_epochs_and_two_resumed_are_four_to_the_last_bit(
    ema_decay: float, manifest: Manifest, cohort: Path, new_run: NewRun
) -> None:
    config = replace(SMALL, ema_decay=ema_decay)
    whole = new_run("whole")
    train_mil(whole, config, manifest, "HE", cohort, None)

    first = new_run("first")
    _stop_after(first, 2)
    with pytest.raises(StopRequested):
        train_mil(first, config, manifest, "HE", cohort, None)
    torch.manual_seed(99)
    second = new_run("second")
    train_mil(second, config, manifest, "HE", cohort, first.out)

    assert _files(second.out) == _files(whole.out)
    for epoch in range(1, 5):
        name = f"checkpoints/epoch-{epoch:04d}.safetensors"
        one, other = load_file(whole.out / name), load_file(second.out / name)
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert (second.out / "metrics.jsonl").read_text() == (whole.out / "metrics.jsonl").read_text()
    assert second.report["best"] == whole.report["best"]
    assert [event["epoch"] for event in second.said("checkpoint")] == [3, 4]


def test_the_same_seed_gives_the_same_weights(manifest: Manifest, cohort: Path, new_run: NewRun) -> None:
    config = replace(SMALL, epochs=1)
    for name in ("one", "two"):
        train_mil(new_run(name), config, manifest, "HE", cohort, None)
    assert new_run("one").report["best"]["sha256"] == new_run("two").report["best"]["sha256"]


def test_a_resume_without_a_state_starts_at_the_beginning_and_says_so(
    manifest: Manifest, cohort: Path, new_run: NewRun, tmp_path: Path
) -> None:
    run = new_run("out")
    train_mil(run, replace(SMALL, epochs=1), manifest, "HE", cohort, tmp_path / "nothing")
    assert "no state" in run.said("warning")[0]["message"]
    assert run.report["epochs"] == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"config": replace(SMALL, epochs=1, width=16)}, "configuration key width is 8, expected 16"),
        ({"stain": "KI67"}, "its stain is 'HE', expected 'KI67'"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(
    changes: dict[str, Any], says: str, manifest: Manifest, cohort: Path, new_run: NewRun
) -> None:
    given: dict[str, Any] = {"config": replace(SMALL, epochs=1), "stain": "HE"}
    train_mil(new_run("first"), manifest=manifest, slides_root=cohort, resume=None, **given)
    second = new_run("second")
    with pytest.raises(CheckpointError, match=says):
        train_mil(second, manifest=manifest, slides_root=cohort, resume=new_run("first").out, **(given | changes))
    assert not second.out.exists()


def test_a_state_cut_short_is_refused(manifest: Manifest, cohort: Path, new_run: NewRun) -> None:
    run = new_run("out")
    train_mil(run, replace(SMALL, epochs=1), manifest, "HE", cohort, None)
    state = run.out / "state" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"state.safetensors is damaged"):
        train_mil(new_run("second"), replace(SMALL, epochs=2), manifest, "HE", cohort, run.out)


@pytest.mark.parametrize("label", ["tumor", "normal"])
def test_one_class_only_is_refused_before_anything_is_written(
    label: str, manifest: Manifest, cohort: Path, new_run: NewRun
) -> None:
    run = new_run("out")
    with pytest.raises(NotEnoughData, match=f"labelled {label}; a classifier needs both normal and tumor"):
        train_mil(run, SMALL, relabelled(manifest, label), "HE", cohort, None)
    assert not run.out.exists()


def test_no_labels_are_refused(manifest: Manifest, cohort: Path, new_run: NewRun) -> None:
    run = new_run("out")
    with pytest.raises(NotEnoughData, match="no labelled HE patch for train"):
        train_mil(run, SMALL, replace(manifest, patches=()), "HE", cohort, None)
    assert not run.out.exists()


def test_no_validation_labels_are_refused(manifest: Manifest, cohort: Path, new_run: NewRun) -> None:
    with pytest.raises(NotEnoughData, match="no labelled HE patch for validation"):
        train_mil(new_run("out"), SMALL, replace(manifest, patches=manifest.patches[:24]), "HE", cohort, None)


def test_a_stain_that_the_data_set_lacks_is_refused(manifest: Manifest, cohort: Path, new_run: NewRun) -> None:
    with pytest.raises(ManifestError, match="no stain 'SYN'; it holds HE, KI67"):
        train_mil(new_run("out"), SMALL, manifest, "SYN", cohort, None)


def test_a_validation_within_the_case_is_warned_of_and_marked(
    manifest: Manifest, cohort: Path, new_run: NewRun, cpu: Compute
) -> None:
    patches = [replace(row, split="validation") if row.y_l0 == 128 else row for row in manifest.patches[:12]]
    one_case = replace(manifest, slides=manifest.slides[:2], patches=tuple(patches))
    run = new_run("out")
    train_mil(run, replace(SMALL, epochs=1), one_case, "HE", cohort, None)
    assert run.said("warning")[0]["message"].startswith("No independent validation")
    assert run.report["independent_validation"] is False
    assert run.report["bags"]["validation"] == {"tumor": 2, "normal": 2, "instances": 64}
    header = (run.out / run.report["best"]["path"]).read_bytes()[:4000]
    assert b'\\"independent_validation\\": false' in header


def test_a_case_that_validates_and_is_held_out_is_warned_of_loudly(
    manifest: Manifest, cohort: Path, new_run: NewRun
) -> None:
    patches = tuple(
        replace(patch, split="test") if patch.slide.startswith("two") and patch.y_l0 == 3 * PATCH_PX else patch
        for patch in manifest.patches
    )
    mixed = replace(manifest, patches=patches)
    assert mixed.validation_is_evaluation and not manifest.validation_is_evaluation
    run = new_run("out")
    train_mil(run, replace(SMALL, epochs=1), mixed, "HE", cohort, None)
    assert any(said["message"].startswith("Validation equals evaluation") for said in run.said("warning"))
    assert mixed.independent_validation


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_epochs_before(
    manifest: Manifest, cohort: Path, new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([0.7, float("nan")])
    monkeypatch.setattr(module, "train_on_picks", lambda *_, **__: next(losses))
    run = new_run("out")
    with pytest.raises(TrainingDiverged, match=r"The loss of epoch 2 is nan; the epochs before it are kept"):
        train_mil(run, SMALL, manifest, "HE", cohort, None)
    assert [event["epoch"] for event in run.said("checkpoint")] == [1]
    assert not (run.out / "report.json").exists()


def test_imagenet_weights_are_taken_but_for_the_last_layer(tmp_path: Path) -> None:
    theirs, ours = ResNet(1000, 8, (1, 1, 1, 1)), ResNet(2, 8, (1, 1, 1, 1))
    last = ours.fc.weight.clone()
    save_file(weights_of(theirs, ""), tmp_path / "imagenet.safetensors")
    load_imagenet_weights(ours, tmp_path / "imagenet.safetensors")
    assert torch.equal(ours.layer4[0].conv2.weight, theirs.layer4[0].conv2.weight)  # type: ignore[arg-type, union-attr]
    assert torch.equal(ours.fc.weight, last)


def test_imagenet_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    save_file(weights_of(ResNet(2, 16, (1, 1, 1, 1)), ""), tmp_path / "wide.safetensors")
    with pytest.raises(CheckpointError, match=r"shape of conv1.weight is \(16, 3, 7, 7\)"):
        load_imagenet_weights(ResNet(2, 8, (1, 1, 1, 1)), tmp_path / "wide.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="cannot be read as safetensors"):
        load_imagenet_weights(ResNet(2, 8, (1, 1, 1, 1)), tmp_path / "bad.safetensors")
