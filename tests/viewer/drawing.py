"""Draw small slides to import: pink tissue with violet nuclei on a white ground."""

from pathlib import Path

import numpy as np
from PIL import Image

from viewer.imaging.pyramid import PyramidWriter


def tissue(width: int = 700, height: int = 500, seed: int = 0) -> np.ndarray:
    """Return a picture `uint8 [H, W, 3]`; another seed gives other bytes."""
    random = np.random.default_rng(seed)
    picture = np.full((height, width, 3), 244, np.uint8)
    picture[height // 8 : -height // 8, width // 8 : -width // 8] = (226, 170, 200)
    for _ in range(60):
        x, y = int(random.integers(width // 8, width - width // 8)), int(random.integers(height // 8, height * 7 // 8))
        picture[y : y + 9, x : x + 9] = (110, 70, 150)
    return picture


def draw_slide(path: Path, mpp: float | None = 0.5, width: int = 700, height: int = 500, seed: int = 0) -> Path:
    """Write a tiled pyramid that OpenSlide opens. Without mpp the file says nothing of its resolution."""
    with PyramidWriter(path, width, height, mpp or 1.0) as writer:
        writer.write_rows(tissue(width, height, seed))
    return path


def draw_png(path: Path, width: int = 700, height: int = 500, seed: int = 0) -> Path:
    """Write a picture without a resolution."""
    Image.fromarray(tissue(width, height, seed)).save(path)
    return path
