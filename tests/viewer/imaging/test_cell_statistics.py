import numpy as np
import pytest

from viewer.imaging.cell_statistics import block_interval, hot_spots
from viewer.imaging.cells import wilson_interval


def scattered(count, side, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, side, count), rng.uniform(0, side, count), rng


def test_cells_that_do_not_keep_together_get_about_wilson_s_interval():
    x, y, rng = scattered(4000, 10_000)
    positive = rng.random(4000) < 0.2
    low, high = block_interval(x, y, positive, 1000)
    expected = wilson_interval(int(positive.sum()), 4000)
    assert (low, high) == pytest.approx(expected, abs=0.006)


def test_positive_cells_that_keep_together_widen_the_interval():
    x, y, _ = scattered(4000, 10_000)
    positive = x < 2000
    low, high = block_interval(x, y, positive, 1000)
    narrow = wilson_interval(int(positive.sum()), 4000)
    assert high - low > 3 * (narrow[1] - narrow[0])
    assert low < positive.mean() < high


def test_the_same_cells_give_the_same_interval():
    x, y, rng = scattered(900, 10_000)
    positive = rng.random(900) < 0.3
    assert block_interval(x, y, positive, 1000) == block_interval(x, y, positive, 1000)


def test_too_few_blocks_give_no_interval():
    x, y, _ = scattered(500, 2000)
    assert block_interval(x, y, x < 500, 1000) is None
    assert block_interval(np.empty(0), np.empty(0), np.empty(0, bool), 1000) is None


def test_the_hot_spot_is_where_the_positive_cells_are():
    x, y, rng = scattered(8000, 8000)
    inside = (x > 4000) & (x < 5000) & (y > 2000) & (y < 3000)
    positive = (rng.random(8000) < 0.05) | inside
    best = hot_spots(x, y, positive, 1000, 50)[0]
    assert (best.x, best.y) == pytest.approx((4000, 2000), abs=260)
    assert best.ratio > 0.6
    held = (x >= best.x) & (x < best.x + 1000) & (y >= best.y) & (y < best.y + 1000)
    assert (best.cells, best.positive) == (held.sum(), (held & positive).sum())


def test_windows_with_too_few_cells_do_not_count_however_hot():
    x, y, _ = scattered(3000, 8000)
    lonely = np.array([9990.0] * 5)
    x, y = np.append(x, lonely), np.append(y, lonely)
    positive = np.append(np.arange(3000) % 10 == 0, np.ones(5, bool))
    found = hot_spots(x, y, positive, 1000, 30)
    assert found and all(window.cells >= 30 and window.ratio < 0.5 for window in found)
    assert hot_spots(x, y, positive, 1000, 4000) == []


def test_hot_spots_do_not_overlap():
    x, y, rng = scattered(8000, 8000)
    found = hot_spots(x, y, rng.random(8000) < 0.3, 1000, 20, most=4)
    assert len(found) == 4
    for i, one in enumerate(found):
        for other in found[:i]:
            assert max(abs(one.x - other.x), abs(one.y - other.y)) >= 1000
    assert [window.ratio for window in found] == sorted((window.ratio for window in found), reverse=True)


def test_no_cells_have_no_hot_spot():
    assert hot_spots(np.empty(0), np.empty(0), np.empty(0, bool), 500, 10) == []
