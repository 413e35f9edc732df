import numpy as np
import pytest

from review import strips
from review.models import Alignment
from review.pictures import square
from review.strips import matched_places, strips_png
from review.windows import Window
from tests.review.conftest import Pair, make_score, store_cells


@pytest.fixture
def crowded(pair: Pair) -> Pair:
    """2,000 cells on both slides, the more positive the further to the right."""
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 800, (2000, 2))
    positive = rng.random(2000) < places[:, 0] / 800
    cells = [(x, y, bool(flag)) for (x, y), flag in zip(places.tolist(), positive, strict=True)]
    for slide in (pair.real, pair.synthetic):
        store_cells(make_score(slide), cells)
    Alignment.objects.create(
        fixed=pair.source, moving=pair.real, matrix=[1, 0, 0, 0, 1, 0], correlation=0.9, method="automatic affine"
    )
    return pair


@pytest.fixture(autouse=True)
def small_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "SIDE_UM", 80.0)
    monkeypatch.setattr(strips, "FEWEST_CELLS", 20)


def test_places_run_from_few_to_many_positive_cells(crowded: Pair) -> None:
    places = matched_places(crowded.synthetic, rows=4)
    ratios = [place.real.ratio for place in places]
    assert len(places) == 4
    assert ratios == sorted(ratios) and ratios[0] < 0.3 < 0.7 < ratios[-1]
    assert all(place.real == place.synthetic for place in places)


def test_the_sheet_has_a_column_per_slide_and_says_synthetic(crowded: Pair) -> None:
    sheet, description = strips_png(crowded.synthetic)
    rows = len(matched_places(crowded.synthetic))
    assert sheet.shape == (44 + rows * (320 + 22) + 8, 3 * 328 + 8, 3)
    assert b"SYNTHETIC" in description.chunks[0][1]


def test_a_square_is_turned_back_as_the_source_lies(pair: Pair) -> None:
    window = Window(400.0, 400.0, 100.0)
    straight = square(pair.source, pair.real, window, [1, 0, 0, 0, 1, 0], 100)
    turned = square(pair.source, pair.real, window, [0, -1, 799, 1, 0, 0], 100)
    assert straight.shape == turned.shape == (100, 100, 3)
    assert np.abs(straight.astype(int) - turned).mean() > 3
    # A quarter turn about the slide's middle shows the same tissue, turned.
    back = np.rot90(turned, -1)
    assert np.abs(straight.astype(int) - back).mean() < 3
