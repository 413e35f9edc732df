from uuid import uuid4

import numpy as np
import pytest

from accounts.errors import ApplicationError
from accounts.models import User
from review.models import Alignment, ScoringSettings
from review.selectors import finished_score
from review.services import edit_cell
from review.windows import Window, compared, hottest, inverse, transform
from tests.review.conftest import MPP, Pair, make_score, store_cells


def test_the_inverse_undoes_a_map() -> None:
    matrix = [0.9, -0.2, 30.0, 0.2, 1.1, -8.0]
    assert transform(inverse(matrix), transform(matrix, (123.0, 45.0))) == pytest.approx((123.0, 45.0))


def test_one_window_is_counted_on_both_slides(counted_pair: Pair) -> None:
    ScoringSettings.objects.create(project=counted_pair.source.project, least_cells=4)
    found = compared(counted_pair.synthetic, Window(115.0, 125.0, 100 * MPP))
    assert [found[side]["machine"]["cells"] for side in ("real", "synthetic")] == [4, 4]
    assert found["synthetic"]["reader"]["ratio"] == 0.5
    assert found["note"] == ""
    assert found["real"]["corners"] == [[65.0, 75.0], [165.0, 75.0], [165.0, 175.0], [65.0, 175.0]]


def test_the_window_on_the_real_slide_follows_the_alignment(counted_pair: Pair) -> None:
    Alignment.objects.update(matrix=[1, 0, 550, 0, 1, 500])
    found = compared(counted_pair.synthetic, Window(115.0, 125.0, 100 * MPP))
    assert (found["real"]["machine"]["cells"], found["synthetic"]["machine"]["cells"]) == (1, 4)


def test_a_window_counts_cells_as_readers_left_them_beside_the_machine_s(counted_pair: Pair, clinician: User) -> None:
    score = finished_score(counted_pair.synthetic)
    assert score is not None
    edit_cell(score, clinician, uuid4(), "flip", cell_index=0)
    found = compared(counted_pair.synthetic, Window(115.0, 125.0, 100 * MPP))["synthetic"]
    assert (found["machine"]["positive"], found["reader"]["positive"]) == (2, 1)


def test_an_empty_window_has_no_ratio(counted_pair: Pair) -> None:
    found = compared(counted_pair.synthetic, Window(400.0, 400.0, 20.0))
    assert (found["synthetic"]["machine"]["ratio"], found["synthetic"]["machine"]["interval"]) == (None, None)
    assert "Fewer than 500 cells" in found["note"]


def test_sections_that_are_not_aligned_are_not_compared(counted_pair: Pair) -> None:
    Alignment.objects.all().delete()
    found = compared(counted_pair.synthetic, Window(115.0, 125.0, 50.0))
    assert found["real"] is None and "not aligned" in found["note"]


@pytest.mark.parametrize("window", [Window(-1.0, 5.0, 50.0), Window(5.0, 900.0, 50.0), Window(5.0, 5.0, 9.0)])
def test_a_window_off_the_slide_or_of_no_size_is_refused(counted_pair: Pair, window: Window) -> None:
    with pytest.raises(ApplicationError):
        compared(counted_pair.synthetic, window)


def test_hot_spots_are_found_on_the_real_slide_and_counted_on_both(pair: Pair) -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 800, (1500, 2))
    hot = (places[:, 0] > 500) & (places[:, 1] > 500)
    cells = [(x, y, bool(flag)) for (x, y), flag in zip(places.tolist(), hot, strict=True)]
    store_cells(make_score(pair.real), cells)
    store_cells(make_score(pair.synthetic), [(x, y, False) for x, y, _ in cells])
    Alignment.objects.create(
        fixed=pair.source, moving=pair.real, matrix=[1, 0, 20, 0, 1, 10], correlation=0.9, method="automatic affine"
    )
    ScoringSettings.objects.create(project=pair.source.project, hot_spot_um=100, least_cells=50)
    best = hottest(pair.synthetic)[0]
    assert best["real"]["machine"]["ratio"] > 0.9
    assert best["synthetic"]["machine"]["ratio"] == 0.0
    assert best["x"] + 20 > 550 and best["y"] + 10 > 550
    ScoringSettings.objects.update(least_cells=2000)
    assert hottest(pair.synthetic) == []
