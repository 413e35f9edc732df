from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.learning.conftest import RecordedRun
from tests.training.learning.models import classifier_of
from training.learning import cyclegan, validation
from training.learning.compute import Compute
from training.learning.config import CycleGanConfig
from training.learning.data import training_density
from training.learning.errors import CheckpointError, ManifestError, NotEnoughData, StopRequested, TrainingDiverged
from training.learning.manifest import Manifest
from training.learning.synthesis import load_generator
from training.learning.train_cyclegan import check_stains, classify, train_cyclegan
from training.learning.validation import is_inverted, rank

SMALL = CycleGanConfig(
    epochs=2,
    steps_per_epoch=4,
    warm_steps=3,
    ngf=4,
    ndf=4,
    crop_px=32,
    augment=True,
    pool_size=3,
    ema_decay=0.9,
    lr_decay_from=0.5,
    validation_fields=2,
    core_px=32,
    halo_px=16,
    state_every_steps=2,
)
NewRun = Callable[[str], RecordedRun]


@pytest.fixture
def classifiers(cpu: Compute) -> Any:
    return classifier_of("HE", cpu), classifier_of("KI67", cpu)


def test_a_run_writes_checkpoints_previews_and_says_what_it_was_made_from(
    manifest: Manifest, cohort: Path, new_run: NewRun, classifiers: Any
) -> None:
    run = new_run("out")
    train_cyclegan(run, SMALL, manifest, classifiers, cohort, None)
    assert {str(file.relative_to(run.out)) for file in run.out.rglob("*") if file.is_file()} == {
        "checkpoints/epoch-0001.safetensors",
        "checkpoints/epoch-0002.safetensors",
        "previews/epoch-0001.jpg",
        "previews/epoch-0002.jpg",
        "state/state.safetensors",
        "metrics.jsonl",
        "report.json",
    }
    report = run.report
    assert report["steps"] == 3 + 2 * 4
    assert report["classifiers"] == [classifier.sha256 for classifier in classifiers]
    assert report["stains"] == ["HE", "KI67"]
    assert report["patches"]["HE"]["patches"] == 256
    values = run.said("metrics")[-1]["values"]
    assert {"generator", "cycle", "discriminator_accuracy", "generator_gradient"} <= values.keys()
    assert -1 <= values["validation_density_correlation"] <= 1
    assert 0 <= values["validation_class_consistency"] <= 1
    assert "warm" not in values
    tensors = load_file(run.out / "checkpoints/epoch-0002.safetensors")
    assert {name.split(".")[0] for name in tensors} == {"generator", "generator_back"}


def test_a_run_stopped_at_any_step_and_resumed_is_the_same_to_the_last_bit(
    manifest: Manifest, cohort: Path, new_run: NewRun, classifiers: Any
) -> None:
    whole = new_run("whole")
    train_cyclegan(whole, SMALL, manifest, classifiers, cohort, None)

    # Once in the warm start, once between two saves of the second epoch.
    before = None
    for steps in (2, 8):
        stopped = new_run(f"stopped-{steps}")
        _stop_at(stopped, steps)
        with pytest.raises(StopRequested, match="its state is saved"):
            train_cyclegan(stopped, SMALL, manifest, classifiers, cohort, before)
        before = stopped.out
    last = new_run("last")
    train_cyclegan(last, SMALL, manifest, classifiers, cohort, before)

    for epoch in (1, 2):
        name = f"checkpoints/epoch-{epoch:04d}.safetensors"
        one, other = load_file(whole.out / name), load_file(last.out / name)
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert (last.out / "metrics.jsonl").read_text() == (whole.out / "metrics.jsonl").read_text()
    assert last.report["best"] == whole.report["best"]


def _stop_at(run: RecordedRun, steps: int) -> None:
    progress = run.reporter.progress

    def stopping(step: int, total: int, epoch: int, epochs: int, message: str) -> None:
        run.stop.requested = message in ("Warm start", "Training") and step == steps
        progress(step, total, epoch, epochs, message)

    run.reporter.progress = stopping  # type: ignore[method-assign]


def test_the_ablation_needs_no_classifiers(manifest: Manifest, cohort: Path, new_run: NewRun) -> None:
    run = new_run("out")
    config = replace(SMALL, class_channel=False, epochs=1, warm_steps=0)
    train_cyclegan(run, config, manifest, (None, None), cohort, None)
    assert run.report["classifiers"] == [None, None]
    assert load_file(run.out / "checkpoints/epoch-0001.safetensors")["generator.0.weight"].shape[1] == 3


def test_networks_without_norm_train_on_slides_made_equally_dense_and_the_checkpoint_names_that_density(
    manifest: Manifest, cohort: Path, new_run: NewRun, classifiers: Any
) -> None:
    run = new_run("out")
    config = replace(
        SMALL,
        epochs=1,
        generator_norm="none",
        discriminator_norm="none",
        upsampling="resized",
        source_density="equal",
    )
    train_cyclegan(run, config, manifest, classifiers, cohort, None)
    density = training_density(manifest, "HE", cohort)
    assert density is not None
    assert run.report["source_density"] == list(density)
    _, trained, metadata = load_generator(run.out / "checkpoints/epoch-0001.safetensors", run.compute)
    assert (trained.generator_norm, trained.upsampling) == ("none", "resized")
    assert metadata["source_density"] == list(density)


def test_the_ratio_of_brown_nuclei_can_choose_the_epoch(
    manifest: Manifest, cohort: Path, new_run: NewRun, classifiers: Any
) -> None:
    run = new_run("out")
    train_cyclegan(run, replace(SMALL, selection="positive_ratio", epochs=1), manifest, classifiers, cohort, None)
    values = run.said("metrics")[0]["values"]
    assert values["validation_real_ratio"] > 0.5  # all nuclei of the drawn target slides are brown
    assert 0 <= values["validation_ratio_error"] <= 1
    difference = values["validation_synthetic_ratio"] - values["validation_real_ratio"]
    assert values["validation_ratio_difference"] == pytest.approx(difference)


def test_brown_stroma_does_not_make_up_for_pale_tumour(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    def quiet(done: int, total: int, what: str) -> None:
        pass

    _, target = validation.load_fields(manifest, cohort, tmp_path, 2, 0, quiet)
    classes = np.tile(np.array([1, -1, 1, -1], np.float32), (len(target.pixels), 1))
    patches, signs = target.patches(), classes.ravel()
    pale = np.full_like(patches[0], 250)
    mixed = patches.copy()
    mixed[signs > 0] = pale
    judge = validation.RatioJudge(manifest, cohort, replace(target, pixels=_fields_of(mixed, target)), classes)
    swapped = patches.copy()
    swapped[signs < 0] = pale
    figures = judge.figures(swapped, classes)
    assert figures["ratio_error"] > 0.5 > abs(figures["ratio_difference"])


def _fields_of(patches: np.ndarray, fields: validation.Fields) -> np.ndarray:
    """Put patches back together to fields of two by two without halo."""
    side = fields.patch_px
    rows = patches.reshape(-1, 2, 2, side, side, 3).swapaxes(2, 3)
    return rows.reshape(-1, 2 * side, 2 * side, 3)


def test_a_data_set_that_lacks_a_side_of_the_stain_pair_is_refused(manifest: Manifest) -> None:
    only_he = tuple(slide for slide in manifest.slides if slide.stain == "HE")
    he_patches = tuple(patch for patch in manifest.patches if patch.slide.endswith("HE.tif"))
    with pytest.raises(NotEnoughData, match="no KI67 slide for train"):
        check_stains(replace(manifest, slides=only_he, patches=he_patches))
    header = replace(manifest.header, stains=("HE",))
    with pytest.raises(ManifestError, match="holds the stain HE only"):
        check_stains(replace(manifest, header=header, slides=only_he, patches=he_patches))


def test_a_data_set_without_validation_slides_is_refused_before_anything_is_written(
    manifest: Manifest, cohort: Path, new_run: NewRun, classifiers: Any
) -> None:
    run = new_run("out")
    training_only = replace(manifest, slides=manifest.slides[:2], patches=manifest.patches[:24])
    with pytest.raises(NotEnoughData, match="no HE slide for validation"):
        train_cyclegan(run, SMALL, training_only, classifiers, cohort, None)
    assert not run.out.exists()


def test_a_state_made_with_other_classifiers_is_refused(
    manifest: Manifest, cohort: Path, new_run: NewRun, classifiers: Any
) -> None:
    run = new_run("out")
    train_cyclegan(run, replace(SMALL, epochs=1), manifest, classifiers, cohort, None)
    other = replace(classifiers[0], sha256="f" * 64), classifiers[1]
    with pytest.raises(CheckpointError, match="its classifiers is"):
        train_cyclegan(new_run("second"), replace(SMALL, epochs=1), manifest, other, cohort, run.out)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_state_before(
    manifest: Manifest, cohort: Path, new_run: NewRun, classifiers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    sound = cyclegan.cycle_loss

    def failing(*arguments: Any) -> torch.Tensor:
        calls.append(1)
        return sound(*arguments) * (float("nan") if len(calls) > 2 * 5 else 1.0)

    monkeypatch.setattr(cyclegan, "cycle_loss", failing)
    run = new_run("out")
    with pytest.raises(TrainingDiverged, match="is no longer a number in epoch 2"):
        train_cyclegan(run, SMALL, manifest, classifiers, cohort, None)
    assert [event["epoch"] for event in run.said("checkpoint")] == [1]
    state = load_file(run.out / "state" / "state.safetensors")
    assert all(bool(tensor.isfinite().all()) for tensor in state.values() if tensor.is_floating_point())
    assert not (run.out / "report.json").exists()


def test_inverted_epochs_are_warned_of_and_the_report_says_so(
    manifest: Manifest, cohort: Path, new_run: NewRun, classifiers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def invert(painter: Any, fields: Any, classes: Any) -> Any:
        return np.stack([255 - fields.core(number) for number in range(len(fields.pixels))])

    monkeypatch.setattr(validation, "paint_fields", invert)
    run = new_run("out")
    train_cyclegan(run, replace(SMALL, epochs=1), manifest, classifiers, cohort, None)
    said = [event["message"] for event in run.said("warning")]
    assert any(message.startswith("The colours of epoch 1 are inverted") for message in said)
    assert any("should not be published" in message for message in said)
    assert run.report["inverted"] is True


def test_epochs_are_ranked_upright_ones_first() -> None:
    upright = {"density_correlation": 0.6, "stain_distance": 0.3, "ratio_error": 0.2}
    inverted = {"density_correlation": -0.4, "stain_distance": 0.1, "ratio_error": 0.0}
    assert is_inverted(inverted) and not is_inverted(upright)
    for selection in ("stain_distance", "positive_ratio"):
        assert rank(upright, 1, selection) < rank(inverted, 2, selection)
    assert rank(inverted, 2, "last") < rank(upright, 1, "last")
    assert rank(upright, 1, "positive_ratio") == (0.0, 0.2, 0.3)


def test_background_is_normal_whatever_the_classifier_says(cpu: Compute) -> None:
    classifier = replace(classifier_of("HE", cpu), threshold=1e-6)  # calls everything tumour
    tissue = np.array([1.0, 0.04, 0.06], np.float32)
    pixels = np.zeros((3, 32, 32, 3), np.uint8)
    assert classify(classifier, pixels, tissue, SMALL).tolist() == [1, -1, 1]
    assert classify(classifier, pixels, tissue, replace(SMALL, class_channel=False)).tolist() == [0, 0, 0]
