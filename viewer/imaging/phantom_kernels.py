"""The pixel loops of drawn tissue, compiled by numba: how much of each stain a pixel holds, and the light through it.

Every value depends on absolute coordinates only, so a pixel comes out the same in whatever window it is drawn.
"""

# The kernels are compiled, not called from typed code: their argument types are those of the docstrings.
# mypy: disable-error-code="no-untyped-def, no-any-return, untyped-decorator"

import numpy as np
from numba import njit

# The slow fields are given at every fourth pixel.
SLOW_PX = 4
TISSUE, TUMOR, LYMPHOID, FIBRE_X, FIBRE_Y = range(5)
CHROMATIN, FINE, CYTOPLASM, FIBRE, GRAIN = range(5)
BODY, RIM, NUCLEOLI, NUCLEUS, DAB, BORDERS = range(6)
# The same textures are read at different places for different purposes.
PHASE_Y, PHASE_X = 211, 89
# Densities above this are black.
OPAQUE = 7.0


@njit(cache=True)
def _clip(value, low, high):  # pragma: no cover
    return min(max(value, low), high)


@njit(cache=True)
def _share(value, slope):  # pragma: no cover
    """Turn a signed field into a share from 0 to 1, half at 0."""
    return _clip(value * slope * 0.25 + 0.5, 0.0, 1.0)


@njit(cache=True)
def _between(field, row, column, down, across):  # pragma: no cover
    """Read a field bilinearly, a share `down` and `across` beyond a lattice point."""
    upper = field[row, column] + (field[row, column + 1] - field[row, column]) * across
    lower = field[row + 1, column] + (field[row + 1, column + 1] - field[row + 1, column]) * across
    return upper + (lower - upper) * down


@njit(cache=True)
def _wrapped(texture, y, x):  # pragma: no cover
    """Read a periodic texture bilinearly."""
    mask = texture.shape[0] - 1
    row, column = int(np.floor(y)), int(np.floor(x))
    upper, lower = texture[row & mask], texture[(row + 1) & mask]
    left, right, across = column & mask, (column + 1) & mask, x - column
    above = upper[left] + (upper[right] - upper[left]) * across
    below = lower[left] + (lower[right] - lower[left]) * across
    return above + (below - above) * (y - row)


@njit(cache=True)
def _at(texture, y, x, phase):  # pragma: no cover
    mask = texture.shape[0] - 1
    return texture[(y + PHASE_Y * phase) & mask, (x + PHASE_X * phase) & mask]


@njit(cache=True)
def _haematoxylin_eosin(tissue, nest, aggregate, cytoplasm, fine, fibre, nuclear, nucleus, border):  # pragma: no cover
    stroma = 1 - nest
    ground = nest * (0.075 + 0.018 * cytoplasm) + stroma * (0.035 + 0.06 * aggregate)
    in_nest = 0.15 + 0.03 * cytoplasm + 0.02 * fine + 0.09 * border
    in_stroma = _clip(0.20 + 0.075 * fibre + 0.03 * cytoplasm, 0.03, 0.6) * (1 - 0.45 * aggregate)
    eosin = tissue * (nest * in_nest + stroma * in_stroma) * (1 - 0.55 * nucleus) + 0.05 * nucleus
    return tissue * ground + nuclear, eosin, 0.0


@njit(cache=True)
def _haematoxylin_dab(
    tissue, nest, cytoplasm, fibre, nuclear, dab, chromatin, grain, counterstain, dab_strength
):  # pragma: no cover
    ground = nest * (0.03 + 0.008 * cytoplasm) + (1 - nest) * _clip(0.025 + 0.012 * fibre, 0.005, 0.2)
    # DAB hides the counterstain beneath it.
    visible = 1 - 0.6 * _clip(dab, 0.0, 1.0)
    haematoxylin = tissue * ground + nuclear * 0.62 * counterstain * visible
    mottle = _clip(0.62 + 0.13 * chromatin + 0.05 * grain, 0.2, 1.3)
    unspecific = tissue * (0.012 + 0.008 * _clip(cytoplasm, -1.0, 3.0) + 0.008 * nest)
    # The eosin is no stain here but a trace of colour in the tissue.
    return haematoxylin, tissue * 0.012, unspecific + dab_strength * dab * mottle


@njit(cache=True)
def section_light(
    y0, x0, slow, textures, layers, shift, is_he, counterstain, dab_strength, vectors, lamp
):  # pragma: no cover
    """Give the light through a window whose corner is (y0, x0), `float32 [H, W, 3]`.

    `slow [5, rows, columns]` are the fields from lattice point (y0 // 4, x0 // 4) on, `textures [5, n, n]` periodic,
    `layers [6, H, W]` what the nuclei are drawn on; `shift` tells the sections' textures apart; `vectors [3, 3]` are
    densities per unit of haematoxylin, eosin and DAB.
    """
    height, width = layers.shape[1:]
    light = np.empty((height, width, 3), np.float32)
    for i in range(height):
        y = y0 + i
        row, down = y // SLOW_PX - y0 // SLOW_PX, (y % SLOW_PX) / SLOW_PX
        texture_y = y + shift
        for j in range(width):
            x = x0 + j
            column, across = x // SLOW_PX - x0 // SLOW_PX, (x % SLOW_PX) / SLOW_PX
            texture_x = x + 3 * shift
            cytoplasm = _at(textures[CYTOPLASM], texture_y, texture_x, 0)
            chromatin, grain = (
                _at(textures[CHROMATIN], texture_y, texture_x, 2),
                _at(textures[GRAIN], texture_y, texture_x, 3),
            )
            tissue = _share(_between(slow[TISSUE], row, column, down, across) + 0.04 * cytoplasm, 30.0)
            nest = _share(_between(slow[TUMOR], row, column, down, across) + 0.05 * cytoplasm, 22.0)
            fibre = _wrapped(
                textures[FIBRE],
                _between(slow[FIBRE_Y], row, column, down, across),
                _between(slow[FIBRE_X], row, column, down, across),
            )
            nucleus = layers[NUCLEUS, i, j]
            nuclear = (
                layers[BODY, i, j] * _clip(0.46 + 0.17 * chromatin + 0.06 * grain, 0.12, 1.1)
                + 0.34 * layers[RIM, i, j]
                + 0.35 * layers[NUCLEOLI, i, j] * nucleus
            )
            if is_he:
                aggregate = _between(slow[LYMPHOID], row, column, down, across) * (1 - nest)
                fine = _at(textures[FINE], texture_y, texture_x, 1)
                border = layers[BORDERS, i, j]
                amounts = _haematoxylin_eosin(tissue, nest, aggregate, cytoplasm, fine, fibre, nuclear, nucleus, border)
            else:
                dab = layers[DAB, i, j]
                amounts = _haematoxylin_dab(
                    tissue, nest, cytoplasm, fibre, nuclear, dab, chromatin, grain, counterstain, dab_strength
                )
            h, e, d = max(amounts[0], 0.0), max(amounts[1], 0.0), max(amounts[2], 0.0)
            for channel in range(3):
                density = h * vectors[0, channel] + e * vectors[1, channel] + d * vectors[2, channel]
                light[i, j, channel] = np.exp(-min(density, OPAQUE)) * lamp[channel]
    return light


@njit(cache=True)
def camera(light, y0, x0, textures, shift):  # pragma: no cover
    """Turn light, `float32 [H, W, 3]`, into grey levels with the noise of a camera, `uint8`."""
    height, width = light.shape[:2]
    picture = np.empty((height, width, 3), np.uint8)
    for i in range(height):
        for j in range(width):
            y, x = y0 + i + shift, x0 + j + 3 * shift
            grey, colour = 1.6 * _at(textures[GRAIN], y, x, 3), 0.8 * _at(textures[FINE], y, x, 1)
            picture[i, j, 0] = np.uint8(_clip(light[i, j, 0] + grey + colour + 0.5, 0.0, 255.0))
            picture[i, j, 1] = np.uint8(_clip(light[i, j, 1] + grey - 0.5 * colour + 0.5, 0.0, 255.0))
            picture[i, j, 2] = np.uint8(_clip(light[i, j, 2] + grey + 0.7 * colour + 0.5, 0.0, 255.0))
    return picture
