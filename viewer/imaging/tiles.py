"""Tiles for the browser, on the slide's native grid.

Served levels are the stored ones, with the missing powers of two filled in, down to the first that fits one tile.
An edge tile is cut to what the level really holds, so its width and height may be smaller than the grid's.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import simplejpeg

from .errors import TileOutside
from .reader import NativeLevel, Picture, SlideReader

# Raise this when the same slide would give other tile bytes, so that browsers forget theirs.
TILE_RULE_VERSION = 3
QUALITY = 88
VERSION_DIGITS = 12
# A gap between stored levels wider than this factor gets a power of two in between.
WIDEST_STEP = 2 * math.sqrt(2)


@dataclass(frozen=True, slots=True)
class ServedLevel:
    """One level of tiles; `downsample` is level-0 pixels per pixel."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    downsample: float

    @property
    def columns(self) -> int:
        """Number of tiles across."""
        return -(-self.width // self.tile_width)

    @property
    def rows(self) -> int:
        """Number of tiles down."""
        return -(-self.height // self.tile_height)

    def as_dict(self) -> dict[str, int | float]:
        """Give the JSON form stored with the slide."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(
            int(stored["width"]),
            int(stored["height"]),
            int(stored["tile_width"]),
            int(stored["tile_height"]),
            float(stored["downsample"]),
        )


def served_levels(reader: SlideReader) -> list[ServedLevel]:
    """List the levels that tiles are served from, level 0 first."""
    levels: list[ServedLevel] = []
    stored = sorted(reader.levels, key=lambda level: level.downsample)
    for level in stored:
        while levels and level.downsample / levels[-1].downsample > WIDEST_STEP and not _fits_one_tile(levels[-1]):
            levels.append(_half_of(levels[-1], stored[0]))
        if levels and _fits_one_tile(levels[-1]):
            return levels
        levels.append(ServedLevel(level.width, level.height, level.tile_width, level.tile_height, level.downsample))
    while not _fits_one_tile(levels[-1]):
        levels.append(_half_of(levels[-1], stored[0]))
    return levels


def _fits_one_tile(level: ServedLevel) -> bool:
    return level.width <= level.tile_width and level.height <= level.tile_height


def _half_of(finer: ServedLevel, base: NativeLevel) -> ServedLevel:
    downsample = finer.downsample * 2
    width, height = (max(1, math.ceil(side / downsample)) for side in (base.width, base.height))
    return ServedLevel(width, height, finer.tile_width, finer.tile_height, downsample)


def slide_version(sha256: str, levels: Sequence[ServedLevel], colour: str) -> str:
    """Name what a browser may keep for ever: content, served levels, tile rule and colour mode, in 12 hex digits."""
    named = json.dumps([sha256, [level.as_dict() for level in levels], TILE_RULE_VERSION, colour], sort_keys=True)
    return hashlib.sha256(named.encode()).hexdigest()[:VERSION_DIGITS]


def tile_pixels(reader: SlideReader, level: ServedLevel, column: int, row: int) -> Picture:
    """Read one tile; of a stored level it equals `read_region`.

    Raises:
        TileOutside: no such column or row.
    """
    if not (0 <= column < level.columns and 0 <= row < level.rows):
        raise TileOutside(
            f"There is no tile {column}_{row}; this level has {level.columns} × {level.rows} tiles, counted from 0."
        )
    x, y = column * level.tile_width, row * level.tile_height
    width, height = min(level.tile_width, level.width - x), min(level.tile_height, level.height - y)
    x_l0, y_l0 = round(x * level.downsample), round(y * level.downsample)
    for index, stored in enumerate(reader.levels):
        if (stored.width, stored.height) == (level.width, level.height):
            return reader.read_region(x_l0, y_l0, index, width, height)
    width_l0, height_l0 = round(width * level.downsample), round(height * level.downsample)
    return reader.read_scaled(x_l0, y_l0, width_l0, height_l0, width, height)


def encode_tile(pixels: Picture) -> bytes:
    """Encode a tile as a JPEG (4:2:0)."""
    return bytes(simplejpeg.encode_jpeg(pixels, quality=QUALITY, colorspace="RGB", colorsubsampling="420"))


def render_tile(reader: SlideReader, level: ServedLevel, column: int, row: int) -> bytes:
    """Read one tile's pixels and encode them.

    Raises:
        TileOutside: no such column or row.
    """
    return encode_tile(tile_pixels(reader, level, column, row))
