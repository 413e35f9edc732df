"""Align two sections by places that a person laid on each other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import RegistrationFailed

# Nearer places than this say nothing of the rotation.
NEAREST_UM = 100.0
# Up to so many pairs give rotation, scale and shift; more give a full affine map.
MOST_FOR_SIMILARITY = 3
LARGEST_STRETCH = 1.25

# x, y on the fixed slide, x', y' on the moving one, level-0 pixels.
PointPair = tuple[float, float, float, float]


class PointFit(NamedTuple):
    """The map (a, b, c, d, e, f), and the median distance left between the pairs; None where they fit exactly."""

    matrix: tuple[float, float, float, float, float, float]
    error_um: float | None


def fit_pairs(pairs: Sequence[PointPair], fixed_mpp: float, moving_mpp: float) -> PointFit:
    """Find the map from fixed to moving level-0 pixels that brings the pairs together, least squares.

    Raises:
        RegistrationFailed: fewer than two pairs, pairs that lie together, or that would tear the section.
    """
    if len(pairs) < 2:
        raise RegistrationFailed(f"{len(pairs)} pair of places was given; at least 2 are needed, 3 are better.")
    points = np.asarray(pairs, np.float64)
    fixed, moving = points[:, :2] * fixed_mpp, points[:, 2:] * moving_mpp
    for side in (fixed, moving):
        spread = float(np.linalg.norm(side.max(axis=0) - side.min(axis=0)))
        if spread < NEAREST_UM:
            raise RegistrationFailed(
                f"The places lie within {spread:.0f} µm of each other; at least {NEAREST_UM:.0f} µm are needed. "
                "Choose places that are far apart."
            )
    linear, shift = _similarity(fixed, moving) if len(pairs) <= MOST_FOR_SIMILARITY else _affine(fixed, moving)
    stretches = np.linalg.svd(linear, compute_uv=False)
    if stretches[0] > LARGEST_STRETCH or stretches[1] < 1 / LARGEST_STRETCH:
        raise RegistrationFailed(
            f"These pairs would stretch the section by {stretches[0]:.2f} one way and {stretches[1]:.2f} the other; "
            f"at most {LARGEST_STRETCH} is likely. Check that each pair marks the same place on both slides."
        )
    left = np.linalg.norm(fixed @ linear.T + shift - moving, axis=1)
    determined = len(pairs) * 2 > (4 if len(pairs) <= MOST_FOR_SIMILARITY else 6)
    pixels = linear * (fixed_mpp / moving_mpp)
    (a, b), (d, e) = pixels.tolist()
    c, f = (shift / moving_mpp).tolist()
    return PointFit((a, b, c, d, e, f), round(float(np.median(left)), 2) if determined else None)


Points = NDArray[np.float64]


def _similarity(fixed: Points, moving: Points) -> tuple[Points, Points]:
    """Umeyama's least-squares rotation, scale and shift; never a mirror image."""
    fixed_centre, moving_centre = fixed.mean(axis=0), moving.mean(axis=0)
    a, b = fixed - fixed_centre, moving - moving_centre
    u, size, v = np.linalg.svd(b.T @ a)
    sign = np.diag([1.0, np.sign(np.linalg.det(u) * np.linalg.det(v))])
    linear: Points = u @ sign @ v * float((size * np.diag(sign)).sum() / (a**2).sum())
    shift: Points = moving_centre - linear @ fixed_centre
    return linear, shift


def _affine(fixed: Points, moving: Points) -> tuple[Points, Points]:
    solution, _, rank, _ = np.linalg.lstsq(np.column_stack([fixed, np.ones(len(fixed))]), moving, rcond=None)
    if rank < 3:
        raise RegistrationFailed("All places lie on one line. Choose one beside it.")
    matrix = np.asarray(solution, np.float64)
    return matrix[:2].T, matrix[2]
