"""Where each pair stands on a Bland-Altman plot, in per cent of the plot's sides."""

from dataclasses import dataclass

from review.tables import Comparison

LEAST_HALF_HEIGHT = 0.05


@dataclass(frozen=True)
class Plot:
    """Dots (x, y, whose) and lines (y, value, kind) of a plot, origin at the upper left, 0 to 100."""

    dots: list[tuple[float, float, str]]
    lines: list[tuple[float, float, str]]
    highest_mean: float


def plot_of(comparison: Comparison) -> Plot | None:
    """Lay the pairs out; None where there are no limits of agreement to draw."""
    limits, points = comparison.limits, comparison.points
    if limits is None or not points:
        return None
    reach = max([LEAST_HALF_HEIGHT, abs(limits.low), abs(limits.high), *(abs(y) for _x, y in points)]) * 1.15
    widest = max(x for x, _y in points) * 1.1 or 1.0

    def height(value: float) -> float:
        return round(50 - 50 * value / reach, 2)

    marked = ((limits.high, "limit"), (limits.bias, "bias"), (0.0, "zero"), (limits.low, "limit"))
    return Plot(
        dots=[
            (round(100 * x / widest, 2), height(y), name) for (x, y), name in zip(points, comparison.names, strict=True)
        ],
        lines=[(height(value), value, kind) for value, kind in marked],
        highest_mean=widest,
    )
