"""One stain equally dense on every slide: what reagents, thickness and scanner add is taken out before painting.

Positive nuclei are darker on the source's section by about as much as one laboratory stains darker than the next, so a
generator that has learnt "dark is positive" stains a dark slide too often. Here the median density of a slide's tissue,
channel by channel, is brought to the mean of the training slides (as Reinhard et al. 2001 bring pictures to one mean,
here by one factor of the density, so that glass stays white).
"""

import numpy as np
import numpy.typing as npt

from training.learning.reading import TargetReader
from viewer.imaging.foreground import TissueMask
from viewer.imaging.stain import density_table

Density = tuple[float, float, float]
"""Median optical density of the tissue, by channel."""

# Cells of the grid that a slide is measured on, spread evenly over those with tissue.
MEASURED_CELLS = 64
LEAST_TISSUE = 0.5
# A slide is never made denser or paler than this: beyond it something else is wrong with it.
LARGEST_FACTOR = 1.5


def slide_density(target: TargetReader, mask: TissueMask, side: int) -> Density | None:
    """Measure a slide on cells of `side` pixels; None where it holds hardly any tissue."""
    cells = [
        (x, y)
        for y in range(0, target.height - side + 1, side)
        for x in range(0, target.width - side + 1, side)
        if target.tissue(mask, x, y, side) >= LEAST_TISSUE
    ]
    if not cells:
        return None
    places = np.unique(np.linspace(0, len(cells) - 1, MEASURED_CELLS).round().astype(int))
    pixels = np.stack([target.read(x, y, side, side) for x, y in (cells[int(place)] for place in places)])
    table = density_table()
    red, green, blue = (float(np.median(table[pixels[..., channel], channel])) for channel in range(3))
    return red, green, blue


def mean_density(densities: list[Density | None]) -> Density | None:
    """Return what slides are brought to: the mean of those that could be measured."""
    known = np.array([density for density in densities if density is not None])
    if not len(known):
        return None
    red, green, blue = known.mean(axis=0).tolist()
    return red, green, blue


def equalizer(density: Density | None, reference: Density) -> npt.NDArray[np.uint8] | None:
    """Return what each grey level becomes, [256, 3]; None leaves the slide as it is."""
    if density is None or min(density) <= 0:
        return None
    factor = np.clip(np.array(reference) / density, 1 / LARGEST_FACTOR, LARGEST_FACTOR)
    levels = np.arange(256)[:, None] / 255
    return np.asarray(np.rint(255 * levels**factor), np.uint8)


def equalize(target: TargetReader, mask: TissueMask, side: int, reference: Density | None) -> TargetReader:
    """Make a slide as dense as the reference, and return it; without a reference it stays as it is."""
    if reference is not None:
        target.levels = equalizer(slide_density(target, mask, side), reference)
    return target
