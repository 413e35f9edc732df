"""Optical density and the separation of haematoxylin and DAB.

Light through stain follows Beer and Lambert: densities of stains add. Vectors after Ruifrok & Johnston 2001.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .reader import Picture

# Unit optical-density vectors, RGB.
HAEMATOXYLIN = (0.651, 0.701, 0.290)
DAB = (0.269, 0.568, 0.778)
# QuPath's default for H&E; Ruifrok's own (0.07, 0.99, 0.11) draws an unnaturally magenta stroma.
EOSIN = (0.216, 0.801, 0.558)
WHITE_POINT = (255.0, 255.0, 255.0)


def unit(vector: ArrayLike) -> NDArray[np.float64]:
    """Scale a vector to length 1."""
    values = np.asarray(vector, np.float64)
    return values / np.linalg.norm(values)


def density_table(white_point: ArrayLike = WHITE_POINT) -> NDArray[np.float64]:
    """Tabulate the optical density (log10) of the 256 grey levels of each channel, `[256, 3]`, never below 0."""
    levels = np.maximum(np.arange(256, dtype=np.float64), 1)[:, None]
    return np.maximum(-np.log10(levels / np.asarray(white_point, np.float64)), 0)


def optical_density(picture: Picture, white_point: ArrayLike = WHITE_POINT) -> NDArray[np.float32]:
    """Give the optical density (log10) per channel, `float32 [H, W, 3]`; 0 at the white point and above."""
    table = density_table(white_point).astype(np.float32)
    return np.stack([table[picture[..., channel], channel] for channel in range(3)], axis=-1)


def unmixing_matrix(haematoxylin: ArrayLike = HAEMATOXYLIN, dab: ArrayLike = DAB) -> NDArray[np.float64]:
    """Give the matrix whose columns turn an RGB density into amounts of haematoxylin, DAB and residual."""
    h, d = unit(haematoxylin), unit(dab)
    vectors = np.stack([h, d, unit(np.cross(h, d))])
    return np.asarray(np.linalg.inv(vectors), np.float64)


def separate_hdab(
    picture: Picture,
    white_point: ArrayLike = WHITE_POINT,
    haematoxylin: ArrayLike = HAEMATOXYLIN,
    dab: ArrayLike = DAB,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Separate a picture into amounts of haematoxylin and of DAB, `float32 [H, W]` each (density along its vector)."""
    matrix = unmixing_matrix(haematoxylin, dab).astype(np.float32)
    amounts: NDArray[Any] = optical_density(picture, white_point) @ matrix
    return np.ascontiguousarray(amounts[..., 0]), np.ascontiguousarray(amounts[..., 1])
