"""Tiled TIFF whose reduced levels are SubIFDs, as OME-TIFF has them: OpenSlide sees their full resolution only."""

import os
import threading
from pathlib import Path

import numpy as np
import simplejpeg
import tifffile

from .errors import UnreadableSlide
from .jpeg import ADOBE_RGB
from .limits import check_pyramid
from .openslide_reader import on_white
from .reader import NativeLevel, Picture, SlideReader
from .tiff_checks import RGB, TIFF_ERRORS, check_colour, icc_tag, largest, open_tiff, pages_of
from .tiff_resolution import tiff_mpp

JPEG = 7
WHITE = 255
SAME_ASPECT = 0.02


def has_sub_levels(path: Path) -> bool:
    """Say whether the largest image of a TIFF is tiled and keeps reduced ones below it."""
    with open_tiff(path) as tiff:
        page = largest(pages_of(tiff))
        return bool(page.is_tiled and page.subifds)


class TiledTiffReader(SlideReader):
    """A pyramid read tile by tile. Only the tiles under a region are decoded; nothing is kept."""

    def __init__(self, path: Path) -> None:
        """Read the directories."""
        self.path = path
        with open_tiff(path) as tiff:
            page = largest(pages_of(tiff))
            self._pages = _pyramid(page)
            self.format = "ome-tiff" if tiff.is_ome else "tiff"
            self.mpp = tiff_mpp(tiff, page)
            self._profile = icc_tag(page)
        for page in self._pages:
            check_colour(page)
        sizes = [(int(page.imagewidth), int(page.imagelength)) for page in self._pages]
        check_pyramid(sizes)
        self.levels = tuple(
            NativeLevel(
                width,
                height,
                int(page.tilewidth),
                int(page.tilelength),
                (sizes[0][0] / width + sizes[0][1] / height) / 2,
            )
            for page, (width, height) in zip(self._pages, sizes, strict=True)
        )
        self._file: _Descriptor | None = _Descriptor(path)
        self._lock = threading.Lock()

    def icc_profile(self) -> bytes | None:
        """Return the profile of the full-resolution image."""
        return self._profile

    def _read(self, x_l0: int, y_l0: int, level: int, width_px: int, height_px: int) -> Picture:
        file = self._file
        if file is None:
            raise UnreadableSlide("The slide has been closed.")
        stored = self.levels[level]
        x, y = round(x_l0 / stored.downsample), round(y_l0 / stored.downsample)
        picture = np.full((height_px, width_px, 3), WHITE, np.uint8)
        right, bottom = min(x + width_px, stored.width), min(y + height_px, stored.height)
        for row in range(max(y, 0) // stored.tile_height, -(-max(bottom, 0) // stored.tile_height)):
            for column in range(max(x, 0) // stored.tile_width, -(-max(right, 0) // stored.tile_width)):
                left_of, top_of = column * stored.tile_width, row * stored.tile_height
                x_from, x_to = max(x, left_of), min(right, left_of + stored.tile_width)
                y_from, y_to = max(y, top_of), min(bottom, top_of + stored.tile_height)
                if x_from < x_to and y_from < y_to:
                    tile = self._tile(file, level, column, row)
                    part = tile[y_from - top_of : y_to - top_of, x_from - left_of : x_to - left_of]
                    picture[y_from - y : y_to - y, x_from - x : x_to - x] = part
        return picture

    def _tile(self, file: "_Descriptor", level: int, column: int, row: int) -> Picture:
        page, stored = self._pages[level], self.levels[level]
        place = row * -(-stored.width // stored.tile_width) + column
        count = page.databytecounts[place]
        if not count:
            return np.full((stored.tile_height, stored.tile_width, 3), WHITE, np.uint8)
        content = os.pread(file.number, count, page.dataoffsets[place])
        try:
            picture = _decoded(page, content, place)
        except TIFF_ERRORS as error:
            raise UnreadableSlide(
                f"Tile {column}_{row} of level {level} cannot be decoded ({error}). Copy or export the file again."
            ) from error
        return on_white(picture) if picture.shape[2] == 4 else picture

    def close(self) -> None:
        """Let go of the file; reads that are under way end first."""
        with self._lock:
            self._file = None


class _Descriptor:
    """A file for reading by place, closed when the last thread that reads from it lets go."""

    def __init__(self, path: Path) -> None:
        self.number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        os.close(self.number)


def _pyramid(page: tifffile.TiffPage) -> list[tifffile.TiffPage]:
    """List an image and those reduced ones below it that are tiled and of its shape, the largest first."""
    aspect = page.imagewidth / page.imagelength
    found = [page]
    for smaller in page.pages or []:
        smaller = smaller.aspage() if isinstance(smaller, tifffile.TiffFrame) else smaller
        similar = abs(smaller.imagewidth / max(1, smaller.imagelength) / aspect - 1)
        least = 1 / max(1, min(smaller.imagewidth, smaller.imagelength))
        if smaller.is_tiled and smaller.imagewidth < found[-1].imagewidth and similar < max(SAME_ASPECT, least):
            found.append(smaller)
    return found


def _decoded(page: tifffile.TiffPage, content: bytes, place: int) -> Picture:
    if int(page.compression) == JPEG and page.samplesperpixel == 3:
        tables = page.jpegtables or b""
        marker = ADOBE_RGB if int(page.photometric) == RGB and ADOBE_RGB[4:9] not in tables + content[:1024] else b""
        jpeg = content[:2] + marker + tables[2:-2] + content[2:]
        return np.asarray(simplejpeg.decode_jpeg(jpeg, strict=False), np.uint8)
    segment, _place, _shape = page.decode(content, place, jpegtables=page.jpegtables)
    return np.ascontiguousarray(np.asarray(segment, np.uint8)[0])
