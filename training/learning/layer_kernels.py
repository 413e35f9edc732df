"""What a norm and a pooling layer do to pictures, float32 and channels-last, compiled by numba.

A norm sees them as [B, P, C] with P pixels. Sums are added up in one order, however many threads there are.
"""

# The kernels are compiled, not called from typed code: their argument types are those of the docstrings.
# mypy: disable-error-code="no-untyped-def, no-any-return, untyped-decorator"

import numpy as np
from numba import njit, prange

# Pixels that are added up in single precision; beyond it is double.
BLOCK = 512


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract"})
def moments(x, y, of_x, of_y):  # pragma: no cover
    """Return two sums over the pixels of each picture: of x - of_x, and of that times y - of_y; float64 [2, B, C].

    of_x, of_y: [B, C].
    """
    batch, pixels, channels = x.shape
    blocks = -(-pixels // BLOCK)
    parts = np.zeros((2, batch * blocks, channels), np.float32)
    for part in prange(batch * blocks):
        number, block = divmod(np.int64(part), blocks)
        first, second, middle, other_middle = parts[0, part], parts[1, part], of_x[number], of_y[number]
        for pixel in range(block * BLOCK, min(pixels, (block + 1) * BLOCK)):
            one, other = x[number, pixel], y[number, pixel]
            for c in range(channels):
                value = one[c] - middle[c]
                first[c] += value
                second[c] += value * (other[c] - other_middle[c])
    sums = np.zeros((2, batch, channels), np.float64)
    for part in range(batch * blocks):
        sums[0, part // blocks] += parts[0, part]
        sums[1, part // blocks] += parts[1, part]
    return sums


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract"})
def scale(x, factor, offset, out):  # pragma: no cover
    """Write x * factor + offset to `out`; factor, offset: [B, C]."""
    batch, pixels, channels = x.shape
    for work in prange(batch * pixels):
        number, pixel = divmod(np.int64(work), pixels)
        one, to, by, plus = x[number, pixel], out[number, pixel], factor[number], offset[number]
        for c in range(channels):
            to[c] = one[c] * by[c] + plus[c]


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract"})
def blend(x, y, of_x, of_y, offset, out):  # pragma: no cover
    """Write x * of_x + y * of_y + offset to `out`; of_x, of_y, offset: [B, C]."""
    batch, pixels, channels = x.shape
    for work in prange(batch * pixels):
        number, pixel = divmod(np.int64(work), pixels)
        one, other, to = x[number, pixel], y[number, pixel], out[number, pixel]
        by, other_by, plus = of_x[number], of_y[number], offset[number]
        for c in range(channels):
            to[c] = one[c] * by[c] + other[c] * other_by[c] + plus[c]


@njit(cache=True, nogil=True, parallel=True)
def pool_rectified(x, out):  # pragma: no cover
    """Write the greatest of each 3 × 3 pixels of x [B, H, W, C], at every second one, or 0 where all are below."""
    batch, height, width, channels = x.shape
    for work in prange(batch * out.shape[1]):
        number, i = divmod(np.int64(work), out.shape[1])
        for j in range(out.shape[2]):
            to = out[number, i, j]
            to[:] = 0
            for y in range(max(2 * i - 1, 0), min(2 * i + 2, height)):
                for z in range(max(2 * j - 1, 0), min(2 * j + 2, width)):
                    seen = x[number, y, z]
                    for c in range(channels):
                        to[c] = max(to[c], seen[c])
