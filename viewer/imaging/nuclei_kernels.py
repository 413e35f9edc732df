"""The pixel loops of nucleus detection, compiled by numba; linear in the number of pixels, integers throughout.

They hold no Python lock, so threads count side by side. Integers make the result of a pixel independent of the window
it was computed in. Arrays called `framed` carry one pixel of zeros all round, so that the loops need no bounds checks;
0 means outside the mask.
"""

# The kernels are compiled, not called from typed code: their argument types are those of the docstrings.
# mypy: disable-error-code="no-untyped-def, no-any-return, untyped-decorator"

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def weigh(picture, table):  # pragma: no cover
    """Sum a table value per channel: `uint8 [H, W, 3]`, `uint16 [256, 3]` → `uint16 [H, W]`."""
    height, width = picture.shape[:2]
    out = np.empty((height, width), np.uint16)
    for y in range(height):
        for x in range(width):
            out[y, x] = table[picture[y, x, 0], 0] + table[picture[y, x, 1], 1] + table[picture[y, x, 2], 2]
    return out


@njit(cache=True, nogil=True)
def convexity(smooth):  # pragma: no cover
    """Give the positive part of minus the Laplacian: `uint16 [H, W]` → framed `uint16 [H + 2, W + 2]`."""
    height, width = smooth.shape
    framed = np.zeros((height + 2, width + 2), np.uint16)
    for y in range(1, height - 1):
        above, own, below, out = smooth[y - 1], smooth[y], smooth[y + 1], framed[y + 1]
        for x in range(width - 2):
            around = np.int32(above[x + 1]) + np.int32(below[x + 1]) + np.int32(own[x]) + np.int32(own[x + 2])
            value = 4 * np.int32(own[x + 1]) - around
            out[x + 2] = np.uint16(min(max(value, np.int32(0)), np.int32(65535)))
    return framed


@njit(cache=True, nogil=True)
def fill_holes(mask, holes, count, largest):  # pragma: no cover
    """Fill, in place, holes (labels of the complement, 0 is the mask) of at most `largest` pixels off the edge."""
    height, width = mask.shape
    areas = np.zeros(count, np.int64)
    for y in range(height):
        # Whether a hole that the window cuts is small cannot be known.
        weight = largest + 1 if y == 0 or y == height - 1 else 1
        areas[holes[y, 0]] += largest + 1
        areas[holes[y, width - 1]] += largest + 1
        hole, run = holes[y, 0], 0
        for x in range(width):
            # A run at a time: neighbours mostly lie in one hole.
            if holes[y, x] != hole:
                areas[hole] += run * weight
                hole, run = holes[y, x], 0
            run += 1
        areas[hole] += run * weight
    small = (areas <= largest).astype(np.uint8)
    small[0] = 0
    for y in range(height):
        for x in range(width):
            mask[y, x] |= small[holes[y, x]]


@njit(cache=True, nogil=True)
def in_units(distance, unit):  # pragma: no cover
    """Give distances (`float32 [H, W]`) as whole numbers of 1/`unit` pixel, `uint16`."""
    height, width = distance.shape
    out = np.empty((height, width), np.uint16)
    for y in range(height):
        for x in range(width):
            out[y, x] = np.uint16(min(distance[y, x] * np.float32(unit), np.float32(65535)))
    return out


@njit(cache=True, nogil=True)
def frame_within(values, mask):  # pragma: no cover
    """Frame `values` (`uint16 [H, W]`), at least 1 inside the mask and 0 outside."""
    height, width = mask.shape
    framed = np.zeros((height + 2, width + 2), np.uint16)
    for y in range(height):
        row, inside, out = values[y], mask[y], framed[y + 1]
        for x in range(width):
            out[x + 1] = max(row[x], np.uint16(1)) * np.uint16(inside[x])
    return framed


@njit(cache=True, nogil=True)
def passes(labels, framed, most):  # pragma: no cover
    """List where neighbouring labels touch, at most `most`: the two labels and the lower of the two heights."""
    stride = labels.shape[1]
    label_of, height_of = labels.ravel(), framed.ravel()
    # Pages that nothing is written to take no memory.
    first, second = np.empty(most, np.int32), np.empty(most, np.int32)
    saddle = np.empty(most, np.uint16)
    count = 0
    for i in range(stride + 1, label_of.size - stride - 1):
        label = label_of[i]
        if label == 0:
            continue
        for j in (i + 1, i + stride - 1, i + stride, i + stride + 1):
            other = label_of[j]
            if other != label and other != 0:
                first[count], second[count] = label, other
                saddle[count] = min(height_of[i], height_of[j])
                count += 1
    return first[:count], second[:count], saddle[:count]


@njit(cache=True, nogil=True)
def _root(parents, i):  # pragma: no cover
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


@njit(cache=True, nogil=True)
def join_shallow(first, second, saddle, order, tops, depth):  # pragma: no cover
    """Join labels whose lower peak rises less than `depth` above the pass between them, highest passes first.

    Gives the surviving label of each label.
    """
    parents = np.arange(tops.size).astype(np.int32)
    for k in order:
        a, b = _root(parents, first[k]), _root(parents, second[k])
        if a == b or min(tops[a], tops[b]) - np.int32(saddle[k]) >= depth:
            continue
        if tops[a] < tops[b] or (tops[a] == tops[b] and b < a):
            a, b = b, a
        parents[b] = a
    for i in range(parents.size):
        parents[i] = _root(parents, i)
    return parents


@njit(cache=True, nogil=True)
def add_up(sums, survivors):  # pragma: no cover
    """Add the sums of joined labels to their survivor's, in place; those of the others become 0."""
    for label in range(survivors.size):
        survivor = survivors[label]
        if survivor != label:
            for column in range(sums.shape[1]):
                sums[survivor, column] += sums[label, column]
                sums[label, column] = 0
