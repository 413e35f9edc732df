import pytest

from review.agreement import Accuracy, bland_altman, cohen_kappa, intraclass_correlation


def test_limits_of_agreement_are_bias_and_1_96_deviations() -> None:
    found = bland_altman([0.1, 0.2, 0.3, 0.4], [0.12, 0.2, 0.34, 0.42])
    assert found is not None
    assert found.bias == pytest.approx(0.02)
    assert (found.low, found.high) == pytest.approx((0.02 - 1.96 * 0.0163299, 0.02 + 1.96 * 0.0163299), abs=1e-6)
    assert bland_altman([0.1], [0.2]) is None


def test_the_icc_is_that_of_shrout_and_fleiss() -> None:
    # Their table of six targets and four judges.
    first, second = [9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2]
    third, fourth = [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]
    assert intraclass_correlation(first, second, third, fourth) == pytest.approx(0.29, abs=5e-3)
    assert intraclass_correlation(first, first) == pytest.approx(1.0)
    assert intraclass_correlation([1, 2], [1, 2]) is None
    assert intraclass_correlation([3, 3, 3], [3, 3, 3]) is None


def test_a_constant_shift_lowers_absolute_agreement() -> None:
    assert intraclass_correlation([0.1, 0.2, 0.3], [0.2, 0.3, 0.4]) == pytest.approx(2 / 3)


def test_kappa_is_agreement_beyond_chance() -> None:
    assert cohen_kappa([True, True, False, False], [True, False, False, False]) == pytest.approx(0.5)
    assert cohen_kappa([True, True], [True, True]) is None
    assert cohen_kappa([], []) is None


def test_accuracy_has_wilson_s_interval() -> None:
    assert Accuracy(15, 20).share == 0.75
    assert Accuracy(15, 20).interval == pytest.approx((0.5313, 0.8881), abs=1e-4)
    assert (Accuracy(0, 0).share, Accuracy(0, 0).interval) == (None, None)
