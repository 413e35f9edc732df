"""Winograd's transforms, compiled by numba: from pictures to planes that are multiplied, and back.

What a 3 × 3 convolution makes is cut into tiles of 4 × 4. In each direction the four results of a tile come from six
products, one in each of six planes, of sums of six pixels and sums of three weights, instead of from twelve: F(4, 3)
of Winograd 1980 and Lavin & Gray 2015. Squares are turned row by row, then column by column.

Pictures are float32 [B, H, W, C]; planes [36, T, C], for the T tiles in so many rows of tiles from row `first` of the
batch on. Sums are added up in one order, however many threads there are.
"""

# The kernels are compiled, not called from typed code: their argument types are those of the docstrings.
# mypy: disable-error-code="no-untyped-def, no-any-return, untyped-decorator"

import numpy as np
from numba import njit, prange

# Results of a tile in each direction, and the pixels that they are made of.
TILE, SEEN = 4, 6


@njit(cache=True, nogil=True, fastmath={"contract"})
def _see(x, at, step, out, to, stride):  # pragma: no cover
    """Turn six pixels, which are lines of x, to what six products take of them, lines of `out`."""
    for c in range(x.shape[1]):
        a, b, d = x[at, c], x[at + step, c], x[at + 2 * step, c]
        e, f, g = x[at + 3 * step, c], x[at + 4 * step, c], x[at + 5 * step, c]
        even, odd, half_even, half_odd = f - 4 * d, e - 4 * b, f - d, 2 * (e - b)
        out[to, c] = 4 * a - 5 * d + f
        out[to + stride, c] = even + odd
        out[to + 2 * stride, c] = even - odd
        out[to + 3 * stride, c] = half_even + half_odd
        out[to + 4 * stride, c] = half_even - half_odd
        out[to + 5 * stride, c] = 4 * b - 5 * e + g


@njit(cache=True, nogil=True, fastmath={"contract"})
def _unsee(x, at, step, out, to, stride):  # pragma: no cover
    """The adjoint of `_see`."""
    for c in range(x.shape[1]):
        p, q, r = x[at, c], x[at + step, c], x[at + 2 * step, c]
        s, t, u = x[at + 3 * step, c], x[at + 4 * step, c], x[at + 5 * step, c]
        both, apart, half_both, half_apart = q + r, q - r, s + t, 2 * (s - t)
        out[to, c] = 4 * p
        out[to + stride, c] = 4 * u - 4 * apart - half_apart
        out[to + 2 * stride, c] = -5 * p - 4 * both - half_both
        out[to + 3 * stride, c] = apart + half_apart - 5 * u
        out[to + 4 * stride, c] = p + both + half_both
        out[to + 5 * stride, c] = u


@njit(cache=True, nogil=True, fastmath={"contract"})
def _make(x, at, step, out, to, stride):  # pragma: no cover
    """Turn six products to four results."""
    for c in range(x.shape[1]):
        p, q, r = x[at, c], x[at + step, c], x[at + 2 * step, c]
        s, t, u = x[at + 3 * step, c], x[at + 4 * step, c], x[at + 5 * step, c]
        both, apart, half_both, half_apart = q + r, q - r, s + t, s - t
        out[to, c] = p + both + half_both
        out[to + stride, c] = apart + 2 * half_apart
        out[to + 2 * stride, c] = both + 4 * half_both
        out[to + 3 * stride, c] = apart + 8 * half_apart + u


@njit(cache=True, nogil=True, fastmath={"contract"})
def _unmake(x, at, step, out, to, stride):  # pragma: no cover
    """The adjoint of `_make`."""
    for c in range(x.shape[1]):
        a, b, d, e = x[at, c], x[at + step, c], x[at + 2 * step, c], x[at + 3 * step, c]
        even, odd, far_even, far_odd = a + d, b + e, a + 4 * d, 2 * b + 8 * e
        out[to, c] = a
        out[to + stride, c] = even + odd
        out[to + 2 * stride, c] = even - odd
        out[to + 3 * stride, c] = far_even + far_odd
        out[to + 4 * stride, c] = far_even - far_odd
        out[to + 5 * stride, c] = e


@njit(cache=True, nogil=True, parallel=True)
def pixels_to_planes(x, planes, first):  # pragma: no cover
    """Write what the products take of pictures x."""
    down, right = -(-x.shape[1] // TILE), -(-x.shape[2] // TILE)
    tiles, channels = planes.shape[1:]
    lines = planes.reshape(SEEN * SEEN * tiles, channels)
    pixels = x.reshape(x.shape[0] * x.shape[1] * x.shape[2], channels)
    for row in prange(tiles // right):
        number, i = divmod(np.int64(first + row), down)
        half = np.empty((SEEN * SEEN, channels), np.float32)
        edge = np.zeros((SEEN, channels), np.float32)
        for j in range(right):
            z = TILE * j - 1
            for v in range(SEEN):
                y = TILE * i - 1 + v
                at = (number * x.shape[1] + y) * x.shape[2] + z
                if y < 0 or y >= x.shape[1]:
                    half[SEEN * v : SEEN * v + SEEN] = 0
                elif z >= 0 and z + SEEN <= x.shape[2]:
                    _see(pixels, at, 1, half, SEEN * v, 1)
                else:
                    for u in range(SEEN):
                        if 0 <= z + u < x.shape[2]:
                            edge[u] = pixels[at + u]
                        else:
                            edge[u] = 0
                    _see(edge, 0, 1, half, SEEN * v, 1)
            for u in range(SEEN):
                _see(half, u, SEEN, lines, u * tiles + row * right + j, SEEN * tiles)


@njit(cache=True, nogil=True, parallel=True)
def planes_to_pixels(planes, x):  # pragma: no cover
    """The adjoint of `pixels_to_planes` for all rows: add to pictures x what the planes hold.

    Tiles overlap their neighbours only, so every second row of them can be added at once.
    """
    down, right = -(-x.shape[1] // TILE), -(-x.shape[2] // TILE)
    tiles, channels = planes.shape[1:]
    lines = planes.reshape(SEEN * SEEN * tiles, channels)
    rows = tiles // right
    for parity in range(2):
        for pair in prange((rows + 1 - parity) // 2):
            row = 2 * pair + parity
            number, i = divmod(np.int64(row), down)
            tile = np.empty((SEEN * SEEN, channels), np.float32)
            half = np.empty((SEEN * SEEN, channels), np.float32)
            for j in range(right):
                for u in range(SEEN):
                    _unsee(lines, u * tiles + row * right + j, SEEN * tiles, half, u, SEEN)
                for v in range(SEEN):
                    _unsee(half, SEEN * v, 1, tile, SEEN * v, 1)
                for v in range(SEEN):
                    y = TILE * i - 1 + v
                    for u in range(SEEN):
                        z = TILE * j - 1 + u
                        if 0 <= y < x.shape[1] and 0 <= z < x.shape[2]:
                            for c in range(channels):
                                x[number, y, z, c] += tile[SEEN * v + u, c]


@njit(cache=True, nogil=True, parallel=True)
def planes_to_results(planes, y, bias, others, rectify, first):  # pragma: no cover
    """Write pictures y made of products, with bias [C]; pictures `others` added, if any; nothing below 0, if so."""
    down, right = -(-y.shape[1] // TILE), -(-y.shape[2] // TILE)
    tiles, channels = planes.shape[1:]
    lines = planes.reshape(SEEN * SEEN * tiles, channels)
    least = np.float32(0 if rectify else -np.inf)
    for row in prange(tiles // right):
        number, i = divmod(np.int64(first + row), down)
        tile = np.empty((TILE * TILE, channels), np.float32)
        half = np.empty((TILE * SEEN, channels), np.float32)
        for j in range(right):
            for u in range(SEEN):
                _make(lines, u * tiles + row * right + j, SEEN * tiles, half, u, SEEN)
            for v in range(TILE):
                _make(half, SEEN * v, 1, tile, TILE * v, 1)
            for v in range(min(TILE, y.shape[1] - TILE * i)):
                for u in range(min(TILE, y.shape[2] - TILE * j)):
                    made, to = tile[TILE * v + u], y[number, TILE * i + v, TILE * j + u]
                    if len(others):
                        other = others[number, TILE * i + v, TILE * j + u]
                        for c in range(channels):
                            to[c] = max(made[c] + bias[c] + other[c], least)
                    else:
                        for c in range(channels):
                            to[c] = max(made[c] + bias[c], least)


@njit(cache=True, nogil=True, parallel=True)
def results_to_planes(y, planes):  # pragma: no cover
    """The adjoint of `planes_to_results`, for all rows and without its extras."""
    down, right = -(-y.shape[1] // TILE), -(-y.shape[2] // TILE)
    tiles, channels = planes.shape[1:]
    lines = planes.reshape(SEEN * SEEN * tiles, channels)
    for row in prange(tiles // right):
        number, i = divmod(np.int64(row), down)
        tile = np.empty((TILE * TILE, channels), np.float32)
        half = np.empty((TILE * SEEN, channels), np.float32)
        for j in range(right):
            for v in range(TILE):
                for u in range(TILE):
                    if TILE * i + v < y.shape[1] and TILE * j + u < y.shape[2]:
                        for c in range(channels):
                            tile[TILE * v + u, c] = y[number, TILE * i + v, TILE * j + u, c]
                    else:
                        for c in range(channels):
                            tile[TILE * v + u, c] = 0
            for v in range(TILE):
                _unmake(tile, TILE * v, 1, half, SEEN * v, 1)
            for u in range(SEEN):
                _unmake(half, u, SEEN, lines, u * tiles + row * right + j, SEEN * tiles)
