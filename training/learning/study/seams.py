"""Whether tile borders show: steps of the optical density at the borders against steps elsewhere.

`fine`: the step from one pixel to the next, as a reader's eye meets a hard edge; blended borders hardly have one.
`broad`: the step between the means of bands on both sides of a tile's edge, which blending cannot hide. Each is divided
by the same measure in the middle of the tiles, so 1 means that borders cannot be told from anywhere else.
"""

import numpy as np
import numpy.typing as npt

from training.learning.evaluation import optical_density_sum
from viewer.imaging.slides import SlideReader

BAND_PX = 16
TILES_AT_ONCE = 8
# Tile edges on glass say nothing.
LEAST_DENSITY = 0.05

Steps = npt.NDArray[np.float64]


def seam_ratios(reader: SlideReader, core_px: int, left: int = 0, top: int = 0) -> dict[str, float]:
    """Return the fine and the broad seam ratio of a slide whose tiles of `core_px` begin at (left, top)."""
    sums = np.zeros(4)
    columns, rows = (reader.width_l0 - left) // core_px, (reader.height_l0 - top) // core_px
    side = min(TILES_AT_ONCE, columns, rows)
    for row in range(0, rows - side + 1, side):
        for column in range(0, columns - side + 1, side):
            x, y, size = left + column * core_px, top + row * core_px, side * core_px
            density = optical_density_sum(reader.read_region(x, y, 0, size, size))
            for turned in (density, density.T):
                sums += _steps(np.asarray(turned, np.float64), core_px)
    fine, fine_elsewhere, broad, broad_elsewhere = sums.tolist()
    return {
        "fine": fine / fine_elsewhere if fine_elsewhere else float("nan"),
        "broad": broad / broad_elsewhere if broad_elsewhere else float("nan"),
    }


def _steps(density: Steps, core_px: int) -> Steps:
    """Add up the steps across vertical lines: fine at borders, fine in the middles, broad at borders, broad there."""
    count = density.shape[1] // core_px
    band = min(BAND_PX, core_px // 4)
    sums = np.zeros(4)
    segments = density.reshape(density.shape[0] // core_px, core_px, density.shape[1])
    for number in range(1, count):
        border, middle = number * core_px, number * core_px - core_px // 2
        dark = segments[:, :, middle - band : border + band].mean(axis=(1, 2)) > LEAST_DENSITY
        for place, at in enumerate((border, middle)):
            fine = np.abs(segments[:, :, at] - segments[:, :, at - 1]).mean(axis=1)
            sides = segments[:, :, at : at + band].mean(axis=(1, 2)), segments[:, :, at - band : at].mean(axis=(1, 2))
            sums[place] += fine[dark].sum()
            sums[2 + place] += np.abs(sides[0] - sides[1])[dark].sum()
    return sums
