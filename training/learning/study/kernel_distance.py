"""MIL-KID: how far apart two sets of patches lie in the features of a MIL classifier.

Kernel Inception Distance (Bińkowski et al. 2018) with the features of the study's own classifier of the target stain in
place of Inception's, so it is comparable within a study only and is never called FID or KID.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[Any]


def kernel_distance(one: Features, other: Features) -> float:
    """Return the unbiased squared maximum mean discrepancy with a cubic kernel; [N, D] and [M, D], N and M above 1."""
    count, others = len(one), len(other)
    if min(count, others) < 2:
        return float("nan")
    one, other = one.astype(np.float64), other.astype(np.float64)
    within = _kernel(one, one)
    within_other = _kernel(other, other)
    unlike = (within.sum() - np.trace(within)) / (count * (count - 1))
    unlike += (within_other.sum() - np.trace(within_other)) / (others * (others - 1))
    return float(unlike - 2 * _kernel(one, other).mean())


def _kernel(one: Features, other: Features) -> Features:
    cubed: Features = (one @ other.T / one.shape[1] + 1) ** 3
    return cubed
