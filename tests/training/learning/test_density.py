from pathlib import Path

import numpy as np
import pytest

from tests.training.learning.drawing import INSTANCE_PX, MPP, draw_tissue, write_slide
from training.learning.data import load_patches, training_density
from training.learning.density import equalize, equalizer, mean_density, slide_density
from training.learning.manifest import Manifest
from training.learning.reading import TargetReader
from training.learning.store import Pixels
from viewer.imaging.foreground import tissue_mask
from viewer.imaging.slides import open_slide


def _denser(picture: Pixels, factor: float) -> Pixels:
    return np.rint(255 * (picture / 255) ** factor).astype(np.uint8)


def _read(path: Path, reference: tuple[float, float, float] | None) -> Pixels:
    with open_slide(path) as reader:
        target = equalize(TargetReader(reader, MPP, MPP), tissue_mask(reader), INSTANCE_PX, reference)
        return target.read(0, 0, 512, 512)


def test_a_slide_stained_a_fifth_darker_is_read_as_dark_as_the_reference(tmp_path: Path) -> None:
    picture = draw_tissue("HE", 0)
    write_slide(tmp_path / "pale.tif", picture)
    write_slide(tmp_path / "dark.tif", _denser(picture, 1.2))
    with open_slide(tmp_path / "pale.tif") as reader:
        reference = slide_density(TargetReader(reader, MPP, MPP), tissue_mask(reader), INSTANCE_PX)
    pale, dark = _read(tmp_path / "pale.tif", None), _read(tmp_path / "dark.tif", reference)
    assert np.abs(_read(tmp_path / "dark.tif", None).astype(float) - pale).mean() > 6
    assert np.abs(dark.astype(float) - pale).mean() < 2


def test_density_is_the_median_of_the_tissue_and_glass_does_not_count(tmp_path: Path) -> None:
    picture = np.full((512, 512, 3), 250, np.uint8)
    picture[:, 256:] = (200, 100, 150)
    write_slide(tmp_path / "half.tif", picture)
    with open_slide(tmp_path / "half.tif") as reader:
        found = slide_density(TargetReader(reader, MPP, MPP), tissue_mask(reader), INSTANCE_PX)
    with open_slide(tmp_path / "half.tif") as reader:
        tissue = reader.read_region(400, 100, 0, 1, 1)[0, 0]
    assert found == pytest.approx(-np.log10(tissue / 255), abs=0.02)


def test_glass_stays_white_and_no_slide_is_changed_by_more_than_half() -> None:
    levels = equalizer((0.1, 0.2, 0.4), (0.2, 0.2, 0.1))
    assert levels is not None
    assert levels[255].tolist() == [255, 255, 255] and levels[0].tolist() == [0, 0, 0]
    assert levels[128].tolist() == [round(255 * (128 / 255) ** 1.5), 128, round(255 * (128 / 255) ** (1 / 1.5))]


def test_a_slide_without_tissue_is_left_as_it_is(tmp_path: Path) -> None:
    write_slide(tmp_path / "glass.tif", np.full((512, 512, 3), 245, np.uint8))
    with open_slide(tmp_path / "glass.tif") as reader:
        target = TargetReader(reader, MPP, MPP)
        assert slide_density(target, tissue_mask(reader), INSTANCE_PX) is None
        assert equalize(target, tissue_mask(reader), INSTANCE_PX, (0.2, 0.3, 0.2)).levels is None
    assert mean_density([None]) is None
    assert mean_density([None, (0.1, 0.2, 0.3), (0.3, 0.2, 0.1)]) == pytest.approx((0.2, 0.2, 0.2))


def test_patches_of_a_store_are_made_as_dense_as_the_training_slides(
    manifest: Manifest, cohort: Path, tmp_path: Path
) -> None:
    def quiet(done: int, total: int, what: str) -> None:
        pass

    mean = training_density(manifest, "HE", cohort)
    assert mean is not None
    denser = (1.2 * mean[0], 1.2 * mean[1], 1.2 * mean[2])
    as_scanned, same, darker = (
        load_patches(manifest, "HE", "train", cohort, tmp_path, 0, quiet, density).pixels
        for density in (None, mean, denser)
    )
    assert np.array_equal(same, as_scanned)  # the only training slide is its own mean
    assert np.array_equal(darker[200], _denser(as_scanned[200], 1.2))
