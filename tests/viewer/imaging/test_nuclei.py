from dataclasses import replace

import numpy as np
import pytest

from tests.viewer.imaging.pictures import discs
from viewer.imaging.nuclei import find_nuclei
from viewer.imaging.parameters import CountParameters

BLUE, BROWN = (120, 120, 175), (120, 70, 45)
PARAMETERS = CountParameters(white_point=(245, 245, 245), detection_threshold=0.05)


def places(nuclei):
    return sorted(
        (round(x / area), round(y / area))
        for x, y, area in zip(nuclei.sum_x, nuclei.sum_y, nuclei.area_px, strict=True)
    )


def test_each_round_nucleus_is_found_at_its_centre():
    truth = [(40, 50), (100, 60), (70, 120)]
    found = find_nuclei(discs(truth, 160, 7, BLUE), PARAMETERS, 0.5)
    assert places(found) == sorted(truth)
    np.testing.assert_allclose(found.area_px * 0.25, np.pi * 7**2 * 0.25, rtol=0.25)


def test_touching_nuclei_are_told_apart():
    truth = [(60, 60), (73, 60)]
    found = find_nuclei(discs(truth, 130, 7, BLUE), PARAMETERS, 0.5)
    assert len(found.area_px) == 2
    assert abs(np.sort(found.sum_x / found.area_px) - [60, 73]).max() < 1.5


def test_brown_nuclei_hold_dab_and_blue_ones_do_not():
    brown, blue = (find_nuclei(discs([(60, 60)], 120, 7, colour), PARAMETERS, 0.5).dab for colour in (BROWN, BLUE))
    assert brown[0] > 0.3
    assert blue[0] < 0.05


@pytest.mark.parametrize("changes", [{"largest_um2": 30.0}, {"smallest_um2": 60.0}])
def test_what_is_smaller_or_larger_than_a_nucleus_is_none(changes):
    one = discs([(60, 60)], 120, 7, BLUE)
    assert len(find_nuclei(one, PARAMETERS, 0.5).area_px) == 1
    assert len(find_nuclei(one, replace(PARAMETERS, **changes), 0.5).area_px) == 0


def test_what_is_paler_than_the_threshold_is_none():
    pale = discs([(60, 60)], 120, 7, (232, 232, 238))
    assert len(find_nuclei(pale, PARAMETERS, 0.5).area_px) == 0


def test_white_holds_no_nuclei():
    assert len(find_nuclei(np.full((64, 80, 3), 255, np.uint8), PARAMETERS, 0.5).area_px) == 0


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 300), (64, 66)])
def test_pictures_of_any_size_are_searched(shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert (find_nuclei(noise, PARAMETERS, 0.5).area_px > 0).all()
