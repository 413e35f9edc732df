"""Count positive and negative nuclei of an H-DAB slide, tile by tile, in bounded memory.

A tile owns the cells whose centre it holds and is read with a halo, so the result is the same for any tiling.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calibration import calibrate, working_factor
from .errors import RegionOutsideSlide
from .nuclei import ALIGN_PX, HALO_UM, find_nuclei
from .nucleus_model import NucleusModel
from .parameters import DAB_THRESHOLD, SENSITIVITY_THRESHOLDS, CountParameters
from .proportions import ratio_of, wilson_interval
from .reader import Picture, SlideReader
from .stain_check import StainLook

__all__ = ["CellCount", "CountParameters", "NucleusModel", "calibrate", "count_slide", "ratio_of", "wilson_interval"]

# Holds one large patch of 2,240 px. Many threads take smaller tiles, so that all of them stay below 1 GB.
TILE_PX = 2304
FEW_THREADS = 2
# How much coarser or finer than a model was made for its pixels may be without a warning.
MODEL_SCALE = (0.8, 1.25)

# x, y, width, height in level-0 pixels.
Region = tuple[int, int, int, int]
# left, top, right, bottom in working pixels.
Place = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class CellCount:
    """The cells of a slide or region, one row each, sorted by y, then x (level-0 pixels, whole at pixel centres)."""

    mpp: float
    region: Region
    parameters: dict[str, Any]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    area_um2: NDArray[np.float64]
    dab: NDArray[np.float64]
    is_positive: NDArray[np.bool_]
    warnings: tuple[str, ...] = field(default=())
    is_whole: bool = False
    """Whether the whole slide was counted, and not a region of it."""
    stain: StainLook | None = None
    """How the slide looked, where somebody asked."""

    def beside(self, stain: StainLook | None) -> "CellCount":
        """Keep how the slide looked with its count, and warn of a wrong stain."""
        return replace(self, stain=stain, warnings=(*(stain.warnings if stain else ()), *self.warnings))

    @property
    def total(self) -> int:
        """Number of cells."""
        return len(self.x)

    @property
    def positive(self) -> int:
        """Number of positive cells."""
        return int(self.is_positive.sum())

    @property
    def negative(self) -> int:
        """Number of negative cells."""
        return self.total - self.positive

    @property
    def ratio(self) -> float | None:
        """Positive among all cells, 0 to 1; None without cells."""
        return ratio_of(self.positive, self.total)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of the ratio; None without cells. It speaks of chance among cells only."""
        return wilson_interval(self.positive, self.total)

    @property
    def sensitivity(self) -> list[dict[str, float | int | None]]:
        """The ratio at three fixed DAB thresholds: how much the cut decides."""
        return [self._at(threshold) for threshold in SENSITIVITY_THRESHOLDS]

    @property
    def calibrated(self) -> dict[str, float | int | None] | None:
        """The ratio at the slide's calibrated DAB threshold; None when it was not calibrated."""
        threshold = self.parameters["dab_threshold_calibrated"]
        return None if threshold is None else self._at(threshold)

    @property
    def fixed(self) -> dict[str, float | int | None]:
        """The ratio at the fixed DAB threshold, whatever the slide."""
        return self._at(DAB_THRESHOLD)

    def _at(self, threshold: float) -> dict[str, float | int | None]:
        positive = int((self.dab > threshold).sum())
        return {"dab_threshold": threshold, "positive": positive, "ratio": ratio_of(positive, self.total)}


def count_slide(
    reader: SlideReader,
    mpp: float,
    parameters: CountParameters | None = None,
    region: Region | None = None,
    on_progress: Callable[[float], None] | None = None,
    *,
    tile_px: int | None = None,
    threads: int = 1,
    model: NucleusModel | None = None,
) -> CellCount:
    """Count the nuclei of a slide, or of a region (x, y, width, height in level-0 pixels).

    Args:
        reader: the open slide.
        mpp: µm per level-0 pixel.
        parameters: as calibrated on the real slide of the pair; without them the slide is calibrated on itself.
        region: cells count whose centre lies within.
        on_progress: called with the share done (0 to 1) after each tile.
        tile_px: side of a tile in working pixels, `TILE_PX` or half of it by itself; does not change the result.
        threads: how many tiles are counted side by side; does not change the result.
        model: finds the nuclei, instead of their optical density.

    Raises:
        RegionOutsideSlide: the region is empty or does not lie wholly on the slide.
        UnsupportedSlide: too coarse to see nuclei.
    """
    region = _checked(region, reader)
    if parameters is None:
        parameters = calibrate(reader, mpp)
    parameters = parameters.with_model(model.card if model else None)
    factor = working_factor(mpp, parameters.working_mpp)
    side = tile_px or (TILE_PX if threads <= FEW_THREADS else TILE_PX // 2)
    tiles = list(_tiles(region, factor, max(ALIGN_PX, side // ALIGN_PX * ALIGN_PX)))
    found = []
    for cells in _in_order(lambda tile: _count_tile(reader, mpp, factor, parameters, model, tile), tiles, threads):
        found.append(cells)
        if on_progress is not None:
            on_progress(len(found) / len(tiles))
    x, y, area_um2, dab, is_positive = np.concatenate(found, axis=1)
    x0, y0, width, height = region
    inside = (x >= x0 - 0.5) & (x < x0 + width - 0.5) & (y >= y0 - 0.5) & (y < y0 + height - 0.5)
    order = np.flatnonzero(inside)
    order = order[np.lexsort((x[order], y[order]))]
    return CellCount(
        mpp=mpp,
        region=region,
        parameters=parameters.as_dict(),
        x=x[order],
        y=y[order],
        area_um2=area_um2[order],
        dab=dab[order],
        is_positive=is_positive[order] > 0,
        is_whole=region == (0, 0, reader.width_l0, reader.height_l0),
        warnings=(*parameters.warnings, *_model_warnings(model, mpp * factor)),
    )


def _model_warnings(model: NucleusModel | None, working_mpp: float) -> list[str]:
    low, high = MODEL_SCALE
    if model is None or low <= working_mpp / model.card.mpp <= high:
        return []
    return [
        f"The model {model.card.name} was made for {model.card.mpp:g} µm per pixel and saw {working_mpp:.3g}: "
        "its nuclei may be wrong."
    ]


def _in_order(
    count: Callable[[Place], NDArray[np.float64]], tiles: list[Place], threads: int
) -> Iterator[NDArray[np.float64]]:
    """Count tiles, several at a time where asked, and give their cells in the tiles' order."""
    if threads <= 1:
        yield from map(count, tiles)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(count, tiles)
    finally:
        # Whoever stops a count, by an error or from its progress, need not wait for tiles that nobody wants.
        pool.shutdown(cancel_futures=True)


def _checked(region: Region | None, reader: SlideReader) -> Region:
    if region is None:
        return 0, 0, reader.width_l0, reader.height_l0
    x, y, width, height = region
    if width < 1 or height < 1 or x < 0 or y < 0 or x + width > reader.width_l0 or y + height > reader.height_l0:
        raise RegionOutsideSlide(
            f"The region {width} × {height} at ({x}, {y}) does not lie on the slide of {reader.width_l0} × "
            f"{reader.height_l0} pixels. Give x, y, width and height in level-0 pixels."
        )
    return region


def _tiles(region: Region, factor: int, tile_px: int) -> Iterator[Place]:
    """Cut a region into tiles of working pixels: left, top, right, bottom; origins are multiples of `ALIGN_PX`."""
    x, y, width, height = region
    left, top = (start // factor // ALIGN_PX * ALIGN_PX for start in (x, y))
    right, bottom = -(-(x + width) // factor), -(-(y + height) // factor)
    tile_width, tile_height = _even_share(right - left, tile_px), _even_share(bottom - top, tile_px)
    for row in range(top, bottom, tile_height):
        for column in range(left, right, tile_width):
            yield column, row, min(column + tile_width, right), min(row + tile_height, bottom)


def _even_share(length: int, tile_px: int) -> int:
    """Divide a length evenly into as few tiles as fit: a sliver would cost its whole halo."""
    count = -(-length // tile_px)
    return -(-length // count // ALIGN_PX) * ALIGN_PX


def _count_tile(
    reader: SlideReader, mpp: float, factor: int, parameters: CountParameters, model: NucleusModel | None, tile: Place
) -> NDArray[np.float64]:
    """Find the cells whose centre lies in a tile: x, y (level-0 pixels), area (µm²), DAB and positive, `[5, n]`."""
    left, top, right, bottom = tile
    working = mpp * factor
    halo = -(-int(np.ceil(HALO_UM / working)) // ALIGN_PX) * ALIGN_PX
    window = left - halo, top - halo, right - left + 2 * halo, bottom - top + 2 * halo
    read = partial(_read_working, reader, factor)
    if model is None:
        nuclei = find_nuclei(read(*window), parameters, working)
        is_positive = nuclei.dab > parameters.dab_threshold
    else:
        nuclei = model.find(read, *window, parameters, working)
        is_positive = model.is_positive(nuclei, parameters)
    # Whole sums on the slide's own grid, divided once: the same centre from every tile.
    sum_x = nuclei.sum_x + nuclei.area_px * (left - halo)
    sum_y = nuclei.sum_y + nuclei.area_px * (top - halo)
    # A pixel reaches half a pixel to either side of its centre, so a tile begins half a pixel before its first centre.
    own = (2 * sum_x >= (2 * left - 1) * nuclei.area_px) & (2 * sum_x < (2 * right - 1) * nuclei.area_px)
    own &= (2 * sum_y >= (2 * top - 1) * nuclei.area_px) & (2 * sum_y < (2 * bottom - 1) * nuclei.area_px)
    area = nuclei.area_px[own]
    x = (sum_x[own] / area + 0.5) * factor - 0.5
    y = (sum_y[own] / area + 0.5) * factor - 0.5
    return np.stack([x, y, area * working * working, nuclei.dab[own], is_positive[own]])


def _read_working(reader: SlideReader, factor: int, x: int, y: int, width: int, height: int) -> Picture:
    """Read working pixels from a level that divides them evenly; others would be resampled, differently per tile."""
    even = [i for i, level in enumerate(reader.levels) if (factor / level.downsample).is_integer()]
    index = max(even, key=lambda i: reader.levels[i].downsample)
    step = round(factor / reader.levels[index].downsample)
    return reader.read_reduced(x * factor, y * factor, index, width * step, height * step, step)
