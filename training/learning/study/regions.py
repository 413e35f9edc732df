"""Where on a slide nuclei are positive: maps of square cells, compared with the true virtual stain and with a null.

The null model knows the tissue but looks at no picture: it gives every tumour nucleus the mean index of the training
sections. A ratio or a map that is no better says nothing about Ki-67.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from viewer.imaging.cells import CellCount
from viewer.imaging.phantom import SectionTruth

Map = npt.NDArray[Any]

# Cells with fewer nuclei are left out: their ratio is chance.
LEAST_NUCLEI = 20
# Bounds of the classes of regional positive rate. The paper names low rates as its weakness.
RATE_BOUNDS = (0.0, 0.05, 0.15, 0.3, 1.0)


@dataclass(frozen=True)
class RegionCounts:
    """Nuclei and positive ones per cell, [rows, columns]."""

    total: Map
    positive: Map

    @property
    def ratio(self) -> Map:
        """Positive among all nuclei per cell; NaN without nuclei."""
        empty = np.full(self.total.shape, np.nan)
        return np.asarray(np.divide(self.positive, self.total, out=empty, where=self.total > 0))


def per_region(x: Map, y: Map, weight: Map, cells: tuple[int, int], cell_px: int) -> RegionCounts:
    """Count nuclei and add up their weights (1 positive, 0 negative, or a chance) per cell of the grid."""
    rows, columns = cells
    row, column = (np.floor((axis + 0.5) / cell_px).astype(int) for axis in (y, x))
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    total, positive = np.zeros(cells), np.zeros(cells)
    np.add.at(total, (row[inside], column[inside]), 1)
    np.add.at(positive, (row[inside], column[inside]), weight[inside])
    return RegionCounts(total, positive)


def counted(count: CellCount, cells: tuple[int, int], cell_px: int) -> RegionCounts:
    """Return the map of a count."""
    return per_region(count.x, count.y, count.is_positive.astype(float), cells, cell_px)


def null_map(truth: SectionTruth, training_index: float, cells: tuple[int, int], cell_px: int) -> RegionCounts:
    """Return the null model's map: the true nuclei, each tumour nucleus positive with the training sections' index."""
    return per_region(truth.x, truth.y, truth.is_tumor * training_index, cells, cell_px)


def compare(found: RegionCounts, true: RegionCounts) -> dict[str, float]:
    """Return the mean absolute error of a map and its correlation with the true one, over cells with enough nuclei."""
    used = (true.total >= LEAST_NUCLEI) & (found.total > 0)
    if not used.any():
        return {"mean_absolute_error": float("nan"), "correlation": float("nan"), "regions": 0}
    one, other = found.ratio[used], true.ratio[used]
    varied = one.std() > 0 and other.std() > 0
    return {
        "mean_absolute_error": float(np.abs(one - other).mean()),
        "correlation": float(np.corrcoef(one, other)[0, 1]) if varied else float("nan"),
        "regions": int(used.sum()),
    }


def errors_by_rate(found: RegionCounts, null: RegionCounts, true: RegionCounts) -> list[dict[str, float]]:
    """Return the mean signed and absolute errors of cells of low, middle and high true rate, the null's beside them."""
    rows = []
    used = (true.total >= LEAST_NUCLEI) & (found.total > 0)
    for low, high in pairwise(RATE_BOUNDS):
        chosen = used & (true.ratio >= low) & ((true.ratio < high) | (high == 1.0))
        if not chosen.any():
            continue
        error = (found.ratio - true.ratio)[chosen]
        null_error = (null.ratio - true.ratio)[chosen]
        rows.append(
            {
                "from": low,
                "to": high,
                "regions": int(chosen.sum()),
                "true_ratio": float(true.ratio[chosen].mean()),
                "mean_error": float(error.mean()),
                "mean_absolute_error": float(np.abs(error).mean()),
                "null_mean_error": float(np.nanmean(null_error)),
                "null_mean_absolute_error": float(np.nanmean(np.abs(null_error))),
            }
        )
    return rows


def share_in(count: CellCount, chosen: npt.NDArray[np.bool_], cell_px: int) -> float:
    """Return positive among all counted nuclei that lie in the chosen cells; NaN without nuclei."""
    counts = counted(count, (chosen.shape[0], chosen.shape[1]), cell_px)
    total = counts.total[chosen].sum()
    return float(counts.positive[chosen].sum() / total) if total else float("nan")
