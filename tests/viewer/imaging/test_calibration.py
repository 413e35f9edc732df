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


def lognormal(level, count, width=0.2, seed=0):
    return level * np.exp(width * np.random.default_rng(seed).standard_normal(count))


def test_the_threshold_lies_in_the_valley_between_noise_and_nuclei():
    threshold, warnings = detection_threshold(np.concatenate([lognormal(0.03, 1500), lognormal(0.12, 3000)]))
    assert 0.054 < threshold < 0.068
    assert warnings == []


@pytest.mark.parametrize("strength", [0.7, 1.0, 1.4])
def test_the_threshold_follows_the_strength_of_the_stain(strength):
    contrasts = np.concatenate([lognormal(0.03, 1500), lognormal(0.12, 3000)])
    usual, other = detection_threshold(contrasts)[0], detection_threshold(strength * contrasts)[0]
    assert other == pytest.approx(strength * usual, rel=0.02)


@pytest.mark.parametrize("noise", [300, 3000, 9000])
def test_however_many_specks_there_are_the_threshold_stays_with_the_nuclei(noise):
    threshold, _ = detection_threshold(np.concatenate([lognormal(0.03, noise), lognormal(0.14, 3000)]))
    assert 0.055 < threshold < 0.08


@pytest.mark.parametrize("positive", [0, 300, 2000])
def test_dark_positive_nuclei_do_not_move_the_threshold(positive):
    weak = np.concatenate([lognormal(0.03, 1500), lognormal(0.12, 4000)])
    threshold, _ = detection_threshold(np.concatenate([weak, lognormal(0.4, positive)]))
    assert threshold == pytest.approx(detection_threshold(weak)[0], rel=0.1)


@pytest.mark.parametrize(("contrast", "held"), [(0.5, 0.12), (0.04, 0.03)])
def test_an_unusual_stain_is_clamped_with_a_warning(contrast, held):
    threshold, warnings = detection_threshold(np.full(3000, contrast))
    assert threshold == pytest.approx(held, abs=1 / DENSITY_UNIT)
    assert len(warnings) == 1 and f"held at {held:g}" in warnings[0]


def test_too_few_fragments_are_warned_of():
    _, warnings = detection_threshold(np.full(1999, 0.1))
    assert len(warnings) == 1 and "1999 fragments; at least 2000" in warnings[0]


def dab_of(negative, positive, level, width=0.25, seed=0):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(0.02, 0.012, negative), lognormal(level, positive, width)])


@pytest.mark.parametrize(("level", "low", "high"), [(0.8, 0.2, 0.2), (0.4, 0.16, 0.18), (0.28, 0.11, 0.13)])
def test_dab_is_cut_at_half_the_density_of_a_weak_positive_nucleus(level, low, high):
    cut, warnings = dab_threshold(dab_of(900, 300, level))
    assert low <= cut <= high
    assert warnings == []


def test_very_weak_brown_is_held_at_the_end_of_the_range_with_a_warning():
    cut, warnings = dab_threshold(dab_of(900, 300, 0.18, width=0.1))
    assert cut == 0.1
    assert len(warnings) == 1 and "held at 0.1" in warnings[0]


def test_negatives_that_scatter_push_the_cut_up():
    rng = np.random.default_rng(1)
    scattered = np.concatenate([rng.normal(0.02, 0.025, 900), lognormal(0.28, 300, 0.25)])
    assert 0.15 < dab_threshold(scattered)[0] <= 0.2


def test_hardly_any_positive_nucleus_leaves_the_fixed_cut():
    assert dab_threshold(dab_of(900, 7, 0.4)) == (0.2, [])
    assert dab_threshold(np.empty(0)) == (0.2, [])


def test_a_drawn_slide_is_calibrated_on_its_own_tissue(block, ki67):
    parameters = calibrate(reader_of(ki67), 0.5)
    assert parameters.white_point == pytest.approx((243, 242, 244), abs=3)
    assert 0.05 < parameters.detection_threshold < 0.1
    assert parameters.dab_threshold == parameters.dab_threshold_calibrated
    assert 0.15 < parameters.dab_threshold < 0.2
    assert parameters.fragments >= 2000
    assert parameters.warnings == ()
    assert parameters == calibrate(reader_of(ki67), 0.5)


def test_a_pale_slide_gets_lower_thresholds(ki67):
    pale = TissueBlock(1120, 0.5, 3, tumor_extent=1, counterstain=0.2, dab_strength=0.45).render("KI67", "HDAB")
    usual, lower = (calibrate(reader_of(picture), 0.5) for picture in (ki67, pale))
    assert lower.detection_threshold < 0.85 * usual.detection_threshold
    assert lower.dab_threshold < 0.7 * usual.dab_threshold


def test_a_slide_without_tissue_is_not_calibrated_and_says_so():
    parameters = calibrate(reader_of(np.full((600, 600, 3), 250, np.uint8)), 0.5)
    assert parameters.warnings == ("No tissue was found: nothing was calibrated.",)
    assert parameters.fragments == 0
