import numpy as np
import pytest

from tests.viewer.imaging.pictures import pink, reader_of
from viewer.imaging.foreground import CEILING, FLOOR, tissue_mask


def glass(height, width):
    noise = np.random.default_rng(1).integers(-2, 3, (height, width, 3))
    return (243 + noise).astype(np.uint8)


def test_tissue_is_told_from_glass():
    picture = glass(800, 1200)
    picture[200:600, 300:700] = pink(400, 400)
    found = tissue_mask(reader_of(picture))
    assert found.downsample == 1.0
    assert found.share(300, 200, 400, 400) > 0.98
    assert found.share(800, 0, 400, 800) == 0.0
    assert found.mask.mean() == pytest.approx(400 * 400 / (800 * 1200), rel=0.05)


def test_a_white_slide_holds_no_tissue():
    assert not tissue_mask(reader_of(glass(600, 600))).mask.any()
    assert not tissue_mask(reader_of(np.full((600, 600, 3), 255, np.uint8))).mask.any()


def test_a_slide_without_glass_is_all_tissue():
    found = tissue_mask(reader_of(pink(600, 600) - 30))
    assert found.mask.all()


def test_pale_tissue_beside_dark_is_still_tissue():
    picture = glass(900, 900)
    picture[100:500, 100:500] = [222, 220, 228]
    picture[600:700, 600:700] = [90, 50, 30]
    found = tissue_mask(reader_of(picture))
    assert FLOOR <= found.threshold <= CEILING
    assert found.share(150, 150, 300, 300) == 1.0


def test_what_lies_off_the_slide_is_no_tissue():
    found = tissue_mask(reader_of(pink(600, 600) - 30))
    assert found.share(300, 0, 600, 600) == 0.5
    assert found.share(5000, 0, 600, 600) == 0.0


def test_the_mask_of_a_large_slide_is_coarse():
    picture = glass(1024, 4096)
    picture[:, 2048:] = pink(1024, 2048)
    found = tissue_mask(reader_of(picture))
    assert found.downsample == 2.0
    assert found.mask.shape == (512, 2048)
    assert found.share(2100, 0, 1996, 1024) > 0.99
