"""Positive and negative cells taken together, as pages, reports and verdicts show them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from review.cell_file import CellTable
from viewer.imaging.proportions import wilson_interval


@dataclass(frozen=True)
class Tally:
    """How many cells were counted, and what share is positive."""

    positive: int
    negative: int
    edits: int = 0

    @property
    def cells(self) -> int:
        return self.positive + self.negative

    @property
    def ratio(self) -> float | None:
        """Positive among all cells; None, not 0, without cells."""
        return self.positive / self.cells if self.cells else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson_interval(self.positive, self.cells)

    def as_dict(self) -> dict[str, Any]:
        interval = self.interval
        return {
            "positive": self.positive,
            "negative": self.negative,
            "cells": self.cells,
            "ratio": self.ratio,
            "interval": list(interval) if interval else None,
            "edits": self.edits,
        }


def tally_of(table: CellTable, edits: int = 0) -> Tally:
    positive = int(np.count_nonzero(table.is_positive))
    return Tally(positive, len(table.x) - positive, edits)
