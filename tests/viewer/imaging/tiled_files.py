"""Write tiled JPEG files as scanners do, with what is odd about them: RGB without a marker, blank tiles, SubIFDs."""

import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageCms

from viewer.imaging.jpeg import ADOBE_RGB
from viewer.imaging.plain_reader import halved
from viewer.imaging.reader import Picture
from viewer.imaging.tiff_checks import RGB

APERIO = "Aperio Image Library v12.0.16\r\n{width}x{height} [0,0 {width}x{height}] (240x240) JPEG/RGB Q=30|MPP = 0.25"
Tile = tuple[int, int, int]


def jpeg_of(picture: Picture, *, rgb: bool = False, jfif: bool = False) -> bytes:
    """Encode a tile; by default YCbCr 4:2:0 without any marker of its colour, with `rgb` as Aperio stores it."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=90, keep_rgb=rgb, subsampling=0 if rgb else 2)
    content = stream.getvalue()
    if rgb:
        # Components named R, G and B would speak for themselves; Aperio's are 0, 1 and 2.
        content = content.replace(b"\x03R\x11\x00G\x11\x00B\x11\x00", b"\x03\x00\x11\x00\x01\x11\x00\x02\x11\x00", 1)
        content = content.replace(b"\x03R\x00G\x00B\x00", b"\x03\x00\x00\x01\x00\x02\x00", 1)
    head_end = 4 + int.from_bytes(content[4:6], "big")
    return content if jfif else content[:2] + content[head_end:].replace(ADOBE_RGB, b"", 1)


def swapping_profile() -> bytes:
    """An ICC profile that calls red what sRGB calls blue, and the other way round."""
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = content.replace("sRGB built-in".encode("utf-16-be"), "Scan built-in".encode("utf-16-be"))
    return content.replace(b"rXYZ", b"----", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"----", b"bXYZ", 1)


def pyramid_of(picture: Picture, count: int, factor: int = 2) -> list[Picture]:
    """A picture and its reductions by `factor` each."""
    levels = [picture]
    while len(levels) < count:
        smaller = levels[-1]
        for _ in range(factor.bit_length() - 1):
            smaller = halved(smaller)
        levels.append(smaller)
    return levels


def tiles_of(
    picture: Picture, side: int, number: int, *, rgb: bool, blank: Sequence[Tile], odd: Sequence[Tile]
) -> Iterator[bytes]:
    """Encode the tiles of one level, row by row; `blank` ones are left out, `odd` ones hold something else."""
    height, width = picture.shape[:2]
    for row in range(-(-height // side)):
        for column in range(-(-width // side)):
            if (number, column, row) in blank:
                yield b""
                continue
            tile = picture[row * side : (row + 1) * side, column * side : (column + 1) * side]
            missing = side - tile.shape[0], side - tile.shape[1]
            padded = np.asarray(cv2.copyMakeBorder(tile, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE), np.uint8)
            yield jpeg_of(255 - padded if (number, column, row) in odd else padded, rgb=rgb)


def write_scan(
    path: Path,
    levels: Sequence[Picture],
    *,
    side: int = 240,
    rgb: bool = False,
    description: str = "",
    sub_levels: bool = False,
    blank: Sequence[Tile] = (),
    odd: Sequence[Tile] = (),
    profile: bytes | None = None,
) -> Path:
    """Write a pyramid. `blank` and `odd`: tiles as (level, column, row)."""
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        for number, picture in enumerate(levels):
            height, width = picture.shape[:2]
            tiff.write(
                tiles_of(picture, side, number, rgb=rgb, blank=blank, odd=odd),
                shape=picture.shape,
                dtype=np.uint8,
                tile=(side, side),
                photometric="ycbcr",
                compression="jpeg",
                subsampling=(1, 1) if rgb else (2, 2),
                subfiletype=1 if number else 0,
                subifds=len(levels) - 1 if sub_levels and not number else None,
                metadata=None,
                iccprofile=profile,
                description=description.format(width=width, height=height) or None,
                resolution=(20_000, 20_000),
                resolutionunit="CENTIMETER",
            )
    if rgb:
        with tifffile.TiffFile(path, mode="r+") as tiff:
            for page in [tiff.pages[0], *tiff.pages[0].pages] if sub_levels else tiff.pages:
                page.aspage().tags["PhotometricInterpretation"].overwrite(RGB)
    return path


def _element(tag: tuple[int, int], kind: bytes, value: bytes) -> bytes:
    if kind in (b"OB", b"SQ"):
        return struct.pack("<HH", *tag) + kind + b"\0\0" + struct.pack("<I", len(value)) + value
    value += (b"\0" if kind == b"UI" else b" ") * (len(value) % 2)
    return struct.pack("<HH", *tag) + kind + struct.pack("<H", len(value)) + value


def write_dicom(
    path: Path,
    frames: Sequence[bytes],
    size: tuple[int, int],
    side: int,
    *,
    syntax: bytes = b"1.2.840.10008.1.2.4.50",
    organization: bytes = b"TILED_FULL",
    before_pixels: bytes = b"",
) -> Path:
    """Write what a tile index reads of a DICOM level: size (width, height) and encapsulated frames."""
    number = struct.Struct("<H").pack
    undefined = struct.pack("<I", 0xFFFFFFFF)
    item = struct.Struct("<HHI")
    inner = item.pack(0xFFFE, 0xE000, 0xFFFFFFFF) + _element((0x0008, 0x0104), b"LO", b"Brightfield")
    sequence = struct.pack("<HH", 0x0048, 0x0105) + b"SQ\0\0" + undefined + inner
    sequence += item.pack(0xFFFE, 0xE00D, 0) + item.pack(0xFFFE, 0xE0DD, 0)
    content = bytes(128) + b"DICM" + _element((0x0002, 0x0010), b"UI", syntax)
    content += _element((0x0020, 0x9311), b"CS", organization)
    content += _element((0x0028, 0x0002), b"US", number(3)) + _element((0x0028, 0x0004), b"CS", b"YBR_FULL_422")
    content += _element((0x0028, 0x0008), b"IS", str(len(frames)).encode())
    content += _element((0x0028, 0x0010), b"US", number(side)) + _element((0x0028, 0x0011), b"US", number(side))
    content += _element((0x0028, 0x0100), b"US", number(8))
    content += _element((0x0048, 0x0006), b"UL", struct.pack("<I", size[0]))
    content += _element((0x0048, 0x0007), b"UL", struct.pack("<I", size[1])) + sequence + before_pixels
    content += struct.pack("<HH", 0x7FE0, 0x0010) + b"OB\0\0" + undefined + item.pack(0xFFFE, 0xE000, 0)
    for frame in frames:
        frame += b"\0" * (len(frame) % 2)
        content += item.pack(0xFFFE, 0xE000, len(frame)) + frame
    path.write_bytes(content + item.pack(0xFFFE, 0xE0DD, 0))
    return path
