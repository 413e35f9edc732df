from pathlib import Path

import numpy as np
import pytest

from tests.training.learning.drawing import write_slide
from training.learning.study.nuclei import dab_at, match, status_auc, status_ceiling
from viewer.imaging.phantom import SectionTruth
from viewer.imaging.slides import open_slide


def _truth(count: int, positive: np.ndarray, radius: np.ndarray | None = None) -> SectionTruth:
    places = np.linspace(20, 20 + 30 * (count - 1), count)
    zeros = np.zeros(count)
    radius = np.full(count, 8.0) if radius is None else radius
    return SectionTruth(np.arange(count), places, places, radius, np.zeros(count, np.int8), positive, zeros)


def test_nuclei_are_paired_one_to_one_and_nearest_first() -> None:
    drawn = np.array([[0.0, 0.0], [10.0, 0.0], [50.0, 50.0]])
    found = np.array([[3.0, 0.0], [9.0, 0.0], [200.0, 0.0], [201.0, 0.0]])
    matched = match(drawn, found, 8.0)
    assert (matched.drawn, matched.found, matched.matched) == (3, 4, 2)
    assert matched.f1 == pytest.approx(4 / 7)
    assert matched.lost == pytest.approx(1 / 3)
    assert matched.invented == pytest.approx(1 / 2)


def test_one_found_nucleus_stands_for_one_drawn_nucleus_only() -> None:
    assert match(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.5, 0.0]]), 8.0).matched == 1


def test_nothing_found_keeps_no_nucleus() -> None:
    matched = match(np.zeros((3, 2)), np.empty((0, 2)), 8.0)
    assert (matched.f1, matched.lost, matched.invented) == (0.0, 1.0, 1.0)


def test_brown_is_read_at_the_nuclei_across_blocks(tmp_path: Path) -> None:
    picture = np.full((64, 1100, 3), 240, np.uint8)
    for x in (20, 1023, 1080):
        picture[20:41, x - 10 : x + 11] = (110, 70, 40)
    write_slide(tmp_path / "one.tif", picture)
    with open_slide(tmp_path / "one.tif") as reader:
        brown = dab_at(reader, np.array([20.0, 500, 1023, 1080]), np.full(4, 30.0), (240.0, 240.0, 240.0))
    assert (brown[[0, 2, 3]] > 0.4).all()
    assert abs(brown[1]) < 0.02


def test_the_status_is_told_by_brown_of_tumour_nuclei_alone() -> None:
    truth = _truth(4, np.array([True, True, False, False]))
    assert status_auc(np.array([0.9, 0.3, 0.4, 0.1]), truth) == 0.75
    truth.kind[2] = 1
    assert status_auc(np.array([0.9, 0.3, 0.4, 0.1]), truth) == 1.0


def test_the_ceiling_is_what_size_and_darkness_tell(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_slide(tmp_path / "one.tif", rng.integers(100, 250, (640, 640, 3)).astype(np.uint8))
    positive = np.arange(20) % 2 == 0
    with open_slide(tmp_path / "one.tif") as reader:
        larger = _truth(20, positive, 8 + 2.0 * positive + rng.normal(0, 0.1, 20))
        assert status_ceiling(reader, larger) > 0.99
        assert np.isnan(status_ceiling(reader, _truth(20, np.ones(20, bool))))
