import numpy as np
import pytest

from tests.viewer.imaging.pictures import reader_of
from viewer.imaging.calibration import calibrate, dab_threshold, detection_threshold, working_factor
from viewer.imaging.errors import UnsupportedSlide
from viewer.imaging.nuclei import DENSITY_UNIT
from viewer.imaging.phantom import TissueBlock


@pytest.mark.parametrize(
    ("mpp", "factor"), [(0.5, 1), (0.25, 2), (0.2271, 2), (0.499, 1), (0.17, 4), (0.125, 4), (0.8, 1), (1.2, 1)]
)
def test_pictures_are_halved_to_the_power_of_two_nearest_half_a_micrometre(mpp, factor):
    assert working_factor(mpp, 0.5) == factor


def test_a_slide_too_coarse_for_nuclei_is_refused():
    with pytest.raises(UnsupportedSlide, match="higher magnification"):
        working_factor(2.0, 0.5)


def test_the_threshold_is_a_share_of_the_weak_fragments_above_it():
    contrasts = np.full(3000, 0.1)
    threshold, warnings = detection_threshold(contrasts)
    assert threshold == pytest.approx(0.055, abs=1 / DENSITY_UNIT)
    assert warnings == []


def test_noise_far_below_does_not_move_the_threshold():
    noise, nuclei = np.full(20_000, 0.004), np.full(3000, 0.1)
    assert detection_threshold(np.concatenate([noise, nuclei]))[0] == detection_threshold(nuclei)[0]


@pytest.mark.parametrize(("contrast", "held"), [(0.5, 0.12), (0.03, 0.03)])
def test_an_unusual_stain_is_clamped_with_a_warning(contrast, held):
    threshold, warnings = detection_threshold(np.full(3000, contrast))
    assert threshold == pytest.approx(held, abs=1 / DENSITY_UNIT)
    assert len(warnings) == 1 and f"held at {held:g}" in warnings[0]


def test_too_few_fragments_are_warned_of():
    _, warnings = detection_threshold(np.full(1999, 0.1))
    assert len(warnings) == 1 and "1999 fragments; at least 2000" in warnings[0]


def test_the_dab_threshold_lies_between_the_classes():
    rng = np.random.default_rng(0)
    dab = np.concatenate([rng.normal(0.02, 0.02, 900), rng.normal(0.5, 0.05, 100)])
    assert 0.1 <= dab_threshold(dab) <= 0.3
    assert dab_threshold(dab[:10]) == 0.2


def test_a_drawn_slide_is_calibrated_on_its_own_tissue(block, ki67):
    parameters = calibrate(reader_of(ki67), 0.5)
    assert parameters.white_point == pytest.approx((243, 242, 244), abs=3)
    assert 0.05 < parameters.detection_threshold < 0.1
    assert parameters.dab_threshold == 0.2
    assert 0.1 <= parameters.dab_threshold_calibrated <= 0.3
    assert parameters.fragments >= 2000
    assert parameters.warnings == ()
    assert parameters == calibrate(reader_of(ki67), 0.5)


def test_a_pale_slide_gets_a_lower_threshold(ki67):
    pale = TissueBlock(1120, 0.5, 3, tumor_extent=1, counterstain=0.2, dab_strength=0.45).render("KI67", "HDAB")
    usual, lower = (calibrate(reader_of(picture), 0.5) for picture in (ki67, pale))
    assert lower.detection_threshold < 0.75 * usual.detection_threshold


def test_a_slide_without_tissue_is_not_calibrated_and_says_so():
    parameters = calibrate(reader_of(np.full((600, 600, 3), 250, np.uint8)), 0.5)
    assert parameters.warnings == ("No tissue was found: nothing was calibrated.",)
    assert parameters.fragments == 0
