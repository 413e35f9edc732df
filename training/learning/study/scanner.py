"""How a drawn section looks after staining in another batch and a scan by another device.

Densities are scaled channel by channel (Beer and Lambert), then the picture is blurred as if out of focus. A window is
drawn with a margin, so windows join without a seam. Pixels are uint8 [H, W, 3] RGB.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.learning.store import Pixels
from viewer.imaging.phantom import Cut, TissueBlock
from viewer.imaging.phantom_render import LAMP, SectionPainter, Stain
from viewer.imaging.pyramid import PyramidWriter

MARGIN_PX = 8
STRIP_PX = 896


@dataclass(frozen=True)
class Scanner:
    """Density gains of red, green and blue, and the sigma of the blur in pixels; 1 and 0 change nothing."""

    density_gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur_px: float = 0.0

    def see(self, picture: Pixels) -> Pixels:
        """Return the picture as this scanner gives it."""
        levels = np.arange(256, dtype=np.float64)[:, None]
        white = np.asarray(LAMP)
        # Light above the lamp's is noise of the camera and stays as it is.
        gain = np.where(levels < white, np.asarray(self.density_gain), 1.0)
        table = np.clip(np.rint(white * (np.maximum(levels, 1) / white) ** gain), 0, 255).astype(np.uint8)
        seen = np.stack([table[picture[..., channel], channel] for channel in range(3)], axis=-1)
        if self.blur_px:
            side = 2 * MARGIN_PX + 1
            seen = cv2.GaussianBlur(seen, (side, side), self.blur_px).astype(np.uint8)
        return np.ascontiguousarray(seen)


def write_scanned(block: TissueBlock, cut: Cut, stain: Stain, scanner: Scanner, path: Path) -> None:
    """Write a section as a pyramidal TIFF whose description says that the tissue is drawn."""
    painter = SectionPainter(block, cut)
    description = f"DRAWN TISSUE, no patient: phantom seed {block.seed}, section {cut}, stain {stain}"
    inner = slice(MARGIN_PX, -MARGIN_PX)
    with PyramidWriter(path, block.size_px, block.size_px, block.mpp, description) as writer:
        for top in range(0, block.size_px, STRIP_PX):
            height = min(STRIP_PX, block.size_px - top)
            parts = []
            for left in range(0, block.size_px, STRIP_PX):
                width = min(STRIP_PX, block.size_px - left)
                window = (top - MARGIN_PX, left - MARGIN_PX, height + 2 * MARGIN_PX, width + 2 * MARGIN_PX)
                parts.append(scanner.see(painter.paint(stain, *window))[inner, inner])
            writer.write_rows(np.concatenate(parts, axis=1))
