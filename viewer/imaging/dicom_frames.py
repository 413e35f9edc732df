"""Find the JPEG frames of a DICOM whole-slide file without decoding them.

Whole-slide DICOM is little endian with explicit types. Only what a tile index needs is looked at; patient data are
stepped over. PS3.5 chapters 7 and A.4 say how elements and encapsulated frames are laid out.
"""

import mmap
import struct
from array import array
from dataclasses import dataclass, field
from pathlib import Path

from .errors import UnreadableSlide
from .passthrough import END_OF_IMAGE

FIRST_ELEMENT_AT = 132
JPEG_BASELINE = b"1.2.840.10008.1.2.4.50"
LONG_FORM = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
TRANSFER_SYNTAX, ORGANIZATION = (0x0002, 0x0010), (0x0020, 0x9311)
FRAMES, TILE_ROWS, TILE_COLUMNS, BITS = (0x0028, 0x0008), (0x0028, 0x0010), (0x0028, 0x0011), (0x0028, 0x0100)
SAMPLES, MATRIX_COLUMNS, MATRIX_ROWS = (0x0028, 0x0002), (0x0048, 0x0006), (0x0048, 0x0007)
PIXEL_DATA = (0x7FE0, 0x0010)
WANTED = {
    TRANSFER_SYNTAX,
    ORGANIZATION,
    FRAMES,
    TILE_ROWS,
    TILE_COLUMNS,
    BITS,
    SAMPLES,
    MATRIX_COLUMNS,
    MATRIX_ROWS,
    PIXEL_DATA,
}
Tag = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frames:
    """The level that one DICOM file holds: its size, that of its tiles, and where each frame lies, row by row."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    offsets: "array[int]" = field(repr=False)
    counts: "array[int]" = field(repr=False)


def jpeg_frames(path: Path) -> Frames | None:
    """Find the frames of a fully tiled file of baseline JPEG; None for any other kind.

    Raises:
        UnreadableSlide: the elements do not follow each other as they should.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            return _frames(content)
        except (struct.error, ValueError, IndexError, RecursionError) as error:
            raise UnreadableSlide(f"The DICOM file is damaged ({error}). Export it again.") from error


def _frames(content: mmap.mmap) -> Frames | None:
    found = _wanted(content)
    numbers = [_number(content, found.get(tag)) for tag in (MATRIX_COLUMNS, MATRIX_ROWS, TILE_COLUMNS, TILE_ROWS)]
    width, height, tile_width, tile_height = numbers
    if min(numbers) < 1 or PIXEL_DATA not in found or _text(content, found.get(TRANSFER_SYNTAX)) != JPEG_BASELINE:
        return None
    if (_number(content, found.get(BITS)), _number(content, found.get(SAMPLES))) != (8, 3):
        return None
    tiles = -(-width // tile_width) * -(-height // tile_height)
    if tiles > 1 and _text(content, found.get(ORGANIZATION)) != b"TILED_FULL":
        return None
    offsets, counts = _fragments(content, found[PIXEL_DATA][0])
    if len(offsets) != tiles or int(_text(content, found.get(FRAMES)) or b"1") != tiles:
        return None
    return Frames(width, height, tile_width, tile_height, offsets, counts)


def _wanted(content: mmap.mmap) -> dict[Tag, tuple[int, int]]:
    """Walk the outermost elements; return where the wanted values begin and how long they are."""
    found: dict[Tag, tuple[int, int]] = {}
    at = FIRST_ELEMENT_AT
    while at + 8 <= len(content):
        tag, kind, value_at, length = _element(content, at)
        if tag in WANTED:
            found[tag] = (value_at, length)
        if tag == PIXEL_DATA:
            break
        at = _after(content, kind, value_at, length)
    return found


def _element(content: mmap.mmap, at: int) -> tuple[Tag, bytes, int, int]:
    group, number = struct.unpack_from("<HH", content, at)
    if group == 0xFFFE:  # items and delimiters have no type
        return (group, number), b"", at + 8, struct.unpack_from("<I", content, at + 4)[0]
    kind = content[at + 4 : at + 6]
    if kind in LONG_FORM:
        return (group, number), kind, at + 12, struct.unpack_from("<I", content, at + 8)[0]
    if not kind.isalpha():
        raise ValueError(f"no element at byte {at}")
    return (group, number), kind, at + 8, struct.unpack_from("<H", content, at + 6)[0]


def _after(content: mmap.mmap, kind: bytes, value_at: int, length: int) -> int:
    """Return where the next element begins; one of undefined length is walked through to its end."""
    if length != UNDEFINED:
        return value_at + length
    if kind not in (b"SQ", b""):
        raise ValueError(f"an element of type {kind.decode('ascii', 'replace')} without a length")
    ends = SEQUENCE_END if kind == b"SQ" else ITEM_END
    at = value_at
    while True:
        tag, inner, inner_at, inner_length = _element(content, at)
        at = _after(content, inner, inner_at, inner_length)
        if tag == ends:
            return at


def _fragments(content: mmap.mmap, at: int) -> "tuple[array[int], array[int]]":
    """List the items of encapsulated pixel data after the first, which is a table of offsets."""
    offsets, counts = array("Q"), array("I")
    is_table = True
    while at + 8 <= len(content):
        tag, _kind, value_at, length = _element(content, at)
        if tag != ITEM:
            break
        if not is_table:
            # Frames are filled up to an even length.
            padded = content[value_at + length - 3 : value_at + length] == END_OF_IMAGE + b"\0"
            offsets.append(value_at)
            counts.append(length - padded)
        is_table = False
        at = value_at + length
    return offsets, counts


def _text(content: mmap.mmap, place: tuple[int, int] | None) -> bytes:
    return content[place[0] : place[0] + place[1]].strip(b"\0 ") if place else b""


def _number(content: mmap.mmap, place: tuple[int, int] | None) -> int:
    return int.from_bytes(content[place[0] : place[0] + place[1]], "little") if place else 0
