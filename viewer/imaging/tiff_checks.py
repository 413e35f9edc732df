"""Look at a TIFF's directories before any pixel is decoded: 8-bit RGB, whole, and of a believable size."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tifffile

from .errors import SlideTooLarge, UnreadableSlide, UnsupportedSlide
from .limits import MAX_SIDE_PX, MAX_SLIDE_PX, MAX_TILE_PX

# tifffile logs every damaged tag; what matters becomes an error of ours.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)

MAX_PAGES = 4096
RGB, YCBCR = 2, 6
JPEG_2000 = (33003, 33004, 33005, 34712)
# What tifffile raises on damaged directories and segments, besides its own error.
TIFF_ERRORS = (
    tifffile.TiffFileError,
    OSError,
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    MemoryError,
)


@contextmanager
def open_tiff(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF by itself, not the other files that its OME-XML may name.

    Raises:
        UnreadableSlide: whatever goes wrong with its directories or pixels in the block.
    """
    try:
        with tifffile.TiffFile(path, _multifile=False) as tiff:
            yield tiff
    except TIFF_ERRORS as error:
        raise UnreadableSlide(
            f"The TIFF is damaged or cut off ({error or type(error).__name__}). Copy or export the file again."
        ) from error


def pages_of(tiff: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    """List the top-level images of a TIFF."""
    found = [tiff.pages[i] for i in range(min(len(tiff.pages), MAX_PAGES))]
    if not found:
        raise UnreadableSlide("The TIFF holds no image; it was cut off or never finished. Copy or export it again.")
    return [page.aspage() if isinstance(page, tifffile.TiffFrame) else page for page in found]


def largest(pages: list[tifffile.TiffPage]) -> tifffile.TiffPage:
    """Choose the image with most pixels; label, macro and reduced levels are smaller."""
    return max(pages, key=lambda page: int(page.imagewidth) * int(page.imagelength))


def icc_tag(page: tifffile.TiffPage) -> bytes | None:
    """Return the ICC profile of an image."""
    tag = page.tags.get("InterColorProfile")
    return None if tag is None else bytes(tag.value)


def check_tiff(path: Path) -> None:
    """Refuse a TIFF that is cut off, absurdly large, or not 8-bit RGB.

    Raises:
        UnreadableSlide, SlideTooLarge, UnsupportedSlide: as their names say.
    """
    with open_tiff(path) as tiff:
        pages = pages_of(tiff)
        for page in pages:
            _check_size(page)
        check_colour(largest(pages))
        size_bytes = path.stat().st_size
        for page in pages:
            _check_whole(page, size_bytes)


def _check_size(page: tifffile.TiffPage) -> None:
    width, height = int(page.imagewidth), int(page.imagelength)
    if width < 1 or height < 1:
        raise UnreadableSlide(f"The TIFF declares an image of {width} × {height} pixels. Export it again.")
    tile_px = int(page.tilewidth) * int(page.tilelength) if page.is_tiled else 0
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_SLIDE_PX or tile_px > MAX_TILE_PX:
        raise SlideTooLarge(
            f"The TIFF declares {width:,} × {height:,} pixels; at most {MAX_SIDE_PX:,} a side, {MAX_SLIDE_PX:,} in all "
            f"and {MAX_TILE_PX:,} in a tile are accepted. Its header is probably damaged: export the slide again."
        )


def check_colour(page: tifffile.TiffPage) -> None:
    """Refuse an image that is not 8-bit RGB."""
    bits = page.bitspersample if isinstance(page.bitspersample, int) else max(page.bitspersample)
    photometric = int(page.photometric) if page.photometric is not None else -1
    # JPEG 2000 carries its own colour space; Aperio leaves the tag as it comes.
    colour = photometric in (RGB, YCBCR) or int(page.compression) in JPEG_2000
    if bits != 8 or page.samplesperpixel not in (3, 4) or not colour or page.sampleformat not in (None, 1):
        name = getattr(page.photometric, "name", str(page.photometric))
        raise UnsupportedSlide(
            f"The image has {page.samplesperpixel} channel(s) of {bits} bits ({name}); an 8-bit RGB brightfield slide "
            "was expected. Fluorescence, grey-level and 16-bit images cannot be used: import the H&E or IHC scan."
        )


def _check_whole(page: tifffile.TiffPage, size_bytes: int) -> None:
    ends = [at + count for at, count in zip(page.dataoffsets, page.databytecounts, strict=False) if count]
    if ends and max(ends) > size_bytes:
        raise UnreadableSlide(
            f"The file is cut off: it has {size_bytes:,} bytes, its tiles reach to byte {max(ends):,}. Copy it again."
        )
