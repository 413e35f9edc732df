"""How well two ways of measuring agree. Plain numbers in, plain numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from viewer.imaging.proportions import wilson_interval

LIMIT = 1.96


@dataclass(frozen=True)
class BlandAltman:
    """Mean difference (second minus first) and the limits within which 95 % of differences are expected."""

    bias: float
    low: float
    high: float


def bland_altman(first: Sequence[float], second: Sequence[float]) -> BlandAltman | None:
    """Give bias and limits of agreement (Bland & Altman 1986); None with fewer than two pairs."""
    if len(first) < 2:
        return None
    difference = np.asarray(second) - np.asarray(first)
    bias, spread = float(difference.mean()), float(difference.std(ddof=1))
    return BlandAltman(bias, bias - LIMIT * spread, bias + LIMIT * spread)


def intraclass_correlation(*measures: Sequence[float]) -> float | None:
    """Give ICC(2,1), absolute agreement of single measures (Shrout & Fleiss 1979); None where it means nothing."""
    table = np.column_stack(measures).astype(float)
    n, k = table.shape
    if n < 3:
        return None
    grand = table.mean()
    rows = k * ((table.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((table.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    total = ((table - grand) ** 2).sum()
    error = (total - rows * (n - 1) - columns * (k - 1)) / ((n - 1) * (k - 1))
    whole = rows + (k - 1) * error + k * (columns - error) / n
    return float((rows - error) / whole) if whole > 0 else None


def cohen_kappa(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Give Cohen's kappa of two yes-or-no judgements; None without any, or where both always say the same."""
    a, b = np.asarray(first, bool), np.asarray(second, bool)
    if len(a) == 0:
        return None
    chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    return None if chance == 1 else float(((a == b).mean() - chance) / (1 - chance))


@dataclass(frozen=True)
class Accuracy:
    """How often a yes-or-no judgement was right, with Wilson's interval."""

    right: int
    total: int

    @property
    def share(self) -> float | None:
        return self.right / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson_interval(self.right, self.total)
