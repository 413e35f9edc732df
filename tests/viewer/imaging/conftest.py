"""One small drawn block, and a slide of it, for all tests of the pixel core."""

from pathlib import Path

import cv2
import pytest

from viewer.imaging.phantom import TissueBlock, write_section
from viewer.imaging.reader import Picture

# The tests run side by side; each keeps to its core.
cv2.setNumThreads(1)


@pytest.fixture(scope="session")
def block() -> TissueBlock:
    return TissueBlock(1120, 0.5, seed=3, tumor_extent=1)


@pytest.fixture(scope="session")
def ki67(block: TissueBlock) -> Picture:
    return block.render("KI67", "HDAB")


@pytest.fixture(scope="session")
def he(block: TissueBlock) -> Picture:
    return block.render("HE", "HE")


@pytest.fixture(scope="session")
def ki67_slide(block: TissueBlock, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drawn") / "ki67.tif"
    write_section(block, "KI67", "HDAB", path)
    return path
