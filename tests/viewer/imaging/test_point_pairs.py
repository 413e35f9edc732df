import numpy as np
import pytest

from viewer.imaging.errors import RegistrationFailed
from viewer.imaging.point_pairs import fit_pairs

PLACES = np.array([[1000, 1000], [9000, 1500], [4000, 8000], [8000, 9000], [2000, 6000]], float)


def moved(matrix, places=PLACES):
    a, b, c, d, e, f = matrix
    return [(x, y, a * x + b * y + c, d * x + e * y + f) for x, y in places]


TURNED = (np.cos(0.1), -np.sin(0.1), 300.0, np.sin(0.1), np.cos(0.1), -200.0)


@pytest.mark.parametrize("count", [2, 3])
def test_two_or_three_pairs_give_rotation_scale_and_shift(count):
    found = fit_pairs(moved(TURNED, PLACES[:count]), 0.5, 0.5)
    np.testing.assert_allclose(found.matrix, TURNED, atol=1e-6)
    assert found.error_um == (None if count == 2 else 0.0)


def test_four_pairs_give_an_affine_map():
    sheared = (1.05, 0.02, 10.0, -0.01, 0.97, -5.0)
    found = fit_pairs(moved(sheared), 0.25, 0.25)
    np.testing.assert_allclose(found.matrix, sheared, atol=1e-6)


def test_slides_of_different_resolution_are_compared_in_micrometres():
    halved = (0.5, 0.0, 20.0, 0.0, 0.5, 30.0)
    np.testing.assert_allclose(fit_pairs(moved(halved, PLACES[:3]), 0.25, 0.5).matrix, halved, atol=1e-6)


def test_the_error_is_what_the_map_leaves():
    pairs = moved((1, 0, 0, 0, 1, 0), np.array([[0, 0], [8000, 0], [0, 8000]], float))
    pairs[0] = (0, 0, 40, 0)
    found = fit_pairs(pairs, 0.5, 0.5)
    assert 3 < found.error_um < 15


def test_a_single_pair_is_refused():
    with pytest.raises(RegistrationFailed, match="1 pair of places was given; at least 2"):
        fit_pairs(moved(TURNED, PLACES[:1]), 0.5, 0.5)


def test_places_beside_each_other_are_refused():
    near = [(1000, 1000, 1000, 1000), (1100, 1000, 1100, 1000)]
    with pytest.raises(RegistrationFailed, match="within 50 µm of each other; at least 100 µm"):
        fit_pairs(near, 0.5, 0.5)


def test_pairs_that_would_tear_the_section_are_refused():
    crossed = [(0, 0, 0, 0), (8000, 0, 2000, 0)]
    with pytest.raises(RegistrationFailed, match="Check that each pair marks the same place"):
        fit_pairs(crossed, 0.5, 0.5)


def test_places_on_one_line_give_no_affine_map():
    line = np.array([[0, 0], [1000, 1000], [2000, 2000], [3000, 3000]], float)
    with pytest.raises(RegistrationFailed, match="one line"):
        fit_pairs(moved(TURNED, line), 0.5, 0.5)
