import numpy as np
import pytest

from training.learning.study.regions import RegionCounts, compare, errors_by_rate, null_map, per_region
from viewer.imaging.phantom import SectionTruth


def _counts(total: list[float], positive: list[float]) -> RegionCounts:
    return RegionCounts(np.array([total], float), np.array([positive], float))


def test_a_nucleus_counts_in_the_cell_that_its_centre_lies_in() -> None:
    x, y = np.array([0.0, 99.4, 99.5, 150.0, 250.0]), np.zeros(5)
    counts = per_region(x, y, np.array([1.0, 0, 1, 0.5, 1]), (1, 2), 100)
    assert counts.total.tolist() == [[2, 2]]
    assert counts.positive.tolist() == [[1, 1.5]]


def test_the_null_gives_tumour_nuclei_the_training_index_and_others_nothing() -> None:
    places = np.array([10.0, 20.0, 110.0, 120.0])
    kind = np.array([0, 0, 0, 2], np.int8)
    truth = SectionTruth(np.arange(4), places, np.zeros(4), places, kind, np.ones(4, bool), places)
    assert null_map(truth, 0.4, (1, 2), 100).ratio.tolist() == [[0.4, 0.2]]


def test_cells_with_few_nuclei_are_left_out() -> None:
    found = _counts([30, 30, 30], [3, 15, 30])
    true = _counts([40, 40, 5], [8, 16, 0])
    figures = compare(found, true)
    assert figures["regions"] == 2
    assert figures["mean_absolute_error"] == pytest.approx((0.1 + 0.1) / 2)
    assert figures["correlation"] == pytest.approx(1.0)


def test_a_map_without_cells_has_no_error() -> None:
    figures = compare(_counts([0], [0]), _counts([0], [0]))
    assert figures["regions"] == 0 and np.isnan(figures["mean_absolute_error"])


def test_errors_are_told_apart_by_the_true_rate_with_the_null_beside() -> None:
    true = _counts([100, 100, 100], [2, 20, 100])
    found, null = _counts([100, 100, 100], [12, 20, 90]), _counts([100, 100, 100], [30, 30, 30])
    rows = errors_by_rate(found, null, true)
    assert [(row["from"], row["to"], row["regions"]) for row in rows] == [(0.0, 0.05, 1), (0.15, 0.3, 1), (0.3, 1.0, 1)]
    assert [row["mean_error"] for row in rows] == pytest.approx([0.1, 0.0, -0.1])
    assert [row["null_mean_absolute_error"] for row in rows] == pytest.approx([0.28, 0.1, 0.7])
