"""Tissue against glass: Otsu's threshold on a low level (Otsu 1979)."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .reader import Picture, SlideReader

MASK_PX = 2048
# Grey levels below white. Fainter than FLOOR is glass and noise; stronger than CEILING is tissue on any slide.
FLOOR = 12
CEILING = 40
# When even the paler class of Otsu's two is stained this much, the picture shows no glass at all.
STAINED = 30
SMALLEST_SPECK_PX = 16


@dataclass(frozen=True, slots=True)
class TissueMask:
    """Where tissue lies: `mask bool [H, W]`, `downsample` level-0 pixels per mask pixel, `threshold` grey levels."""

    mask: NDArray[np.bool_]
    downsample: float
    threshold: float

    def share(self, x_l0: int, y_l0: int, width_l0: int, height_l0: int) -> float:
        """Give the share (0 to 1) of a rectangle that is tissue; what lies off the slide is none."""
        left, right = round(x_l0 / self.downsample), round((x_l0 + width_l0) / self.downsample)
        top, bottom = round(y_l0 / self.downsample), round((y_l0 + height_l0) / self.downsample)
        area = max(1, right - left) * max(1, bottom - top)
        rows = slice(max(top, 0), max(bottom, top + 1, 0))
        columns = slice(max(left, 0), max(right, left + 1, 0))
        return float(self.mask[rows, columns].sum()) / area


def tissue_mask(reader: SlideReader) -> TissueMask:
    """Find the tissue of a slide; a white slide has none, a slide without glass is all tissue."""
    downsample = max(1.0, max(reader.width_l0, reader.height_l0) / MASK_PX)
    depth = stain_depth(reader.thumbnail(MASK_PX))
    threshold = tissue_threshold(depth)
    mask = (depth > threshold).astype(np.uint8)
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), np.uint8)
    return TissueMask(_without_specks(mask), downsample, threshold)


def stain_depth(picture: Picture) -> NDArray[np.uint8]:
    """Give how far, in grey levels, the most absorbed channel of each pixel lies below white, lightly blurred."""
    smooth = np.asarray(cv2.GaussianBlur(picture, (0, 0), 2.5), np.uint8)
    white = np.clip(np.percentile(smooth[::4, ::4].reshape(-1, 3), 99, axis=0), 200, 255).astype(np.uint8)
    depth: NDArray[np.uint8] = cv2.subtract(np.broadcast_to(white, smooth.shape).copy(), smooth).max(axis=2)
    return depth


def tissue_threshold(depth: NDArray[np.uint8]) -> float:
    """Choose the depth above which a pixel is tissue: Otsu's, kept within what glass and tissue can be."""
    # The square root keeps a few dark brown areas from pulling the threshold above the pale tissue round them.
    root = np.sqrt(depth * np.float32(255)).astype(np.uint8)
    otsu = cv2.threshold(root, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0] ** 2 / 255
    paler = depth[depth <= otsu]
    if paler.size and paler.mean() > STAINED:
        return float(FLOOR)
    return float(np.clip(otsu, FLOOR, CEILING))


def _without_specks(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    large = stats[:count, cv2.CC_STAT_AREA] >= SMALLEST_SPECK_PX
    large[0] = False
    kept: NDArray[np.bool_] = large[labels]
    return kept
