from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.learning.drawing import INSTANCE_PX, draw_tissue, write_slide
from tests.training.learning.models import classifier_of
from training.learning.compute import Compute
from training.learning.study.class_maps import ClassMap, class_map, judge_classes
from viewer.imaging.slides import open_slide


def test_every_instance_with_tissue_is_classified_and_glass_is_not(tmp_path: Path, cpu: Compute) -> None:
    write_slide(tmp_path / "one.tif", draw_tissue("HE", 0))
    classifier = classifier_of("HE", cpu)
    with open_slide(tmp_path / "one.tif") as reader:
        said = class_map(reader, classifier, 0.05)
        tile = reader.read_region(5 * INSTANCE_PX, 9 * INSTANCE_PX, 0, INSTANCE_PX, INSTANCE_PX)
    assert said.probability.shape == (16, 16)
    assert said.probability[9, 5] == pytest.approx(classifier.probabilities(tile[None])[0], abs=1e-6)
    assert not said.asked[0, 0] and said.probability[0, 0] == 0
    assert not replace(said, threshold=0.0).is_tumor[0, 0]


def test_instances_of_all_slides_are_judged_together() -> None:
    probability = np.array([[0.9, 0.6], [0.4, 0.1]], np.float32)
    said = ClassMap(probability, np.array([[1, 1], [1, 0]], np.float32), 0.5, 0.05)
    figures = judge_classes([said, said], [np.array([[3, 0], [0, 9]])] * 2)
    assert figures["instances"] == 6  # glass is not asked, whatever lies there
    assert figures["tumor_share"] == pytest.approx(1 / 3)
    assert figures["auc"] == 1.0
    assert figures["balanced_accuracy"] == pytest.approx(1 - 0.25)
