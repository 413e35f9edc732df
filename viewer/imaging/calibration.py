"""Set white point and thresholds from a slide's own tissue, once; then freeze them for every slide compared with it.

The strength of the counterstain varies between slides, and a fixed threshold on faint negative nuclei decides the
ratio. So the detection threshold is a fixed point: a share of the 40th percentile of the contrasts above it, that is
about half the contrast of a weak negative nucleus. Positive nuclei sit in the upper percentiles and do not move it.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .errors import UnsupportedSlide
from .foreground import tissue_mask
from .nuclei import DENSITY_UNIT, find_nuclei, fragment_contrasts
from .parameters import DAB_THRESHOLD, CountParameters
from .reader import Picture, SlideReader

TILE_PX = 512
LEAST_FRAGMENTS = 2000
# Tiles held at once for the white point, and the most that are read in all.
FIRST_TILES = 48
MOST_TILES = 200
TISSUE_SHARE = 0.3
LEAST_SIDE_PX = 64
WHITE_PERCENTILE = 99

SHARE_OF_WEAK = 0.55
WEAK_PERCENTILE = 40
THRESHOLD_RANGE = (0.03, 0.12)
START = 0.02
DAB_RANGE = (0.1, 0.3)
COARSEST_MPP = 1.5

# x, y, width, height in working pixels.
Place = tuple[int, int, int, int]


def working_factor(mpp: float, working_mpp: float) -> int:
    """Give how many level-0 pixels make one working pixel: the power of two that comes nearest to `working_mpp`.

    Raises:
        UnsupportedSlide: too coarse to see nuclei.
    """
    if mpp > COARSEST_MPP:
        raise UnsupportedSlide(
            f"The slide has {mpp:g} µm per pixel; at most {COARSEST_MPP:g} are needed to see nuclei. "
            "Scan or export it at a higher magnification, or correct the mpp."
        )
    return int(max(1, 2 ** round(np.log2(working_mpp / mpp))))


def calibrate(reader: SlideReader, mpp: float, base: CountParameters | None = None) -> CountParameters:
    """Calibrate white point, detection threshold and DAB threshold on tiles spread over a slide's tissue.

    The positive/negative cut stays the fixed one; the calibrated one is noted beside it. With too few fragments, or
    with a threshold at the end of its range, `warnings` says so.
    """
    base = base or CountParameters()
    factor = working_factor(mpp, base.working_mpp)
    working = mpp * factor
    tiles = _tissue_tiles(reader, factor)
    first = [tile for tile, _ in zip(tiles, range(FIRST_TILES), strict=False)]
    if not first:
        return replace(base, calibrated_on=_name(reader), warnings=("No tissue was found: nothing was calibrated.",))
    parameters = replace(base, white_point=white_point(first))
    contrasts = [fragment_contrasts(tile, parameters, working) for tile in first]
    for tile in tiles:
        if sum(map(len, contrasts)) >= LEAST_FRAGMENTS or len(contrasts) >= MOST_TILES:
            break
        contrasts.append(fragment_contrasts(tile, parameters, working))
    pooled = np.concatenate(contrasts)
    threshold, warnings = detection_threshold(pooled)
    parameters = replace(parameters, detection_threshold=threshold, fragments=len(pooled), calibrated_on=_name(reader))
    dab = np.concatenate([find_nuclei(tile, parameters, working).dab for tile in first])
    return replace(parameters, dab_threshold_calibrated=dab_threshold(dab), warnings=tuple(warnings))


def _name(reader: SlideReader) -> str:
    return f"{reader.format} slide of {reader.width_l0} × {reader.height_l0} px"


def _tissue_tiles(reader: SlideReader, factor: int) -> Iterator[Picture]:
    """Read tiles that hold tissue, in a fixed shuffled order, at the working resolution; sparse ones come last."""
    mask = tissue_mask(reader)
    width, height = reader.width_l0 // factor, reader.height_l0 // factor
    full: list[Place] = []
    sparse: list[Place] = []
    for y in range(0, height, TILE_PX):
        for x in range(0, width, TILE_PX):
            place = x, y, min(TILE_PX, width - x), min(TILE_PX, height - y)
            share = mask.share(*(factor * value for value in place))
            if min(place[2:]) >= LEAST_SIDE_PX and share > 0:
                (full if share >= TISSUE_SHARE else sparse).append(place)
    rng = np.random.default_rng(0)
    for places in (full, sparse):
        for i in rng.permutation(len(places)):
            x, y, tile_width, tile_height = places[i]
            yield reader.read_scaled(
                x * factor, y * factor, tile_width * factor, tile_height * factor, tile_width, tile_height
            )


def white_point(tiles: list[Picture]) -> tuple[float, float, float]:
    """Take the 99th percentile of each channel as unstained glass."""
    pixels = np.concatenate([tile.reshape(-1, 3)[::7] for tile in tiles])
    red, green, blue = np.percentile(pixels, WHITE_PERCENTILE, axis=0)
    return float(red), float(green), float(blue)


def detection_threshold(contrasts: NDArray[np.float64]) -> tuple[float, list[str]]:
    """Find the fixed point from below, clamped; also say what to be careful about."""
    warnings = []
    if len(contrasts) < LEAST_FRAGMENTS:
        warnings.append(
            f"The calibration rests on {len(contrasts)} fragments; at least {LEAST_FRAGMENTS} are wanted. "
            "Calibrate on a larger part of the slide."
        )
    low, high = THRESHOLD_RANGE
    threshold = START
    for _ in range(30):
        above = contrasts[contrasts > threshold]
        if len(above) < 30:
            break
        following = float(np.clip(SHARE_OF_WEAK * np.percentile(above, WEAK_PERCENTILE), START, high))
        settled = abs(following - threshold) < 1e-4
        threshold = following
        if settled:
            break
    clamped = float(np.clip(threshold, low, high))
    if clamped != threshold or clamped in (low, high):
        warnings.append(
            f"The detection threshold was held at {clamped:g}, the end of its range ({low:g} to {high:g}): "
            "the counterstain is unusually weak or strong. Look at the cells before trusting the ratio."
        )
    # Whole units keep the comparison in find_nuclei exact.
    return round(clamped * DENSITY_UNIT) / DENSITY_UNIT, warnings


def dab_threshold(dab: NDArray[np.float64]) -> float:
    """Cut half-way between the negatives' median DAB and Otsu's threshold, a little above, between 0.1 and 0.3."""
    if len(dab) < 30:
        return DAB_THRESHOLD
    otsu = float(np.clip(_otsu(dab), 0.1, 0.5))
    return float(np.clip((np.median(dab) + otsu) / 2 + 0.02, *DAB_RANGE))


def _otsu(values: NDArray[np.float64], bins: int = 128) -> float:
    counts, edges = np.histogram(values, bins, (-0.1, 0.8))
    centres = (edges[1:] + edges[:-1]) / 2
    below, moment = np.cumsum(counts), np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * below / below[-1] - moment) ** 2 / (below * (below[-1] - below))
    return float(centres[np.nanargmax(np.where(np.isfinite(between), between, -1))])
