import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.training.learning.conftest import RecordedRun
from tests.training.learning.models import classifier_of
from training.learning.compute import Compute
from training.learning.config import ScoreConfig
from training.learning.errors import ManifestError
from training.learning.scoring import score_slide
from viewer.imaging.slides import open_slide

NewRun = Callable[[str], RecordedRun]


def _patches(path: Path, *entries: object) -> Path:
    path.write_text(json.dumps(entries))
    return path


def test_every_patch_gets_its_instances_probabilities_and_the_place_of_the_highest(
    drawn_cohort: Path, tmp_path: Path, new_run: NewRun, cpu: Compute
) -> None:
    run, classifier = new_run("out"), classifier_of("HE", cpu)
    slide = drawn_cohort / "one-HE.tif"
    patches = _patches(
        tmp_path / "patches.json",
        {"id": 31, "x_l0": 128, "y_l0": 128, "size_l0": 128},
        {"id": 32, "x_l0": 0, "y_l0": 0, "size_l0": 128},
    )
    score_slide(run, ScoreConfig(), slide, 0.5, classifier, patches)
    scored, glass = (json.loads(line) for line in (run.out / "predictions.jsonl").read_text().splitlines())

    with open_slide(slide) as reader:
        pixels = np.stack(
            [reader.read_region(128 + x, 128 + y, 0, 32, 32) for y in range(0, 128, 32) for x in range(0, 128, 32)]
        )
    expected = classifier.probabilities(pixels)
    assert scored["patch"] == 31
    assert scored["probability"] == pytest.approx(expected.max(), abs=1e-5)
    best = int(expected.argmax())
    assert (scored["best_x_l0"], scored["best_y_l0"]) == (128 + best % 4 * 32, 128 + best // 4 * 32)
    assert np.abs(np.array(scored["instance_probabilities"]).ravel() - expected * 254).max() <= 0.51

    assert glass == {
        "patch": 32,
        "probability": 0.0,
        "best_x_l0": 0,
        "best_y_l0": 0,
        "instance_probabilities": [[255] * 4] * 4,
    }
    assert run.report["patches"] == 2
    assert run.report["classifier"] == classifier.sha256


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"id": 1, "x_l0": 448, "y_l0": 0, "size_l0": 128}, "Patch 1 does not lie on the slide"),
        ({"id": 1, "x_l0": 0, "y_l0": 0, "size_l0": 64}, "Patch 1 is 64 pixels wide"),
        ({"id": 1, "x_l0": 0}, "expected a list of"),
        ("patch", "expected a list of"),
    ],
)
def test_patches_that_make_no_sense_are_refused_and_nothing_is_written(
    entry: object, says: str, drawn_cohort: Path, tmp_path: Path, new_run: NewRun, cpu: Compute
) -> None:
    patches = _patches(tmp_path / "patches.json", entry)
    with pytest.raises(ManifestError, match=says):
        score_slide(new_run("out"), ScoreConfig(), drawn_cohort / "one-HE.tif", 0.5, classifier_of("HE", cpu), patches)
    assert not new_run("out").out.exists()
