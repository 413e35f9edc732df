import math

import numpy as np
import pytest

from training.learning.study.regions import RegionCounts
from training.learning.study.tables import PAPER_ROWS, difference_interval, mean_interval, summary

NAMES = ("real", "twin", "synthetic", "null")


def _row(total: int, **ratios: float | None) -> dict[str, float | None]:
    row: dict[str, float | None] = {}
    for name in NAMES:
        ratio = ratios[name]
        row |= {name: ratio, f"{name}_positive": (ratio or 0) * total, f"{name}_total": total}
    return row


def test_the_papers_evaluation_row_is_the_plain_mean_of_its_two_examples() -> None:
    (one_real, one), (two_real, two) = (PAPER_ROWS[f"example {number} (Table 4)"] for number in (1, 2))
    real, synthetic = PAPER_ROWS["evaluation slides (Table 3)"]
    assert (one_real + two_real) / 2 == pytest.approx(real)
    assert (one + two) / 2 == pytest.approx(synthetic, abs=6e-5)


def test_the_mean_of_slides_and_the_pooled_ratio_are_told_apart() -> None:
    rows = [
        _row(100, real=0.2, twin=0.2, synthetic=0.3, null=0.4),
        _row(300, real=0.4, twin=0.5, synthetic=0.4, null=0.4),
    ]
    table = summary(rows)
    assert table["real_mean"] == pytest.approx(0.3)
    assert table["real_pooled"] == pytest.approx(0.35)
    assert table["synthetic_minus_twin"] == pytest.approx(0.0)
    assert table["synthetic_against_twin_absolute"] == pytest.approx(0.1)
    assert table["null_against_twin_absolute"] == pytest.approx(0.15)
    assert table["twin_against_real_absolute"] == pytest.approx(0.05)


def test_a_slide_without_cells_is_left_out_of_the_means() -> None:
    rows = [
        _row(100, real=0.2, twin=0.2, synthetic=0.3, null=0.4),
        _row(0, real=0.4, twin=0.4, synthetic=None, null=0.4),
    ]
    table = summary(rows)
    assert table["synthetic_mean"] == 0.3
    assert table["synthetic_against_twin_absolute"] == pytest.approx(0.1)


def test_one_slide_has_no_interval() -> None:
    assert all(math.isnan(end) for end in mean_interval([0.1]))
    low, high = mean_interval([0.1, 0.2, 0.3])
    assert 0.1 <= low < 0.2 < high <= 0.3


def test_the_interval_of_a_difference_holds_it_and_is_nothing_for_equal_maps() -> None:
    rng = np.random.default_rng(1)
    total = np.full((5, 5), 100.0)
    true = RegionCounts(total, rng.binomial(100, 0.2, (5, 5)).astype(float))
    more = RegionCounts(total, true.positive + 10)
    assert difference_interval(true, true, paired=True) == (0.0, 0.0)
    assert difference_interval(more, true, paired=True) == pytest.approx((0.1, 0.1))
    low, high = difference_interval(more, true, paired=False)
    assert low < 0.1 < high
