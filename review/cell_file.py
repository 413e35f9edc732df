"""The cells of one score as a compact column file, so that a million of them are no million database rows.

Columns, one entry a cell: `x`, `y` (float32, level-0 pixels, pixel centres), `area_um2`, `dab` (float32),
`is_positive` (bool).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from viewer.imaging.cells import CellCount

Column = NDArray[Any]
COLUMNS = {"x": np.float32, "y": np.float32, "area_um2": np.float32, "dab": np.float32, "is_positive": np.bool_}


class CellTable(NamedTuple):
    """Columns of equal length, ordered from top to bottom."""

    x: Column
    y: Column
    area_um2: Column
    dab: Column
    is_positive: Column

    def within(self, x: float, y: float, width: float, height: float) -> "CellTable":
        """Return the cells whose centre lies in a rectangle of level-0 pixels; right and bottom edge excluded."""
        first, last = np.searchsorted(self.y, [y, y + height])
        rows = CellTable(*(column[first:last] for column in self))
        inside = (rows.x >= x) & (rows.x < x + width)
        return CellTable(*(column[inside] for column in rows))

    def thinned(self, most: int) -> "CellTable":
        """Return at most `most` cells, evenly spread over the table."""
        if len(self.x) <= most:
            return self
        chosen = np.linspace(0, len(self.x) - 1, most).astype(np.intp)
        return CellTable(*(column[chosen] for column in self))


def write_cells(path: Path, count: "CellCount") -> None:
    order = np.argsort(count.y, kind="stable")
    columns: dict[str, Column] = {}
    for name, kind in COLUMNS.items():
        columns[name] = np.asarray(getattr(count, name))[order].astype(kind)
    with path.open("wb") as file:
        np.savez_compressed(file, **columns)  # type: ignore[arg-type]  # numpy types its one option only


def read_cells(path: Path) -> CellTable:
    with np.load(path, allow_pickle=False) as columns:
        return CellTable(**{name: columns[name] for name in COLUMNS})
