from pathlib import Path

import numpy as np

from training.learning.study.scanner import STRIP_PX, Scanner, write_scanned
from viewer.imaging.phantom import TissueBlock
from viewer.imaging.slides import open_slide


def test_a_scanner_that_changes_nothing_gives_the_picture_back() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 9, 3)).astype(np.uint8)
    assert np.abs(Scanner().see(picture).astype(int) - picture).max() <= 1  # grey level 0 has no density


def test_twice_the_density_is_the_square_of_the_light() -> None:
    half = np.full((4, 4, 3), 121, np.uint8)  # half of the lamp's 242
    seen = Scanner(density_gain=(2.0, 1.0, 0.5)).see(half)
    assert seen[0, 0].tolist() == [60, 121, 171]


def test_white_stays_white_and_a_blur_keeps_flat_pictures() -> None:
    white = np.full((20, 20, 3), 250, np.uint8)
    assert np.array_equal(Scanner((1.1, 0.9, 1.0), 0.7).see(white), white)


def test_windows_of_a_written_slide_join_without_a_seam(tmp_path: Path) -> None:
    block = TissueBlock(STRIP_PX + 160, seed=3, tumor_extent=0.6)
    scanner = Scanner((1.05, 0.97, 1.0), 0.7)
    write_scanned(block, "HE", "HE", scanner, tmp_path / "one.tif")
    whole = scanner.see(block.render("HE", "HE", STRIP_PX - 100, STRIP_PX - 100, 200, 200))[50:150, 50:150]
    with open_slide(tmp_path / "one.tif") as reader:
        read = reader.read_region(STRIP_PX - 50, STRIP_PX - 50, 0, 100, 100)
    # The slide is JPEG; a seam would show as a step at its middle.
    assert np.abs(read.astype(int) - whole).mean() < 3
    middle = np.abs(np.diff(read.astype(int).sum(axis=2), axis=1)).mean(axis=0)
    assert middle[49] < 2 * np.median(middle)
