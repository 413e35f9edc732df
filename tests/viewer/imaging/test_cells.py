import numpy as np
import pytest

from tests.viewer.imaging.pictures import discs, f1, reader_of
from viewer.imaging.cell_export import cells_as_geojson, cells_as_json
from viewer.imaging.cells import CountParameters, calibrate, count_slide, wilson_interval
from viewer.imaging.errors import RegionOutsideSlide, UnsupportedSlide

BLUE, BROWN = (120, 120, 175), (120, 70, 45)
PARAMETERS = CountParameters(white_point=(245, 245, 245))


@pytest.fixture(scope="module")
def parameters(ki67):
    return calibrate(reader_of(ki67), 0.5)


def cells_of(count):
    return set(zip(count.x, count.y, count.area_um2, count.dab, strict=True))


def test_nuclei_of_drawn_tissue_are_found(block, ki67, parameters):
    count = count_slide(reader_of(ki67), 0.5, parameters)
    truth = block.truth("KI67")
    assert f1(count, ((truth.x + 0.5) * 0.5, (truth.y + 0.5) * 0.5), 560) >= 0.93
    assert count.ratio == pytest.approx(truth.ratio, abs=0.015)


@pytest.mark.parametrize("tile_px", [256, 300, 500, 4096])
def test_cells_do_not_depend_on_the_tiling(ki67, parameters, tile_px):
    whole = count_slide(reader_of(ki67), 0.5, parameters)
    tiled = count_slide(reader_of(ki67), 0.5, parameters, tile_px=tile_px)
    assert whole.total > 1000
    assert cells_of(tiled) == cells_of(whole)
    np.testing.assert_array_equal(tiled.y, whole.y)


def test_the_tiling_does_not_matter_on_a_halved_slide_either(ki67, parameters):
    picture = np.repeat(np.repeat(ki67, 2, 0), 2, 1)
    whole, tiled = (count_slide(reader_of(picture), 0.25, parameters, tile_px=px) for px in (4096, 256))
    assert cells_of(tiled) == cells_of(whole)
    half = count_slide(reader_of(ki67), 0.5, parameters)
    np.testing.assert_allclose(whole.x, half.x * 2 + 0.5)
    np.testing.assert_allclose(whole.area_um2, half.area_um2)


def test_a_region_holds_the_whole_slide_s_cells_whose_centre_lies_within(ki67, parameters):
    whole = count_slide(reader_of(ki67), 0.5, parameters)
    part = count_slide(reader_of(ki67), 0.5, parameters, region=(301, 203, 407, 351))
    inside = (whole.x >= 300.5) & (whole.x < 707.5) & (whole.y >= 202.5) & (whole.y < 553.5)
    np.testing.assert_array_equal(part.x, whole.x[inside])
    np.testing.assert_array_equal(part.y, whole.y[inside])
    np.testing.assert_array_equal(part.dab, whole.dab[inside])
    assert part.region == (301, 203, 407, 351)


def test_adjoining_regions_share_no_cell_and_lose_none(ki67, parameters):
    whole = count_slide(reader_of(ki67), 0.5, parameters)
    left, right = (
        count_slide(reader_of(ki67), 0.5, parameters, region=region)
        for region in ((0, 0, 555, 1120), (555, 0, 565, 1120))
    )
    assert left.total + right.total == whole.total
    assert cells_of(left) | cells_of(right) == cells_of(whole)


def test_positive_and_negative_nuclei_are_told_apart_and_placed_at_pixel_centres():
    picture = discs([(60, 80), (150, 90)], 240, 7, BLUE)
    picture[discs([(100, 160)], 240, 7, (0, 0, 0))[..., 0] == 0] = BROWN
    count = count_slide(reader_of(picture), 0.5, PARAMETERS)
    assert (count.positive, count.negative, count.ratio) == (1, 2, 1 / 3)
    assert [(round(x), round(y)) for x, y in zip(count.x, count.y, strict=True)] == [(60, 80), (150, 90), (100, 160)]
    assert count.is_positive.tolist() == [False, False, True]


def test_an_empty_slide_has_no_ratio():
    count = count_slide(reader_of(np.full((300, 300, 3), 255, np.uint8)), 0.5)
    assert (count.positive, count.negative, count.ratio, count.interval) == (0, 0, None, None)
    assert [row["ratio"] for row in count.sensitivity] == [None, None, None]


def test_sensitivity_gives_the_ratio_at_three_thresholds(ki67, parameters):
    count = count_slide(reader_of(ki67), 0.5, parameters)
    assert [row["dab_threshold"] for row in count.sensitivity] == [0.1, 0.2, 0.3]
    assert [row["positive"] for row in count.sensitivity] == [(count.dab > t).sum() for t in (0.1, 0.2, 0.3)]
    assert count.sensitivity[1] == count.fixed
    assert count.calibrated == {
        "dab_threshold": parameters.dab_threshold,
        "positive": count.positive,
        "ratio": count.ratio,
    }
    assert count.calibrated["dab_threshold"] == parameters.dab_threshold_calibrated


def test_the_count_carries_every_parameter_and_the_warnings():
    parameters = CountParameters(warnings=("look",))
    count = count_slide(reader_of(np.full((300, 300, 3), 255, np.uint8)), 0.5, parameters)
    assert count.parameters == parameters.as_dict()
    assert count.warnings == ("look",)


def test_progress_goes_up_to_1(ki67, parameters):
    shares: list[float] = []
    count_slide(reader_of(ki67), 0.5, parameters, on_progress=shares.append, tile_px=600)
    assert shares == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("region", [(-1, 0, 10, 10), (0, 0, 1121, 10), (0, 0, 0, 10), (2000, 0, 5, 5)])
def test_a_region_off_the_slide_is_refused(ki67, parameters, region):
    with pytest.raises(RegionOutsideSlide, match="does not lie on the slide of 1120 × 1120"):
        count_slide(reader_of(ki67), 0.5, parameters, region=region)


def test_a_slide_too_coarse_is_refused(ki67, parameters):
    with pytest.raises(UnsupportedSlide, match="higher magnification"):
        count_slide(reader_of(ki67), 3.0, parameters)


@pytest.mark.parametrize(
    ("positive", "total", "low", "high"),
    [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (5, 10, 0.23659, 0.76341), (20, 500, 0.02604, 0.06098)],
)
def test_wilson_s_interval(positive, total, low, high):
    assert wilson_interval(positive, total) == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))


def test_no_cells_have_no_interval_and_more_positive_than_all_is_refused():
    assert wilson_interval(0, 0) is None
    with pytest.raises(ValueError, match="between 0 and total"):
        wilson_interval(3, 2)


def test_json_and_geojson_list_every_cell():
    picture = discs([(60, 80)], 160, 7, BROWN)
    count = count_slide(reader_of(picture), 0.5, PARAMETERS)
    stored = cells_as_json(count)
    assert (stored["positive"], stored["negative"], stored["ratio"]) == (1, 0, 1.0)
    (cell,) = stored["cells"]
    assert set(cell) == {"x", "y", "area_um2", "dab", "positive"}
    assert (cell["x"], cell["y"], cell["positive"]) == (60.0, 80.0, True)
    (feature,) = cells_as_geojson(count)["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [60.5, 80.5]}
    assert feature["properties"]["classification"]["name"] == "Positive"


def test_threads_find_the_same_cells_in_the_same_order(ki67, parameters):
    alone = count_slide(reader_of(ki67), 0.5, parameters, tile_px=256)
    together = count_slide(reader_of(ki67), 0.5, parameters, tile_px=256, threads=4)
    np.testing.assert_array_equal(together.x, alone.x)
    np.testing.assert_array_equal(together.y, alone.y)
    np.testing.assert_array_equal(together.dab, alone.dab)


def test_a_count_that_is_stopped_from_its_progress_ends_at_once(ki67, parameters):
    reported = []

    def stop(share):
        reported.append(share)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        count_slide(reader_of(ki67), 0.5, parameters, on_progress=stop, tile_px=256, threads=2)
    assert reported == [1 / 25]
