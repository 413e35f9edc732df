"""How sure a ratio of cells is over a slide, and where it is highest.

Places are in pixels of one plane. Wilson's interval (`cells.wilson_interval`) takes cells for independent; on a slide
they are not, as positive cells keep together. The block bootstrap draws whole blocks of tissue again instead.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK_UM = 500.0
FEWEST_BLOCKS = 8
DRAWS = 2000
# A window is tried at every quarter of its side.
STEPS_PER_WINDOW = 4

Column = NDArray[np.floating]
Flags = NDArray[np.bool_]


class Window(NamedTuple):
    """A square of a slide and what was counted in it; `x`, `y` is its upper left corner, all in pixels."""

    x: float
    y: float
    side: float
    positive: int
    cells: int

    @property
    def ratio(self) -> float:
        """Positive among all cells."""
        return self.positive / self.cells


def block_interval(x: Column, y: Column, is_positive: Flags, block_px: float) -> tuple[float, float] | None:
    """Give the 95 % percentile interval of the ratio over blocks drawn with replacement.

    The same cells give the same interval. None with fewer than `FEWEST_BLOCKS` blocks: they would say too little.
    """
    if len(x) == 0:
        return None
    columns, rows = (np.floor(axis / block_px).astype(np.int64) for axis in (x, y))
    _, block = np.unique(rows * (columns.max() + 1) + columns, return_inverse=True)
    cells = np.bincount(block).astype(float)
    positive = np.bincount(block, weights=is_positive.astype(float))
    if len(cells) < FEWEST_BLOCKS:
        return None
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(cells), np.full(len(cells), 1 / len(cells)), DRAWS)
    low, high = np.percentile(drawn @ positive / (drawn @ cells), [2.5, 97.5])
    return float(low), float(high)


def hot_spots(
    x: Column, y: Column, is_positive: Flags, side_px: float, least_cells: int, most: int = 3
) -> list[Window]:
    """List the windows with the highest ratio that hold at least `least_cells`, best first, none over another."""
    if len(x) == 0:
        return []
    step = side_px / STEPS_PER_WINDOW
    left, top = float(x.min()), float(y.min())
    columns, rows = (np.floor((axis - least) / step).astype(np.int64) for axis, least in ((x, left), (y, top)))
    shape = (max(int(rows.max()) + 1, STEPS_PER_WINDOW), max(int(columns.max()) + 1, STEPS_PER_WINDOW))
    cells, positive = (np.zeros(shape, np.int64) for _ in range(2))
    np.add.at(cells, (rows, columns), 1)
    np.add.at(positive, (rows[is_positive], columns[is_positive]), 1)
    cells, positive = (_window_sums(counts) for counts in (cells, positive))
    ratio = np.where(cells >= least_cells, positive / np.maximum(cells, 1), -1.0)
    found: list[Window] = []
    reach = STEPS_PER_WINDOW - 1
    # Of equal ratios the one with more cells, then the first.
    order = np.lexsort((np.arange(ratio.size), -cells.ravel(), -ratio.ravel()))
    for place in order:
        row, column = divmod(int(place), ratio.shape[1])
        if len(found) == most or ratio[row, column] < 0:
            break
        if any(
            abs(left + column * step - other.x) <= reach * step and abs(top + row * step - other.y) <= reach * step
            for other in found
        ):
            continue
        window = int(positive[row, column]), int(cells[row, column])
        found.append(Window(left + column * step, top + row * step, side_px, *window))
    return found


def _window_sums(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum every `STEPS_PER_WINDOW` × `STEPS_PER_WINDOW` bins."""
    total = np.pad(counts.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    steps = STEPS_PER_WINDOW
    return np.asarray(total[steps:, steps:] - total[:-steps, steps:] - total[steps:, :-steps] + total[:-steps, :-steps])
