"""Make tiles that are not sent as they are stored from compressed ones: of levels between, and of JPEG 2000.

The decoder leaves out frequencies instead of computing pixels that would be averaged away (DCT scaling by 1/2, 1/4 or
1/8), so that a tile between two stored levels costs a fraction of decoding, shrinking and encoding.
"""

from collections.abc import Sequence

import numpy as np
import simplejpeg

from .errors import UnreadableSlide
from .jpeg2000 import decode_jpeg_2000
from .passthrough import OpenFile, StoredTiles, TileIndex
from .reader import Picture
from .tiles import ServedLevel

FACTORS = (2, 4, 8)
SAME_FACTOR = 1e-6


def finer_level(levels: Sequence[ServedLevel], index: TileIndex, number: int) -> tuple[int, int] | None:
    """Choose the coarsest level that passes through and is 2, 4 or 8 times as fine, on the same tile size.

    Returns its number and that factor; None when there is none.
    """
    level = levels[number]
    for finer in sorted((found for found in index.levels if found < number), reverse=True):
        factor = round(level.downsample / levels[finer].downsample)
        is_whole = abs(level.downsample / levels[finer].downsample / factor - 1) < SAME_FACTOR if factor else False
        sides = (levels[finer].tile_width, levels[finer].tile_height)
        is_divisible = all(side % factor == 0 for side in sides) if factor else False
        if factor in FACTORS and is_whole and is_divisible and sides == (level.tile_width, level.tile_height):
            return finer, factor
    return None


def decoded_tile(
    levels: Sequence[ServedLevel], index: TileIndex, number: int, column: int, row: int, open_file: OpenFile
) -> Picture | None:
    """Decode a JPEG 2000 tile and cut it to what the level holds; None where the slide's reader has to.

    Raises:
        UnreadableSlide: the tile is damaged.
    """
    tiles = index.jpeg_2000.get(number)
    compressed = tiles.jpeg(open_file, column, row) if tiles is not None else None
    if compressed is None:
        return None
    level = levels[number]
    picture = decode_jpeg_2000(compressed)
    height = min(level.tile_height, level.height - row * level.tile_height)
    width = min(level.tile_width, level.width - column * level.tile_width)
    return np.ascontiguousarray(picture[:height, :width])


def compose_tile(
    levels: Sequence[ServedLevel], index: TileIndex, number: int, column: int, row: int, open_file: OpenFile
) -> Picture | None:
    """Put a tile together from `factor` × `factor` stored ones; None where one of them has to be decoded otherwise.

    Raises:
        UnreadableSlide: a stored tile is damaged.
    """
    found = finer_level(levels, index, number)
    if found is None:
        return None
    finer, factor = found
    level, tiles = levels[number], index.levels[finer]
    width = min(level.tile_width, level.width - column * level.tile_width)
    height = min(level.tile_height, level.height - row * level.tile_height)
    side_x, side_y = level.tile_width // factor, level.tile_height // factor
    picture = np.empty((height, width, 3), np.uint8)
    for down in range(-(-height // side_y)):
        for across in range(-(-width // side_x)):
            part = _part(tiles, open_file, column * factor + across, row * factor + down, (side_y, side_x))
            if part is None:
                return None
            x, y = across * side_x, down * side_y
            part = part[: height - y, : width - x]
            picture[y : y + part.shape[0], x : x + part.shape[1]] = part
    return picture


def _part(tiles: StoredTiles, open_file: OpenFile, column: int, row: int, size: tuple[int, int]) -> Picture | None:
    """Decode one stored tile at a reduced size (height, width); None where it has to be read otherwise."""
    if column >= tiles.columns or row >= tiles.rows:
        return None
    jpeg = tiles.jpeg(open_file, column, row)
    if jpeg is None:
        return None
    try:
        part = simplejpeg.decode_jpeg(jpeg, min_height=size[0], min_width=size[1], strict=False)
    except ValueError as error:
        raise UnreadableSlide(f"Tile {column}_{row} cannot be decoded ({error}). Restore the file.") from error
    return np.asarray(part, np.uint8) if part.shape == (*size, 3) else None
