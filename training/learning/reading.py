"""Slides of a frozen data set, seen at its resolution.

Pixels are uint8 RGB. Coordinates marked l0 are level-0 pixels; everything else is in pixels at the manifest's
`target_mpp`, to which slides with another mpp are resampled.
"""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training.learning.errors import ResolutionTooLow, SlideChanged
from training.learning.manifest import SlideRow
from training.learning.store import Pixels
from viewer.imaging.colour import colour_named
from viewer.imaging.foreground import TissueMask
from viewer.imaging.slides import SlideReader, content_sha256, open_slide

# Slides whose mpp differs from the target by less than this share are used as they are.
SAME_MPP = 0.01
# A slide this much coarser than the target would be magnified: detail that training and painting need is not there.
COARSEST = 1.5
STRIP_PX = 8192


class TargetReader:
    """A slide seen at the target mpp: x, y, width and height count pixels of that resolution."""

    def __init__(self, reader: SlideReader, mpp: float, target_mpp: float) -> None:
        """See `reader`, whose level-0 pixels measure `mpp` µm, at `target_mpp`.

        Raises:
            ResolutionTooLow: the slide is much coarser than the target.
        """
        if mpp > COARSEST * target_mpp:
            raise ResolutionTooLow(
                f"The slide has {mpp:g} µm per pixel, {target_mpp:g} are needed: it would have to be magnified "
                f"{mpp / target_mpp:.1f} times. Scan or export it at a higher magnification, correct its mpp if it is "
                "wrong, or train at a coarser target mpp."
            )
        self.reader = reader
        self.levels: npt.NDArray[np.uint8] | None = None  # [256, 3], what each grey level is read as (density.py)
        ratio = target_mpp / mpp
        self.resampled = abs(ratio - 1) > SAME_MPP
        self.scale = ratio if self.resampled else 1.0  # level-0 pixels per pixel
        self.mpp = target_mpp if self.resampled else mpp
        self.width = max(1, round(reader.width_l0 / self.scale))
        self.height = max(1, round(reader.height_l0 / self.scale))

    def read(self, x: int, y: int, width: int, height: int) -> Pixels:
        """Read a rectangle, uint8 [height, width, 3]; what lies off the slide is white. Wide ones are read in parts."""
        parts = []
        for left in range(x, x + width, STRIP_PX):
            part = min(STRIP_PX, x + width - left)
            if self.resampled:
                x_l0, y_l0 = round(left * self.scale), round(y * self.scale)
                size_l0 = (max(1, round(part * self.scale)), max(1, round(height * self.scale)))
                parts.append(self.reader.read_scaled(x_l0, y_l0, *size_l0, part, height))
            else:
                parts.append(self.reader.read_region(left, y, 0, part, height))
        pixels = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        return pixels if self.levels is None else np.asarray(cv2.LUT(pixels, self.levels[None]), np.uint8)

    def tissue(self, mask: TissueMask, x: int, y: int, side: int) -> float:
        """Return the tissue share of a square, 0 to 1."""
        return mask.share(*(round(value * self.scale) for value in (x, y, side, side)))


def open_frozen(row: SlideRow, slides_root: Path, verified: set[str]) -> SlideReader:
    """Open a slide of the manifest, once its bytes are known to be those that were frozen.

    Raises:
        SlideChanged: the file is missing, has other bytes, or another size.
    """
    path = slides_root / row.key
    if not path.exists():
        raise SlideChanged(f"Slide {row.key} of case {row.case} is missing; put it back, or freeze a new data set.")
    if row.key not in verified:
        found = content_sha256(path)
        if found != row.sha256:
            raise SlideChanged(
                f"Slide {row.key} of case {row.case} has changed: its sha256 is {found[:12]}…, the manifest froze "
                f"{row.sha256[:12]}…. Put the old file back, or freeze a new data set."
            )
        verified.add(row.key)
    reader = open_slide(path, colour_named(row.colour))
    if (reader.width_l0, reader.height_l0) != (row.width_l0, row.height_l0):
        reader.close()
        raise SlideChanged(
            f"Slide {row.key} measures {reader.width_l0} × {reader.height_l0} pixels, the manifest says "
            f"{row.width_l0} × {row.height_l0}; freeze a new data set."
        )
    return reader
