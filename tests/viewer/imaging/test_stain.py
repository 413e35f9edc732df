import numpy as np
import pytest

from viewer.imaging.stain import DAB, HAEMATOXYLIN, density_table, optical_density, separate_hdab, unit


def stained(haematoxylin: float, dab: float) -> np.ndarray:
    """One pixel under given amounts of both stains."""
    density = haematoxylin * unit(HAEMATOXYLIN) + dab * unit(DAB)
    return np.round(255 * 10**-density).astype(np.uint8)[None, None]


def test_density_is_0_at_white_and_1_at_a_tenth_of_the_light():
    picture = np.array([[[255, 26, 3]]], np.uint8)
    np.testing.assert_allclose(optical_density(picture)[0, 0], [0, 0.9916, 1.9294], atol=1e-4)


def test_density_counts_from_the_white_point_and_never_falls_below_0():
    assert density_table((200, 220, 240))[255].tolist() == [0, 0, 0]
    assert density_table((200, 220, 240))[20, 0] == pytest.approx(1.0)


def test_black_has_a_finite_density():
    assert np.isfinite(density_table()).all()


@pytest.mark.parametrize(("haematoxylin", "dab"), [(0.4, 0.0), (0.0, 0.5), (0.3, 0.3)])
def test_amounts_of_both_stains_are_found_again(haematoxylin, dab):
    h, d = separate_hdab(stained(haematoxylin, dab))
    assert (h[0, 0], d[0, 0]) == (pytest.approx(haematoxylin, abs=0.01), pytest.approx(dab, abs=0.01))
    assert h.dtype == np.float32 and h.shape == (1, 1)
