from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.learning.drawing import draw_tissue, patch_rows, slide_row, write_slide
from training.learning.data import (
    Bags,
    cells_of_split,
    cut,
    instance_corners,
    load_bags,
    load_patches,
    reduce_pixels,
    turned,
)
from training.learning.errors import ManifestError, NotEnoughData, SlideChanged
from training.learning.manifest import Manifest, PatchRow
from training.learning.reading import TargetReader
from training.learning.store import Store
from viewer.imaging.slides import open_slide


def _quiet(done: int, total: int, what: str) -> None:
    pass


def _bags(manifest: Manifest, root: Path, folder: Path, reduction: int = 1, share: float = 0.05) -> Bags:
    return load_bags(manifest, "HE", "train", root, folder, share, reduction, _quiet)


def _patches(manifest: Manifest, root: Path, folder: Path, split: str = "train", most: int = 0) -> Store:
    return load_patches(manifest, "HE", split, root, folder, most, _quiet)


def test_a_bag_of_128_px_is_cut_into_sixteen_instances_of_32_px(
    manifest: Manifest, cohort: Path, tmp_path: Path
) -> None:
    bags = _bags(manifest, cohort, tmp_path)
    assert bags.pixels.shape == (12 * 16, 32, 32, 3)
    assert bags.bag.tolist() == np.repeat(np.arange(12), 16).tolist()
    assert bags.labels.tolist() == [1, 1, 0, 0] * 3
    with open_slide(cohort / "one-HE.tif") as reader:
        fourth_of_second_row = reader.read_region(3 * 32, 128 + 32, 0, 32, 32)
    assert np.array_equal(bags.pixels[7], fourth_of_second_row)


def test_instances_are_shrunk_by_averaging(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    whole, half = _bags(manifest, cohort, tmp_path / "a"), _bags(manifest, cohort, tmp_path / "b", reduction=2)
    assert half.pixels.shape == (192, 16, 16, 3)
    first = np.asarray(whole.pixels[:1])
    mean = first[0, :2, :2].reshape(4, 3).mean(axis=0)
    assert np.abs(np.asarray(half.pixels[0, 0, 0]) - mean).max() <= 0.5
    assert np.array_equal(reduce_pixels(first, 1), first)


def test_background_instances_are_dropped(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    # Four of its sixteen instances lie on the glass.
    mixed = PatchRow("one-HE.tif", 192, 64, 128, "tumor", (1,))
    bags = _bags(replace(manifest, patches=(*manifest.patches, mixed)), cohort, tmp_path)
    assert (bags.bag == 12).sum() == 12


def test_a_bag_without_tissue_is_refused_by_name(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    glass = PatchRow("one-HE.tif", 0, 0, 128, "normal", (1,))
    with pytest.raises(NotEnoughData, match=r"Patch \(0, 0\) of one-HE.tif holds no instance with 5% of tissue"):
        _bags(replace(manifest, patches=(*manifest.patches, glass)), cohort, tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []


def test_a_missing_slide_is_refused(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    (cohort / "one-HE.tif").unlink()
    with pytest.raises(SlideChanged, match=r"one-HE\.tif of case one is missing"):
        _bags(manifest, cohort, tmp_path)


def test_a_changed_slide_is_refused_with_both_hashes(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    write_slide(cohort / "one-HE.tif", draw_tissue("HE", 99))
    with pytest.raises(SlideChanged, match=f"the manifest froze {manifest.slides[0].sha256[:12]}"):
        _bags(manifest, cohort, tmp_path)


def test_a_patch_laid_out_for_another_resolution_is_refused(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    small = tuple(replace(patch, size_l0=64) for patch in manifest.patches)
    with pytest.raises(ManifestError, match=r"is 64 pixels wide; 128 px at 0\.5 µm are 128 pixels"):
        _bags(replace(manifest, patches=small), cohort, tmp_path)


def test_a_slide_of_another_resolution_is_resampled(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    fine = draw_tissue("HE", 3, 1024)
    write_slide(cohort / "fine.tif", fine, mpp=0.25)
    row = slide_row(cohort / "fine.tif", "one", "HE", "train", 1024, 0.25)
    resampled = replace(manifest, slides=(row,), patches=tuple(patch_rows("fine.tif", 256)))
    bags = _bags(resampled, cohort, tmp_path)
    assert bags.pixels.shape == (192, 32, 32, 3)
    with open_slide(cohort / "fine.tif") as reader:
        target = TargetReader(reader, 0.25, 0.5)
        assert (target.width, target.height, target.scale, target.resampled) == (512, 512, 2.0, True)
        assert np.array_equal(target.read(0, 128, 32, 32), reader.read_scaled(0, 256, 64, 64, 32, 32))


def test_a_cyclegan_takes_the_whole_grid_with_background(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    patches = _patches(manifest, cohort, tmp_path)
    assert patches.pixels.shape == (16 * 16, 32, 32, 3)
    assert (patches.table["tissue"] < 0.05).sum() == 8 * 4
    with open_slide(cohort / "one-HE.tif") as reader:
        assert np.array_equal(patches.pixels[17], reader.read_region(32, 32, 0, 32, 32))


def test_patches_of_a_slide_can_be_limited_to_an_even_spread(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    some, every = _patches(manifest, cohort, tmp_path / "a", most=4), _patches(manifest, cohort, tmp_path / "b")
    assert np.array_equal(some.pixels, every.pixels[[0, 85, 170, 255]])


def test_patches_held_back_for_validation_are_not_trained_on(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    patches = list(manifest.patches)
    patches[0] = replace(patches[0], split="validation")
    one_case = replace(manifest, slides=manifest.slides[:2], patches=tuple(patches[:24]))
    assert len(_patches(one_case, cohort, tmp_path)) == 16 * 16 - 16
    assert len(_patches(one_case, cohort, tmp_path, "validation")) == 16
    with open_slide(cohort / "one-HE.tif") as reader:
        target = TargetReader(reader, 0.5, 0.5)
        cells = cells_of_split(one_case, one_case.slides[0], "validation", target, 32)
    assert cells == [(x, y) for y in (128, 160, 192, 224) for x in (0, 32, 64, 96)]


def test_a_split_without_slides_of_a_stain_is_refused(manifest: Manifest, cohort: Path, tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="no HE slide for test"):
        _patches(manifest, cohort, tmp_path, "test")


def test_pictures_are_cut_row_by_row() -> None:
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    squares = cut(picture, 2)
    assert squares.shape == (6, 2, 2, 3)
    assert np.array_equal(squares[1], picture[:2, 2:4])
    assert np.array_equal(squares[3], picture[2:, :2])


def test_instance_corners_follow_the_patch() -> None:
    assert instance_corners(PatchRow("a", 10, 20, 7, "tumor"), 2) == [
        (10, 20, 4),
        (14, 20, 4),
        (10, 24, 4),
        (14, 24, 4),
    ]


def test_a_picture_is_turned_in_eight_ways() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    rng = np.random.default_rng(0)
    assert len({turned(picture, rng).tobytes() for _ in range(200)}) == 8
