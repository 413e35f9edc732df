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
        for x in range(1, width - 1):
            around = np.int32(smooth[y - 1, x]) + smooth[y + 1, x] + smooth[y, x - 1] + smooth[y, x + 1]
            value = 4 * np.int32(smooth[y, x]) - around
            if value > 0:
                framed[y + 1, x + 1] = min(value, 65535)
    return framed


@njit(cache=True, nogil=True)
def _higher(heights, j, best, at):  # pragma: no cover
    if heights[j] > best:
        return heights[j], j
    return best, at


@njit(cache=True, nogil=True)
def basins(framed):  # pragma: no cover
    """Label every pixel with the peak that steepest ascent leads to; of equal neighbours the earlier one wins.

    Framed `uint16` → labels `int32` of the same shape (1 …, 0 outside), and the flat index of each label's peak.
    """
    stride = framed.shape[1]
    heights = framed.ravel()
    size = heights.size
    uphill = np.zeros(size, np.int32)
    labels = np.zeros(size, np.int32)
    peaks = np.zeros(size // 4 + 2, np.int32)
    count = 0
    for i in range(stride + 1, size - stride - 1):
        own = heights[i]
        if own == 0:
            continue
        # The earlier neighbours, the pixel itself, the later neighbours: the order decides between equals.
        best, at = heights[i - stride - 1], i - stride - 1
        best, at = _higher(heights, i - stride, best, at)
        best, at = _higher(heights, i - stride + 1, best, at)
        best, at = _higher(heights, i - 1, best, at)
        best, at = _higher(heights, i, best, at)
        best, at = _higher(heights, i + 1, best, at)
        best, at = _higher(heights, i + stride - 1, best, at)
        best, at = _higher(heights, i + stride, best, at)
        best, at = _higher(heights, i + stride + 1, best, at)
        uphill[i] = at
        if at == i:
            count += 1
            peaks[count] = i
            labels[i] = count
    for i in range(stride + 1, size - stride - 1):
        if uphill[i] == 0 or labels[i] != 0:
            continue
        j = i
        while labels[j] == 0:
            j = uphill[j]
        label = labels[j]
        j = i
        while labels[j] == 0:
            labels[j] = label
            j = uphill[j]
    return labels.reshape(framed.shape), peaks[: count + 1]


@njit(cache=True, nogil=True)
def sums_by_label(labels, count, signal):  # pragma: no cover
    """Sum `signal` (`uint16 [H, W]`) and count pixels per label of framed `labels`; entry 0 is the outside."""
    height, width = signal.shape
    sums = np.zeros(count + 1, np.int64)
    areas = np.zeros(count + 1, np.int64)
    for y in range(height):
        for x in range(width):
            label = labels[y + 1, x + 1]
            sums[label] += signal[y, x]
            areas[label] += 1
    return sums, areas


@njit(cache=True, nogil=True)
def mask_of(labels, kept):  # pragma: no cover
    """Give the mask `uint8 [H, W]` of the framed labels for which `kept` is 1."""
    height, width = labels.shape[0] - 2, labels.shape[1] - 2
    mask = np.empty((height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            mask[y, x] = kept[labels[y + 1, x + 1]]
    return mask


@njit(cache=True, nogil=True)
def fill_holes(mask, holes, count, largest):  # pragma: no cover
    """Fill, in place, holes (labels of the complement, 0 is the mask) of at most `largest` pixels off the edge."""
    height, width = mask.shape
    areas = np.zeros(count, np.int64)
    for y in range(height):
        edge_row = y == 0 or y == height - 1
        for x in range(width):
            # Whether a hole that the window cuts is small cannot be known.
            areas[holes[y, x]] += largest + 1 if edge_row or x == 0 or x == width - 1 else 1
    areas[0] = largest + 1
    for y in range(height):
        for x in range(width):
            if areas[holes[y, x]] <= largest:
                mask[y, x] = 1


@njit(cache=True, nogil=True)
def frame_within(values, mask):  # pragma: no cover
    """Frame `values` (`uint16 [H, W]`), at least 1 inside the mask and 0 outside."""
    height, width = mask.shape
    framed = np.zeros((height + 2, width + 2), np.uint16)
    for y in range(height):
        for x in range(width):
            if mask[y, x]:
                framed[y + 1, x + 1] = max(values[y, x], 1)
    return framed


@njit(cache=True, nogil=True)
def passes(labels, framed):  # pragma: no cover
    """List where neighbouring labels touch: the two labels and the lower of the two heights."""
    stride = labels.shape[1]
    label_of, height_of = labels.ravel(), framed.ravel()
    size = label_of.size
    steps = (1, stride - 1, stride, stride + 1)
    count = 0
    for i in range(stride + 1, size - stride - 1):
        if label_of[i]:
            for step in steps:
                if label_of[i + step] != 0 and label_of[i + step] != label_of[i]:
                    count += 1
    first, second = np.empty(count, np.int32), np.empty(count, np.int32)
    saddle = np.empty(count, np.uint16)
    k = 0
    for i in range(stride + 1, size - stride - 1):
        if label_of[i]:
            for step in steps:
                j = i + step
                if label_of[j] != 0 and label_of[j] != label_of[i]:
                    first[k], second[k] = label_of[i], label_of[j]
                    saddle[k] = min(height_of[i], height_of[j])
                    k += 1
    return first, second, saddle


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
def measure(labels, survivors, signal, picture, dab_table):  # pragma: no cover
    """Sum per surviving label: pixels, y, x, signal and DAB → `int64 [labels + 1, 5]`."""
    height, width = signal.shape
    sums = np.zeros((survivors.size, 5), np.int64)
    for y in range(height):
        for x in range(width):
            label = labels[y + 1, x + 1]
            if label == 0:
                continue
            row = sums[survivors[label]]
            row[0] += 1
            row[1] += y
            row[2] += x
            row[3] += signal[y, x]
            row[4] += dab_table[picture[y, x, 0], 0] + dab_table[picture[y, x, 1], 1] + dab_table[picture[y, x, 2], 2]
    return sums
