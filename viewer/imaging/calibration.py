"""Set white point and thresholds from a slide's own tissue, once; then freeze them for every slide compared with it.

The strength of the counterstain varies between slides, and a fixed threshold on faint negative nuclei decides the
ratio. So the level of a weak negative nucleus is sought first, as a fixed point: the 40th percentile of the contrasts
above a share of itself, approached from above, where noise cannot hold it; positive nuclei sit in the upper percentiles
and do not move it. The threshold is the emptiest place between noise and nuclei, a little below that level.
DAB is cut in the same manner, at half the density of a weak positive nucleus.
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

THRESHOLD_RANGE = (0.03, 0.12)
# The level of a weak nucleus: this percentile of the contrasts above this share of it; the search begins at `START`.
WEAK_PERCENTILE = 40
SHARE_OF_WEAK = 0.55
START = 0.1
# The threshold lies between these shares of it, where a density of that log-width has its minimum.
VALLEY = (0.45, 0.8)
VALLEY_WIDTH = 0.12
FEWEST_ABOVE = 30

DAB_RANGE = (0.1, 0.2)
WEAK_POSITIVE_PERCENTILE = 25
SHARE_OF_WEAK_POSITIVE = 0.5
# The cut stays so many standard deviations above the negatives, and is the default with fewer positives than that.
NEGATIVE_DEVIATIONS = 6
FEWEST_POSITIVES = 8
MAD_TO_DEVIATION = 1.4826

SETTLED = 1e-4
MOST_STEPS = 50
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

    With too few fragments, or with a threshold at the end of its range, `warnings` says so.
    """
    base = base or CountParameters()
    factor = working_factor(mpp, base.working_mpp)
    working = mpp * factor
    tiles = tissue_tiles(reader, factor)
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
    cut, dab_warnings = dab_threshold(dab)
    warnings += dab_warnings
    return replace(parameters, dab_threshold=cut, dab_threshold_calibrated=cut, warnings=tuple(warnings))


def _name(reader: SlideReader) -> str:
    return f"{reader.format} slide of {reader.width_l0} × {reader.height_l0} px"


def tissue_tiles(reader: SlideReader, factor: int) -> Iterator[Picture]:
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
    """Find the emptiest place between noise and weak nuclei, clamped; also say what to be careful about."""
    warnings = []
    if len(contrasts) < LEAST_FRAGMENTS:
        warnings.append(
            f"The calibration rests on {len(contrasts)} fragments; at least {LEAST_FRAGMENTS} are wanted. "
            "Calibrate on a larger part of the slide."
        )
    low, high = THRESHOLD_RANGE
    weak = _weak_level(contrasts)
    threshold = START if weak is None else _valley(contrasts, VALLEY[0] * weak, VALLEY[1] * weak)
    clamped = float(np.clip(threshold, low, high))
    if clamped != threshold or clamped in (low, high):
        warnings.append(
            f"The detection threshold was held at {clamped:g}, the end of its range ({low:g} to {high:g}): "
            "the counterstain is unusually weak or strong. Look at the cells before trusting the ratio."
        )
    # Whole units keep the comparison in find_nuclei exact.
    return round(clamped * DENSITY_UNIT) / DENSITY_UNIT, warnings


def _weak_level(contrasts: NDArray[np.float64]) -> float | None:
    """Find the contrast of a weak nucleus, from above; None where hardly anything is stained."""
    threshold = START
    for _ in range(MOST_STEPS):
        above = contrasts[contrasts > threshold]
        if len(above) < FEWEST_ABOVE:
            # A pale slide: begin further down.
            threshold *= 0.8
            continue
        following = SHARE_OF_WEAK * float(np.percentile(above, WEAK_PERCENTILE))
        if abs(following - threshold) < SETTLED:
            return following / SHARE_OF_WEAK
        threshold = following
    return threshold / SHARE_OF_WEAK if len(contrasts) >= FEWEST_ABOVE else None


def _valley(contrasts: NDArray[np.float64], low: float, high: float) -> float:
    """Find where the density of log contrasts is least between two contrasts."""
    places = np.linspace(np.log(low), np.log(high), 64)
    logs = np.log(contrasts[contrasts > 0])
    edges = np.linspace(np.log(low) - 4 * VALLEY_WIDTH, np.log(high) + 4 * VALLEY_WIDTH, 512)
    counts = np.histogram(logs, edges)[0]
    middles = (edges[1:] + edges[:-1]) / 2
    density = np.exp(-0.5 * ((places[:, None] - middles) / VALLEY_WIDTH) ** 2) @ counts
    return float(np.exp(places[int(density.argmin())]))


def dab_threshold(dab: NDArray[np.float64]) -> tuple[float, list[str]]:
    """Cut at half the density of a weak positive nucleus, well above the negatives, at most at the fixed default.

    With hardly any positive nucleus to go by it is the default. Also says what to be careful about.
    """
    lowest, highest = DAB_RANGE
    negative = dab[dab < lowest]
    if len(negative):
        middle = float(np.median(negative))
        deviation = MAD_TO_DEVIATION * float(np.median(np.abs(negative - middle)))
        lowest = float(np.clip(middle + NEGATIVE_DEVIATIONS * deviation, *DAB_RANGE))
    cut = lowest
    for _ in range(MOST_STEPS):
        above = dab[dab > cut]
        if len(above) < FEWEST_POSITIVES:
            return DAB_THRESHOLD, []
        following = SHARE_OF_WEAK_POSITIVE * float(np.percentile(above, WEAK_POSITIVE_PERCENTILE))
        following = float(np.clip(following, lowest, highest))
        settled = abs(following - cut) < SETTLED
        cut = following
        if settled:
            break
    if cut > DAB_RANGE[0]:
        return cut, []
    return cut, [
        f"The DAB threshold was held at {cut:g}, the lower end of its range: the brown is unusually weak. "
        "Look at the cells before trusting the ratio."
    ]
