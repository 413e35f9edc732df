"""A share of a count, and how sure it is."""

import math

Z_95 = 1.959963984540054


def ratio_of(positive: int, total: int) -> float | None:
    """Divide, or give None where there is nothing to divide."""
    return positive / total if total else None


def wilson_interval(positive: int, total: int) -> tuple[float, float] | None:
    """Give Wilson's 95 % interval of a proportion (Wilson 1927); None when `total` is 0."""
    if not 0 <= positive <= total:
        raise ValueError(f"positive must lie between 0 and total, got {positive} of {total}")
    if total == 0:
        return None
    share, z2 = positive / total, Z_95**2
    centre = share + z2 / (2 * total)
    half = Z_95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    scale = 1 + z2 / total
    # Rounding must not push an end past 0 or 1.
    low = 0.0 if positive == 0 else (centre - half) / scale
    high = 1.0 if positive == total else (centre + half) / scale
    return low, high
