from pathlib import Path

import numpy as np

from tests.training.learning.drawing import write_slide
from training.learning.study.seams import seam_ratios
from viewer.imaging.slides import open_slide


def _ratios(path: Path, step: int, blended: bool = False) -> dict[str, float]:
    rng = np.random.default_rng(0)
    picture = rng.integers(120, 200, (512, 512, 3))
    tiles = np.add.outer(np.arange(8), np.arange(8)) % 2 * step
    steps = np.kron(tiles, np.ones((64, 64)))
    if blended:
        steps = np.apply_along_axis(lambda row: np.convolve(row, np.ones(17) / 17, "same"), 1, steps)
        steps = np.apply_along_axis(lambda row: np.convolve(row, np.ones(17) / 17, "same"), 0, steps)
    write_slide(path, np.clip(picture + steps[..., None], 0, 255).astype(np.uint8))
    with open_slide(path) as reader:
        return seam_ratios(reader, 64)


def test_a_picture_without_tiles_has_ratios_near_one(tmp_path: Path) -> None:
    ratios = _ratios(tmp_path / "flat.tif", 0)
    assert 0.97 < ratios["fine"] < 1.03
    assert 0.7 < ratios["broad"] < 1.4


def test_hard_borders_show_in_both_ratios_and_blended_ones_in_the_broad_one(tmp_path: Path) -> None:
    hard = _ratios(tmp_path / "hard.tif", 40)
    blended = _ratios(tmp_path / "blended.tif", 40, blended=True)
    assert hard["fine"] > 1.1 and hard["broad"] > 5
    assert blended["fine"] < 1.05 and blended["broad"] > 4


def test_glass_has_no_seams(tmp_path: Path) -> None:
    write_slide(tmp_path / "glass.tif", np.full((256, 256, 3), 250, np.uint8))
    with open_slide(tmp_path / "glass.tif") as reader:
        assert all(np.isnan(value) for value in seam_ratios(reader, 64).values())
