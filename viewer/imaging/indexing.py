"""Make the index of the tiles that may be passed through, and check it against the slide's own reader.

The rule, per level: tiled, JPEG, 8 bit, three interleaved samples, the grid that tiles are served on. Whatever a level
claims, a sample of its tiles is decoded as a browser would and compared with what the reader shows; a level that
differs is decoded on the server instead. Label and macro images are never indexed.
"""

import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
import tifffile

from .dicom import is_ycbcr_called_rgb
from .dicom_frames import jpeg_frames
from .errors import UnreadableSlide
from .folders import slide_files
from .geometry import sample_of_grid
from .jpeg import ADOBE_RGB, read_head
from .jpeg2000 import decode_jpeg_2000
from .passthrough import END_OF_IMAGE, START_OF_IMAGE, OpenFile, StoredTiles, TileIndex
from .reader import Picture, SlideReader
from .tiff_checks import RGB, YCBCR, open_tiff, pages_of
from .tiles import ServedLevel, tile_pixels

# Formats whose tiles overlap, are one huge JPEG, or lie elsewhere than the grid says are left to OpenSlide.
TIFF_FORMATS = frozenset({"aperio", "generic-tiff", "philips-tiff", "ome-tiff", "tiff"})
JPEG_IN_TIFF = 7
JPEG_2000_IN_TIFF = (33003, 33005)
Decode = Callable[[bytes], Picture | None]
# Of an integral level the tiles are the same pixels. Where the factor is not integral OpenSlide shifts a level by up to
# half a pixel, which blurs it: then means of blocks are compared, which other colours or another tile would change.
SAME_PIXELS, SAME_MEANS, BLOCK_PX = 1, 2.0, 8
HEAD_BYTES = 65_536


@dataclass(frozen=True)
class _Candidate:
    """Stored tiles with the grid that they lie on."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    tiles: StoredTiles
    is_jpeg_2000: bool = False

    def fits(self, level: ServedLevel) -> bool:
        ours = (self.width, self.height, self.tile_width, self.tile_height)
        return ours == (level.width, level.height, level.tile_width, level.tile_height)


def index_slide(reader: SlideReader, levels: Sequence[ServedLevel]) -> TileIndex:
    """Index the served levels of an open slide that pass through; a format that cannot gives an empty index."""
    files = slide_files(reader.path)
    passed: dict[int, StoredTiles] = {}
    jpeg_2000: dict[int, StoredTiles] = {}
    with ExitStack() as stack:
        descriptors: dict[int, int] = {}

        def open_file(number: int) -> int:
            if number not in descriptors:
                descriptors[number] = os.open(files[number], os.O_RDONLY | os.O_CLOEXEC)
                stack.callback(os.close, descriptors[number])
            return descriptors[number]

        candidates = list(_candidates(reader, files))
        stored = {(level.width, level.height) for level in reader.levels}
        for number, level in enumerate(levels):
            if (level.width, level.height) not in stored:
                continue
            for candidate in candidates:
                if candidate.fits(level) and (tiles := _checked(reader, level, candidate, open_file)):
                    (jpeg_2000 if candidate.is_jpeg_2000 else passed)[number] = tiles
                    break
    return TileIndex(passed, [file.stat().st_size for file in files], jpeg_2000)


def _candidates(reader: SlideReader, files: Sequence[Path]) -> Iterator[_Candidate]:
    # A damaged directory is no reason to refuse a slide that its own reader can read.
    with suppress(UnreadableSlide):
        if reader.format in TIFF_FORMATS:
            yield from _tiff_candidates(reader)
        elif reader.format == "dicom":
            for number, file in enumerate(files):
                if candidate := _dicom_candidate(number, file):
                    yield candidate


def _tiff_candidates(reader: SlideReader) -> list[_Candidate]:
    is_aperio = reader.format == "aperio"
    with open_tiff(reader.path) as tiff:
        pages = [level for page in pages_of(tiff) for level in [page, *(page.pages or [])]]
        passable = [page for page in pages if isinstance(page, tifffile.TiffPage) and _is_passable(page)]
        found = [_of_page(page, is_edge_sound=not is_aperio or page is pages[0]) for page in passable]
    if is_aperio:
        _leave_out_below_blank(found)
    return found


def _leave_out_below_blank(levels: Sequence[_Candidate]) -> None:
    """Leave tiles out that show what a finer level left blank: Aperio stores rubbish there, OpenSlide draws it anew."""
    for finer, coarser in pairwise(levels):
        across, down = finer.width / coarser.width, finer.height / coarser.height
        for place in (place for place, count in enumerate(finer.tiles.counts) if not count):
            row, column = divmod(place, finer.tiles.columns)
            left, top = column * finer.tile_width / across, row * finer.tile_height / down
            right, bottom = left + finer.tile_width / across, top + finer.tile_height / down
            for over in range(
                int(top) // coarser.tile_height, min(int(bottom) // coarser.tile_height + 1, coarser.tiles.rows)
            ):
                for beside in range(
                    int(left) // coarser.tile_width, min(int(right) // coarser.tile_width + 1, coarser.tiles.columns)
                ):
                    coarser.tiles.counts[over * coarser.tiles.columns + beside] = 0


def _is_passable(page: tifffile.TiffPage) -> bool:
    return bool(
        page.is_tiled
        and (int(page.compression) == JPEG_IN_TIFF or int(page.compression) in JPEG_2000_IN_TIFF)
        and page.bitspersample == 8
        and page.samplesperpixel == 3
        and page.planarconfig == 1
        and int(page.photometric) in (RGB, YCBCR)
    )


def _of_page(page: tifffile.TiffPage, *, is_edge_sound: bool) -> _Candidate:
    width, height = int(page.imagewidth), int(page.imagelength)
    tile_width, tile_height = int(page.tilewidth), int(page.tilelength)
    columns, rows = -(-width // tile_width), -(-height // tile_height)
    is_jpeg_2000 = int(page.compression) != JPEG_IN_TIFF
    tables = page.jpegtables or b""
    is_named_rgb = int(page.photometric) == RGB and ADOBE_RGB[4:9] not in tables
    prefix = START_OF_IMAGE + (ADOBE_RGB if is_named_rgb else b"") + tables[2:-2]
    tiles = StoredTiles(
        file=0,
        columns=columns,
        rows=rows,
        sound_columns=columns - (not is_edge_sound),
        sound_rows=rows - (not is_edge_sound),
        prefix=b"" if is_jpeg_2000 else prefix,
        skipped_bytes=0 if is_jpeg_2000 else 2,
        is_ended=False,
        offsets=array("Q", page.dataoffsets),
        counts=array("I", page.databytecounts),
    )
    return _Candidate(width, height, tile_width, tile_height, tiles, is_jpeg_2000)


def _dicom_candidate(number: int, file: Path) -> _Candidate | None:
    frames = jpeg_frames(file)
    if frames is None:
        return None
    with file.open("rb") as stream:
        stream.seek(frames.offsets[0])
        head = read_head(stream.read(HEAD_BYTES))
    if head is None:
        return None
    # A frame that its markers do not explain is red, green and blue to DICOM, and YCbCr to a browser.
    needs_marker = not head.is_ycbcr and head.adobe_transform is None and not is_ycbcr_called_rgb(file)
    columns, rows = -(-frames.width // frames.tile_width), -(-frames.height // frames.tile_height)
    tiles = StoredTiles(
        file=number,
        columns=columns,
        rows=rows,
        sound_columns=columns,
        sound_rows=rows,
        prefix=START_OF_IMAGE + (ADOBE_RGB if needs_marker else b""),
        skipped_bytes=2,
        is_ended=False,
        offsets=frames.offsets,
        counts=frames.counts,
    )
    return _Candidate(frames.width, frames.height, frames.tile_width, frames.tile_height, tiles)


def _checked(reader: SlideReader, level: ServedLevel, candidate: _Candidate, open_file: OpenFile) -> StoredTiles | None:
    """Return the tiles if their sample shows what the reader shows, noting whether all end as a JPEG should."""
    tiles = candidate.tiles
    decode: Decode = decode_jpeg_2000 if candidate.is_jpeg_2000 else as_a_browser_shows
    if (tiles.columns, tiles.rows) != (level.columns, level.rows) or len(tiles.counts) != level.columns * level.rows:
        return None
    if len(tiles.offsets) != len(tiles.counts):
        return None
    seen = []
    for column, row in sample_of_grid(level.columns, level.rows):
        try:
            jpeg = tiles.jpeg(open_file, column, row)
            shown = None if jpeg is None else decode(jpeg)
        except (UnreadableSlide, OSError, ValueError):
            return None
        if jpeg is None:
            continue
        if shown is None or not _is_same(shown, tile_pixels(reader, level, column, row), level.downsample):
            return None
        seen.append(jpeg.endswith(END_OF_IMAGE))
    return replace(tiles, is_ended=all(seen)) if seen else None


def as_a_browser_shows(jpeg: bytes) -> Picture | None:
    """Decode a JPEG by its own markers; None where a browser would not show three channels of 8 bits.

    Raises:
        ValueError: it is damaged.
    """
    head = read_head(jpeg)
    if head is None or head.precision_bits != 8 or len(head.sampling) != 3:
        return None
    return np.asarray(simplejpeg.decode_jpeg(jpeg, strict=False), np.uint8)


def _is_same(shown: Picture, stored: Picture, downsample: float) -> bool:
    height, width = stored.shape[:2]
    if shown.shape[0] < height or shown.shape[1] < width:
        return False
    shown = np.ascontiguousarray(shown[:height, :width])
    if downsample == round(downsample):
        return bool(np.abs(shown.astype(np.int16) - stored).max() <= SAME_PIXELS)
    size = (max(1, width // BLOCK_PX), max(1, height // BLOCK_PX))
    means = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.int16) for picture in (shown, stored)]
    return bool(np.abs(means[0] - means[1]).mean() <= SAME_MEANS)
