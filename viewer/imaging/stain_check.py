"""Does a slide look like haematoxylin and DAB, or like haematoxylin and eosin?

Both have blue nuclei, so what absorbs little red decides: eosin absorbs green far more than blue, DAB blue more than
green. With haematoxylin alone everything absorbs red, and nothing is wrong.
"""

from dataclasses import dataclass
from itertools import islice

import numpy as np

from .calibration import tissue_tiles
from .reader import SlideReader
from .stain import optical_density

# µm per pixel: nuclei are still seen, noise is not.
LOOK_MPP = 2.0
TILES = 8
STAINED = 0.15
FEWEST_PX = 300
# Shares of a pixel's density: red at most, and green over blue.
LITTLE_RED, PINK = 0.30, 0.07
# On 27 H&E pictures at least 0.17 of the stain was pink and at most 0.03 brown; on 11 H-DAB ones at most 0.01 pink.
MUCH_PINK, LITTLE_BROWN = 0.10, 0.10
WHITE_FLOOR = 180.0


@dataclass(frozen=True, slots=True)
class StainLook:
    """How a slide is stained, by its pixels: shares of the stain (0 to 1) that are pink and brown."""

    pink: float
    brown: float
    looks_like_he: bool

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say why the stain looks wrong for counting."""
        if not self.looks_like_he:
            return ()
        return (
            f"This looks like H&E: {self.pink:.0%} of the stain is pink as eosin is, {self.brown:.0%} brown as DAB is. "
            "Positive nuclei are brown ones, so the ratio means nothing here. Check which slide this is.",
        )


def look_at_stain(reader: SlideReader, mpp: float) -> StainLook | None:
    """Look at tiles spread over a slide's tissue; None where too little is stained to say."""
    factor = max(1, round(LOOK_MPP / mpp))
    tiles = list(islice(tissue_tiles(reader, factor), TILES))
    if not tiles:
        return None
    pixels = np.concatenate([tile.reshape(-1, 1, 3) for tile in tiles])
    white = np.maximum(np.percentile(pixels[:, 0], 99, axis=0), WHITE_FLOOR)
    density = optical_density(pixels, white)[:, 0].astype(np.float64)
    amount = density.sum(axis=1)
    stained = amount > STAINED
    if int(stained.sum()) < FEWEST_PX:
        return None
    amount, shares = amount[stained], density[stained] / amount[stained][:, None]
    red, green, blue = shares.T
    pink = float(amount[(green > blue + PINK) & (red < LITTLE_RED)].sum() / amount.sum())
    brown = float(amount[(blue > green) & (red < LITTLE_RED)].sum() / amount.sum())
    return StainLook(pink, brown, pink > MUCH_PINK and brown < LITTLE_BROWN)
