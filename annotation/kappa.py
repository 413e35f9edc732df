"""Agreement beyond chance, with bootstrap intervals.

Cohen's and Fleiss' kappa come from statsmodels, the resampling from SciPy. Both are imported where they are used: they
bring pandas along, seconds and a hundred megabytes that no other page of the web server needs.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.models import Label

CATEGORIES = [str(value) for value in Label.values]
RESAMPLES = 1000
CONFIDENCE = 0.95
# With fewer slides than this there are too few to draw from, and patches are drawn instead.
FEWEST_SLIDES = 10
SEED = 20201127

Table = NDArray[np.int64]


class Reading(NamedTuple):
    """What each of several readers said of one patch, and the slide it lies on."""

    slide: int
    values: tuple[str, ...]


class Kappa(NamedTuple):
    """A kappa with its interval; None where it does not exist, as when everybody always said the same."""

    kappa: float | None
    low: float | None
    high: float | None
    patches: int
    agreed: int
    drawn: str  # what the bootstrap drew: "slide" or "patch"


def cohen(readings: Sequence[Reading]) -> Kappa:
    """Cohen's kappa of two readers. Source: Cohen 1960, “A coefficient of agreement for nominal scales”."""
    from statsmodels.stats.inter_rater import cohens_kappa

    def statistic(rows: Table) -> float:
        table = np.zeros((len(CATEGORIES), len(CATEGORIES)), np.int64)
        np.add.at(table, (rows[:, 0], rows[:, 1]), 1)
        return float(cohens_kappa(table, return_results=False))

    return _with_interval(readings, statistic)


def fleiss(readings: Sequence[Reading]) -> Kappa:
    """Fleiss' kappa of patches that as many readers each labelled. Source: Fleiss 1971, “Measuring nominal scale …”."""
    from statsmodels.stats.inter_rater import fleiss_kappa

    def statistic(rows: Table) -> float:
        counts = np.stack([(rows == category).sum(axis=1) for category in range(len(CATEGORIES))], axis=1)
        return float(fleiss_kappa(counts, method="fleiss"))

    return _with_interval(readings, statistic)


def same_number_of_readers(readings: Sequence[Reading]) -> list[Reading]:
    """Return the patches that the usual number of readers, two at least, labelled: Fleiss' kappa wants one number."""
    numbers = Counter(len(reading.values) for reading in readings if len(reading.values) >= 2)
    if not numbers:
        return []
    usual = max(numbers, key=lambda number: (numbers[number], number))
    return [reading for reading in readings if len(reading.values) == usual]


def _with_interval(readings: Sequence[Reading], statistic: Callable[[Table], float]) -> Kappa:
    from scipy.stats import bootstrap

    agreed = sum(len(set(reading.values)) == 1 for reading in readings)
    drawn = "slide" if len({reading.slide for reading in readings}) >= FEWEST_SLIDES else "patch"
    if len(readings) < 2:
        return Kappa(None, None, None, len(readings), agreed, drawn)
    rows = np.array([[CATEGORIES.index(value) for value in reading.values] for reading in readings], np.int64)
    units = _units(readings, rows, drawn)

    def of_units(indices: Any) -> float:
        return _quietly(statistic, np.concatenate([units[index] for index in np.asarray(indices, np.int64)]))

    kappa = _quietly(statistic, rows)
    if np.isnan(kappa):
        return Kappa(None, None, None, len(readings), agreed, drawn)
    result = bootstrap(
        (np.arange(len(units)),),
        of_units,
        vectorized=False,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(SEED),
    )
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.nanpercentile(result.bootstrap_distribution, [tail, 100 - tail])
    return Kappa(kappa, float(low), float(high), len(readings), agreed, drawn)


def _units(readings: Sequence[Reading], rows: Table, drawn: str) -> list[Table]:
    if drawn == "patch":
        return [rows[index : index + 1] for index in range(len(rows))]
    slides = np.array([reading.slide for reading in readings])
    return [rows[slides == slide] for slide in np.unique(slides)]


def _quietly(statistic: Callable[[Table], float], rows: Table) -> float:
    # All in one category: chance alone explains it, and 0 / 0 is no figure.
    with np.errstate(divide="ignore", invalid="ignore"):
        return statistic(rows)
