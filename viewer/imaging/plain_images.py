"""Open pictures that are no whole slides: plain TIFF and OME-TIFF with tifffile, PNG and JPEG with Pillow."""

import re
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError

from .errors import SlideTooLarge, UnreadableSlide, UnsupportedSlide
from .limits import MAX_PLAIN_PX, check_plain, sane_mpp
from .openslide_reader import on_white
from .plain_reader import PlainReader
from .reader import Picture
from .tiff_checks import largest, open_tiff, pages_of

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PICTURE_MAGIC = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}
UM_PER_UNIT = {"µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4}
UM_PER_RESOLUTION_UNIT = {2: 25_400.0, 3: 10_000.0}


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
        mpp = _tiff_mpp(tiff, page)
        index = page.index
    return PlainReader(path, format, width, height, mpp, lambda: _decode_tiff(path, index))


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


def _tiff_mpp(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> float | None:
    if tiff.is_ome:
        return ome_mpp(tiff.ome_metadata or "")
    sizes = _pixels_per_unit(page)
    if sizes is None:
        return None
    per_unit = UM_PER_RESOLUTION_UNIT.get(int(page.resolutionunit or 0))
    imagej = tiff.imagej_metadata if tiff.is_imagej else None
    if imagej:
        per_unit = UM_PER_UNIT.get(str(imagej.get("unit", "")).replace("\\u00B5", "µ"))
    return sane_mpp(per_unit / sizes[0], per_unit / sizes[1]) if per_unit else None


def _pixels_per_unit(page: tifffile.TiffPage) -> tuple[float, float] | None:
    found = []
    for name in ("XResolution", "YResolution"):
        tag = page.tags.get(name)
        if tag is None or not isinstance(tag.value, tuple) or 0 in tag.value:
            return None
        found.append(tag.value[0] / tag.value[1])
    return found[0], found[1]


def ome_mpp(description: str) -> float | None:
    """Read PhysicalSizeX and Y of the first Pixels element of an OME-XML text; a size without a known unit is none."""
    pixels = re.search(r"<(?:\w+:)?Pixels\b([^>]*)>", description)
    if pixels is None:
        return None
    sizes = []
    for side in "XY":
        size = re.search(rf'\bPhysicalSize{side}\s*=\s*"([^"]+)"', pixels[1])
        unit = re.search(rf'\bPhysicalSize{side}Unit\s*=\s*"([^"]+)"', pixels[1])
        # The OME schema's default unit is µm.
        um = UM_PER_UNIT.get(unit[1].replace("&#181;", "µ").replace("&#xB5;", "µ") if unit else "µm")
        if size is None or um is None:
            return None
        try:
            sizes.append(float(size[1]) * um)
        except ValueError:
            return None
    return sane_mpp(sizes[0], sizes[1])


def open_picture(path: Path) -> PlainReader:
    """Open a PNG or JPEG. Such files carry no trustworthy mpp."""
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            width, height, mode, format = *image.size, image.mode, str(image.format)
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
    return PlainReader(path, format.lower(), width, height, None, lambda: _decode_picture(path))


def _decode_picture(path: Path) -> Picture:
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            picture = np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableSlide(f"The picture is cut off or damaged ({error}). Copy it again.") from error
    return on_white(picture) if picture.shape[2] == 4 else np.ascontiguousarray(picture)
