"""Basins of a height map: what climbs to one peak by steepest ascent. Compiled by numba, in integers.

Each pixel's way up is one of nine directions; turned round, they say which neighbours climb through a pixel, so that a
basin is gathered from its peak, pixel by pixel, with all of it in the processor's cache, and measured at once. Height
maps are framed: one pixel of zeros all round, and 0 is outside.
"""

# The kernels are compiled, not called from typed code: their argument types are those of the docstrings.
# mypy: disable-error-code="no-untyped-def, no-any-return, untyped-decorator"

import numpy as np
from numba import njit

# A place in a framed array: its row times ROW plus its flat index.
ROW, INDEX = 1 << 32, (1 << 32) - 1


@njit(cache=True, nogil=True)
def _directions(framed):  # pragma: no cover
    """Give where each pixel climbs: 1 to 9 in reading order of its 3 × 3, 5 for a peak, 0 outside.

    Of equals the first in reading order wins, so that the way does not depend on the window.
    """
    height, width = framed.shape
    out = np.zeros((height, width), np.uint8)
    for y in range(1, height - 1):
        above, own, below, row = framed[y - 1], framed[y], framed[y + 1], out[y]
        # Written without branches, for eight or sixteen pixels at a time.
        for x in range(width - 2):
            best = max(max(max(above[x], above[x + 1]), max(above[x + 2], own[x])), own[x + 1])
            best = max(best, max(max(own[x + 2], below[x]), max(below[x + 1], below[x + 2])))
            way = np.uint16(9)
            way = np.uint16(8) if below[x + 1] == best else way
            way = np.uint16(7) if below[x] == best else way
            way = np.uint16(6) if own[x + 2] == best else way
            way = np.uint16(5) if own[x + 1] == best else way
            way = np.uint16(4) if own[x] == best else way
            way = np.uint16(3) if above[x + 2] == best else way
            way = np.uint16(2) if above[x + 1] == best else way
            way = np.uint16(1) if above[x] == best else way
            row[x + 1] = np.uint8(way if own[x + 1] > 0 else np.uint16(0))
    return out


@njit(cache=True, nogil=True)
def _climbers(directions):  # pragma: no cover
    """Give, a bit per neighbour in reading order, which neighbours climb through each pixel: `uint8`."""
    height, width = directions.shape
    out = np.zeros((height, width), np.uint8)
    for y in range(1, height - 1):
        above, own, below, row = directions[y - 1], directions[y], directions[y + 1], out[y]
        for x in range(width - 2):
            bits = np.uint8(above[x] == 9) | (np.uint8(above[x + 1] == 8) << 1) | (np.uint8(above[x + 2] == 7) << 2)
            bits |= (np.uint8(own[x] == 6) << 3) | (np.uint8(own[x + 2] == 4) << 4)
            bits |= (np.uint8(below[x] == 3) << 5) | (np.uint8(below[x + 1] == 2) << 6)
            bits |= np.uint8(below[x + 2] == 1) << 7
            row[x + 1] = np.uint8(bits)
    return out


@njit(cache=True, nogil=True)
def _steps(stride):  # pragma: no cover
    """Tabulate, for each set of climbers, how many there are and the step to each: rows times 2³² plus flat index."""
    counts, steps = np.zeros(256, np.int64), np.zeros((256, 8), np.int64)
    for bits in range(256):
        for bit in range(8):
            if bits >> bit & 1:
                # Reading order of the 3 × 3, its middle left out.
                row, column = divmod(bit + (bit > 3), 3)
                steps[bits, counts[bits]] = (row - 1) * (ROW + stride) + column - 1
                counts[bits] += 1
    return counts, steps


@njit(cache=True, nogil=True)
def _gather(peak, climbers, stride, tables, basin):  # pragma: no cover
    """List the pixels of a peak's basin, each as its row times 2³² plus its flat index; gives how many."""
    counts, steps = tables
    basin[0] = peak // stride * ROW + peak
    done, found = 0, 1
    while done < found:
        place = basin[done]
        done += 1
        bits = climbers[place & INDEX]
        # Four at once, wanted or not, as a loop of unknown length costs more; the next ones overwrite the rest.
        for k in range(4):
            basin[found + k] = place + steps[bits, k]
        if counts[bits] > 4:
            for k in range(4, 8):
                basin[found + k] = place + steps[bits, k]
        found += counts[bits]
    return found


@njit(cache=True, nogil=True)
def _unframed(place, stride):  # pragma: no cover
    """Give the flat index of a framed place in an array without the frame."""
    return (place & INDEX) - stride + 1 - 2 * (place >> 32)


@njit(cache=True, nogil=True)
def fragments(framed, signal):  # pragma: no cover
    """Sum `signal` (`uint16 [H, W]`) and count pixels per basin of framed heights, in reading order of the peaks."""
    stride = framed.shape[1]
    directions = _directions(framed)
    climbers, ways = _climbers(directions).ravel(), directions.ravel()
    tables = _steps(stride)
    basin = np.empty(ways.size + 8, np.int64)
    values = signal.ravel()
    sums, areas = np.empty(ways.size // 4 + 1, np.int64), np.empty(ways.size // 4 + 1, np.int64)
    count = 0
    for peak in range(ways.size):
        if ways[peak] != 5:
            continue
        area = _gather(peak, climbers, stride, tables, basin)
        total = 0
        for k in range(area):
            total += values[_unframed(basin[k], stride)]
        sums[count], areas[count] = total, area
        count += 1
    return sums[:count], areas[:count]


@njit(cache=True, nogil=True)
def dark_fragments(framed, signal, least_mean, least_peak):  # pragma: no cover
    """Give the mask, framed, of basins whose mean `signal` and whose peak lie above two levels: `uint8`."""
    stride = framed.shape[1]
    directions = _directions(framed)
    climbers, ways, heights = _climbers(directions).ravel(), directions.ravel(), framed.ravel()
    tables = _steps(stride)
    basin = np.empty(ways.size + 8, np.int64)
    values = signal.ravel()
    mask = np.zeros(framed.shape, np.uint8)
    flat = mask.ravel()
    for peak in range(ways.size):
        if ways[peak] != 5 or heights[peak] <= least_peak:
            continue
        area = _gather(peak, climbers, stride, tables, basin)
        total = 0
        for k in range(area):
            total += values[_unframed(basin[k], stride)]
        if total > least_mean * area:
            for k in range(area):
                flat[basin[k] & INDEX] = 1
    return mask


@njit(cache=True, nogil=True)
def parts(framed, signal, picture, dab_table):  # pragma: no cover
    """Label the basins of framed heights, 1 … in reading order of their peaks, and measure them.

    Gives framed labels `int32`, the height of each peak, and per label the sums of pixels, y, x, signal and DAB
    (`int64 [labels + 1, 5]`; row 0 is the outside, and empty).
    """
    stride = framed.shape[1]
    directions = _directions(framed)
    climbers, ways, heights = _climbers(directions).ravel(), directions.ravel(), framed.ravel()
    tables = _steps(stride)
    basin = np.empty(ways.size + 8, np.int64)
    values, pixels = signal.ravel(), picture.reshape(-1, 3)
    labels = np.zeros(framed.shape, np.int32)
    flat = labels.ravel()
    tops, sums = np.zeros(ways.size // 4 + 2, np.int32), np.empty((ways.size // 4 + 2, 5), np.int64)
    sums[0] = 0
    count = 0
    for peak in range(ways.size):
        if ways[peak] != 5:
            continue
        count += 1
        tops[count] = heights[peak]
        area = _gather(peak, climbers, stride, tables, basin)
        sum_y, sum_x, total, dab = 0, 0, 0, 0
        for k in range(area):
            row, framed_index, i = basin[k] >> 32, basin[k] & INDEX, _unframed(basin[k], stride)
            flat[framed_index] = count
            sum_y += row - 1
            sum_x += framed_index - row * stride - 1
            total += values[i]
            dab += dab_table[pixels[i, 0], 0] + dab_table[pixels[i, 1], 1] + dab_table[pixels[i, 2], 2]
        sums[count, 0], sums[count, 1], sums[count, 2], sums[count, 3], sums[count, 4] = area, sum_y, sum_x, total, dab
    return labels, tops[: count + 1], sums[: count + 1]
