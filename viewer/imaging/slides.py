"""Open a slide, whatever its format, and vouch for its bytes.

OpenSlide comes first; plain TIFF and OME-TIFF that it refuses go through tifffile, PNG and JPEG through Pillow.
"""

import hashlib
from pathlib import Path

import numpy as np
import openslide

from .colour import Colour
from .errors import UnreadableSlide, UnsupportedSlide
from .folders import main_file, slide_files
from .geometry import sample_of_grid
from .openslide_reader import OpenSlideReader, set_cache_bytes
from .plain_images import is_picture, is_tiff, open_picture, open_plain_tiff
from .reader import NativeLevel, SlideReader
from .tiff_checks import check_tiff
from .tiled_reader import TiledTiffReader, has_sub_levels

__all__ = [
    "NativeLevel",
    "SlideReader",
    "content_sha256",
    "main_file",
    "open_slide",
    "set_cache_bytes",
    "slide_files",
    "verify",
]

INSTANCE_PX = 224
CHUNK_BYTES = 4 * 1024 * 1024
DARK_LEVEL = 48


def open_slide(path: Path, colour: Colour = "native") -> SlideReader:
    """Open a slide file, or a folder that holds one slide (DICOM, MIRAX), as scanned or converted to sRGB.

    Raises:
        UnreadableSlide: missing, empty, truncated, or no image.
        UnsupportedSlide: sound, but not 8-bit RGB; or without the profile that a conversion needs.
        SlideTooLarge: absurd dimensions, or a plain image above 10⁸ pixels.
    """
    reader = _opened(Path(path))
    try:
        if colour == "srgb":
            reader.convert_to_srgb()
    except BaseException:
        reader.close()
        raise
    return reader


def _opened(path: Path) -> SlideReader:
    file = main_file(path)
    if file.stat().st_size == 0:
        raise UnreadableSlide("The file is empty. Copy it again.")
    tiff = is_tiff(file)
    if tiff:
        check_tiff(file)
    vendor = openslide.OpenSlide.detect_format(file)
    if tiff and vendor in (None, "generic-tiff") and has_sub_levels(file):
        return TiledTiffReader(file)
    if vendor is not None:
        return OpenSlideReader(file, vendor)
    if tiff:
        return open_plain_tiff(file)
    if is_picture(file):
        return open_picture(file)
    raise UnreadableSlide(
        "This is no slide that can be read: neither OpenSlide nor the TIFF, PNG and JPEG readers know its content, "
        "whatever its name says. Expected a whole-slide image (SVS, NDPI, MRXS, DICOM, TIFF …) or an RGB picture."
    )


def verify(reader: SlideReader) -> None:
    """Read a sample of tiles of every level, the last one included, before a slide is accepted.

    Raises:
        UnreadableSlide: a tile cannot be decoded.
        UnsupportedSlide: smaller than one instance of 224 px, or dark as fluorescence is.
    """
    if min(reader.width_l0, reader.height_l0) < INSTANCE_PX:
        raise UnsupportedSlide(
            f"The slide measures {reader.width_l0} × {reader.height_l0} pixels; at least {INSTANCE_PX} × {INSTANCE_PX} "
            "(one instance) were expected. Import the full-resolution image."
        )
    for index, level in enumerate(reader.levels):
        columns, rows = -(-level.width // level.tile_width), -(-level.height // level.tile_height)
        for column, row in sample_of_grid(columns, rows):
            x_l0 = int(column * level.tile_width * level.downsample)
            y_l0 = int(row * level.tile_height * level.downsample)
            reader.read_region(x_l0, y_l0, index, level.tile_width, level.tile_height)
    thumbnail = reader.thumbnail(512)
    if np.percentile(thumbnail.max(axis=2), 75) < DARK_LEVEL:
        raise UnsupportedSlide(
            "The picture is dark nearly everywhere, as fluorescence is; a brightfield slide with a light background "
            "was expected. Import the H&E or IHC scan."
        )


def content_sha256(path: Path) -> str:
    """Hash the bytes of a slide: of its file, or of all files of its folder in name order, one after the other."""
    digest = hashlib.sha256()
    for file in slide_files(Path(path)):
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
