import numpy as np
import pytest

from tests.viewer.imaging.pictures import reader_of
from viewer.imaging.errors import RegistrationFailed
from viewer.imaging.phantom import TissueBlock
from viewer.imaging.registration import Affine, register

SIZE_PX = 1344


@pytest.fixture(scope="module")
def block():
    return TissueBlock(SIZE_PX, 0.5, seed=1)


@pytest.fixture(scope="module")
def he(block):
    return reader_of(block.render("HE", "HE"))


def median_error_um(block, found):
    truth = block.truth("HE")
    points = np.column_stack([truth.x, truth.y])
    x, y = found.apply(points[:, 0], points[:, 1])
    true = block.to_section(points, "KI67")
    return np.median(np.hypot(x - true[:, 0], y - true[:, 1])) * block.mpp


def test_consecutive_sections_are_aligned_to_a_few_micrometres(block, he):
    found = register(he, reader_of(block.render("KI67", "HDAB")), 0.5, 0.5)
    assert median_error_um(block, found) < 5
    assert found.correlation > 0.9


def test_a_section_laid_on_the_glass_upside_down_is_aligned():
    turned = TissueBlock(SIZE_PX, 0.5, seed=1, rotation_deg=184.0)
    found = register(reader_of(turned.render("HE", "HE")), reader_of(turned.render("KI67", "HDAB")), 0.5, 0.5)
    assert median_error_um(turned, found) < 10


def test_slides_of_different_resolution_are_aligned(block, he):
    ki67 = block.render("KI67", "HDAB")
    halved = reader_of(ki67.reshape(SIZE_PX // 2, 2, SIZE_PX // 2, 2, 3).mean(axis=(1, 3)).astype(np.uint8))
    found = register(he, halved, 0.5, 1.0)
    a, b, c, d, e, f = found.matrix
    same_size = Affine((2 * a, 2 * b, 2 * c + 0.5, 2 * d, 2 * e, 2 * f + 0.5), found.correlation)
    assert median_error_um(block, same_size) < 5


def test_a_slide_aligned_with_itself_stays_where_it_is(he):
    found = register(he, he, 0.5, 0.5)
    np.testing.assert_allclose(found.matrix, [1, 0, 0, 0, 1, 0], atol=0.05)
    assert found.correlation == pytest.approx(1.0, abs=1e-3)


def test_sections_of_different_blocks_are_refused(he):
    other = TissueBlock(SIZE_PX, 0.5, seed=2).render("KI67", "HDAB")
    with pytest.raises(RegistrationFailed, match="sections of the same block"):
        register(he, reader_of(other), 0.5, 0.5)


def test_a_slide_without_tissue_is_refused(he):
    with pytest.raises(RegistrationFailed, match="no stained tissue"):
        register(he, reader_of(np.full((500, 500, 3), 250, np.uint8)), 0.5, 0.5)
