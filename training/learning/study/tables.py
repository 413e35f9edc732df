"""Tables 3 and 4 of the paper in kind: ratios per slide, their mean and the pooled ratio, with bootstrap intervals.

The paper's "evaluation" of Table 3 is the unweighted mean of the two slides of its Table 4; that row is `mean` here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.learning.study.regions import RegionCounts

DRAWS = 1000
Interval = tuple[float, float]

# Xu et al. 2020, Tables 3 and 4: real, synthetic.
PAPER_ROWS = {
    "training slides (Table 3)": (0.3744, 0.3850),
    "evaluation slides (Table 3)": (0.3046, 0.2771),
    "example 1 (Table 4)": (0.2570, 0.2518),
    "example 2 (Table 4)": (0.3522, 0.3025),
}


def difference_interval(one: RegionCounts, other: RegionCounts, paired: bool, seed: int = 0) -> Interval:
    """Return the 95 % interval of the difference of two slides' ratios, by drawing regions with replacement.

    Regions of one section are drawn together (`paired`); those of consecutive sections, which do not match cell by
    cell, are drawn apart.
    """
    rng = np.random.default_rng(seed)
    maps = [(counts.positive.ravel(), counts.total.ravel()) for counts in (one, other)]
    filled = [np.flatnonzero(total > 0) for _, total in maps]
    if paired:
        filled = [np.flatnonzero((maps[0][1] > 0) | (maps[1][1] > 0))] * 2
    if not len(filled[0]) or not len(filled[1]):
        return float("nan"), float("nan")
    differences = np.empty(DRAWS)
    for draw in range(DRAWS):
        chosen = [rng.choice(cells, len(cells)) for cells in filled[:1]]
        chosen.append(chosen[0] if paired else rng.choice(filled[1], len(filled[1])))
        ratios = [
            positive[at].sum() / max(total[at].sum(), 1) for (positive, total), at in zip(maps, chosen, strict=True)
        ]
        differences[draw] = ratios[0] - ratios[1]
    return _interval(differences)


def mean_interval(values: Sequence[float], seed: int = 0) -> Interval:
    """Return the 95 % interval of a mean by drawing slides with replacement; with few slides it says little."""
    known = np.array([value for value in values if np.isfinite(value)])
    if len(known) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    return _interval(rng.choice(known, (DRAWS, len(known))).mean(axis=1))


def _interval(draws: npt.NDArray[np.float64]) -> Interval:
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | Interval]:
    """Return Table 3's row for some slides: means of slide ratios, pooled ratios and mean absolute errors.

    rows: per slide `real`, `twin`, `synthetic`, `null` (ratios) and the counts `*_positive`, `*_total`.
    """
    table: dict[str, float | Interval] = {"slides": len(rows)}
    for name in ("real", "twin", "synthetic", "null"):
        table[f"{name}_mean"] = _mean([_number(row[name]) for row in rows])
        positive, total = (sum(row[f"{name}_{part}"] for row in rows) for part in ("positive", "total"))
        table[f"{name}_pooled"] = positive / total if total else float("nan")
    for name, against in (("synthetic", "real"), ("synthetic", "twin"), ("null", "twin"), ("twin", "real")):
        errors = [_number(row[name]) - _number(row[against]) for row in rows]
        table[f"{name}_minus_{against}"] = _mean(errors)
        table[f"{name}_minus_{against}_interval"] = mean_interval(errors)
        table[f"{name}_against_{against}_absolute"] = _mean([abs(error) for error in errors])
    return table


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
