"""Open pictures that are no whole slides: plain TIFF and OME-TIFF with tifffile, PNG and JPEG with Pillow."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from .errors import SlideTooLarge, UnreadableSlide, UnsupportedSlide
from .limits import MAX_PLAIN_PX, check_plain
from .openslide_reader import on_white
from .plain_reader import PlainReader
from .reader import Picture
from .tiff_checks import icc_tag, largest, open_tiff, pages_of
from .tiff_resolution import tiff_mpp

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PICTURE_MAGIC = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(8)


def is_tiff(path: Path) -> bool:
    """Say whether the first bytes are a TIFF's, BigTIFF included."""
    return _head(path)[:4] in TIFF_MAGIC


def is_picture(path: Path) -> bool:
    """Say whether the first bytes are those of a PNG or JPEG."""
    return any(_head(path).startswith(magic) for magic in PICTURE_MAGIC)


def open_plain_tiff(path: Path) -> PlainReader:
    """Open the largest image of a TIFF that is no whole slide; its mpp comes from OME-XML, ImageJ or the resolution."""
    with open_tiff(path) as tiff:
        pages = pages_of(tiff)
        page = largest(pages)
        width, height = int(page.imagewidth), int(page.imagelength)
        check_plain(width, height)
        planes = sum((p.imagewidth, p.imagelength) == (width, height) for p in pages)
        if planes > 1:
            raise UnsupportedSlide(
                f"The TIFF holds {planes} planes of the same size (a stack, or one plane per channel); "
                "one RGB image was expected. Export the plane in focus as RGB."
            )
        format = "ome-tiff" if tiff.is_ome else "tiff"
        mpp = tiff_mpp(tiff, page)
        index = page.index
        profile = icc_tag(page)
    return PlainReader(path, format, width, height, mpp, lambda: _decode_tiff(path, index), profile)


def _decode_tiff(path: Path, index: int) -> Picture:
    with open_tiff(path) as tiff:
        page = pages_of(tiff)[index]
        picture = np.asarray(page.asarray(maxworkers=1))
        if picture.ndim == 3 and page.planarconfig == 2:
            picture = np.moveaxis(picture, 0, -1)
    if picture.ndim != 3 or picture.dtype != np.uint8 or picture.shape[2] not in (3, 4):
        raise UnsupportedSlide(
            f"The TIFF decodes to {picture.dtype} {picture.shape}; 8-bit RGB was expected. Export it as RGB."
        )
    return on_white(picture) if picture.shape[2] == 4 else np.ascontiguousarray(picture)


def open_picture(path: Path) -> PlainReader:
    """Open a PNG or JPEG. Such files carry no trustworthy mpp."""
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            width, height, mode, format = *image.size, image.mode, str(image.format)
            profile = image.info.get("icc_profile")
    except Image.DecompressionBombError as error:
        raise SlideTooLarge(
            f"The picture declares far more pixels than the {MAX_PLAIN_PX:,} that are accepted ({error}). "
            "Save it as a pyramidal tiled TIFF."
        ) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UnreadableSlide(f"The picture is damaged ({error}). Export it again.") from error
    check_plain(width, height)
    if mode not in ("RGB", "RGBA"):
        raise UnsupportedSlide(
            f"The picture's pixels are of mode {mode}; 8-bit RGB was expected. Grey, indexed, CMYK and 16-bit pictures "
            "cannot be used: export it as RGB."
        )
    return PlainReader(path, format.lower(), width, height, None, lambda: _decode_picture(path), profile)


def _decode_picture(path: Path) -> Picture:
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            picture = np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableSlide(f"The picture is cut off or damaged ({error}). Copy it again.") from error
    return on_white(picture) if picture.shape[2] == 4 else np.ascontiguousarray(picture)
