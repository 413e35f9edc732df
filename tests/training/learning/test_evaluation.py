import math

import numpy as np
import pytest

from training.learning.evaluation import (
    auc,
    bag_scores,
    balanced_error,
    cross_entropy,
    density_correlation,
    optical_density_sum,
    separating_threshold,
    stain_distance,
)


def test_auc_is_the_share_of_pairs_in_the_right_order_ties_one_half() -> None:
    assert auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])) == 0.75
    assert auc(np.array([0.5, 0.5, 0.5]), np.array([0, 1, 1])) == 0.5
    assert auc(np.array([0.5, 0.5, 0.9]), np.array([0, 1, 1])) == 0.75
    assert math.isnan(auc(np.array([0.5, 0.6]), np.array([1, 1])))


def test_balanced_error_weighs_both_classes_alike() -> None:
    scores, labels = np.array([0.9, 0.6, 0.4, 0.1, 0.1, 0.1]), np.array([1, 1, 1, 0, 0, 0])
    assert balanced_error(scores, labels, 0.5) == pytest.approx(1 / 6)
    assert balanced_error(np.array([0.9, 0.6, 0.4]), np.array([1, 1, 1]), 0.5) == pytest.approx(1 / 3)
    assert balanced_error(np.array([0.5]), np.array([1]), 0.5) == 0


def test_a_bag_scores_as_its_highest_instance() -> None:
    scores = bag_scores(np.array([0.1, 0.7, 0.3, 0.2]), np.array([0, 0, 1, 1]), 2)
    assert scores == pytest.approx([0.7, 0.3])


def test_cross_entropy_of_a_coin_is_log_two() -> None:
    assert cross_entropy(np.array([0.5, 0.5]), np.array([0, 1])) == pytest.approx(math.log(2))


def test_the_separating_threshold_lies_where_instances_of_tumour_bags_stand_out() -> None:
    tumor_bags = np.array([0.1, 0.2, 0.3, 0.8, 0.9])
    normal_bags = np.array([0.1, 0.15, 0.25, 0.3])
    assert separating_threshold(tumor_bags, normal_bags) == pytest.approx((0.3 + 0.8) / 2)


def test_optical_density_is_minus_the_logarithm_of_what_passes() -> None:
    pixels = np.array([[255, 255, 255], [26, 26, 26]], np.uint8)
    assert optical_density_sum(pixels) == pytest.approx([0, -3 * math.log10(26 / 255)])


def test_an_inverted_picture_correlates_negatively() -> None:
    picture = np.random.default_rng(0).integers(40, 216, (16, 16, 3), dtype=np.uint8)
    assert density_correlation(picture, picture) == pytest.approx(1)
    assert density_correlation(picture, 255 - picture) < -0.8
    assert density_correlation(picture, np.full_like(picture, 200)) == 0


def test_the_stain_distance_is_how_far_densities_must_be_moved() -> None:
    light, dark = np.full((4, 4, 3), 255, np.uint8), np.full((4, 4, 3), 128, np.uint8)
    assert stain_distance(light, light) == 0
    assert stain_distance(light, dark) == pytest.approx(-math.log10(128 / 255))
    assert stain_distance(dark, light) == pytest.approx(-math.log10(128 / 255))
