import numpy as np

from training.learning.study.kernel_distance import kernel_distance


def test_sets_of_one_kind_are_near_and_sets_of_two_kinds_are_far() -> None:
    rng = np.random.default_rng(0)
    one, same = rng.normal(0, 1, (2, 200, 8))
    other = rng.normal(1, 1, (200, 8))
    assert abs(kernel_distance(one, same)) < 0.1
    assert kernel_distance(one, other) > 1


def test_the_distance_is_unbiased_where_nothing_differs() -> None:
    rng = np.random.default_rng(1)
    small = [kernel_distance(rng.normal(0, 1, (10, 4)), rng.normal(0, 1, (10, 4))) for _ in range(400)]
    assert abs(np.mean(small)) < 4 * np.std(small) / 20


def test_a_single_patch_has_no_distance() -> None:
    assert np.isnan(kernel_distance(np.zeros((1, 4)), np.zeros((5, 4))))
