"""Give tiles to the browser as the scanner compressed them: one read and a join, nothing is decoded.

A `TileIndex` says where each compressed tile of a slide lies, for those served levels that may be passed through. It is
made at import (`indexing.py`) and stored with the slide. What it does not hold is decoded (`tiles.py`).
"""

import json
import os
import struct
import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from .errors import UnreadableSlide

START_OF_IMAGE, END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
MAGIC = b"CSTI\x02"

# Gives the descriptor of one of the slide's files, by its number.
OpenFile = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class StoredTiles:
    """The compressed tiles of one stored level, row by row."""

    file: int
    "Which of the slide's files, in name order, holds them."
    columns: int
    rows: int
    sound_columns: int
    "Columns and rows beyond these are not trusted: some scanners write rubbish into the edge tiles of reduced levels."
    sound_rows: int
    prefix: bytes
    "Sent before each tile, in place of its first `skipped_bytes`."
    skipped_bytes: int
    is_ended: bool
    "Whether whole tiles end with the JPEG's last marker, so that a torn one can be told."
    offsets: "array[int]" = field(repr=False)
    counts: "array[int]" = field(repr=False)

    def jpeg(self, open_file: OpenFile, column: int, row: int) -> bytes | None:
        """Read one tile; None where it has to be decoded: an edge that is not trusted, or a tile left out as blank.

        Raises:
            UnreadableSlide: the file is shorter than it was, or other bytes lie there.
        """
        if column >= self.sound_columns or row >= self.sound_rows:
            return None
        place = row * self.columns + column
        count = self.counts[place]
        if not count:
            return None
        skipped = self.skipped_bytes
        body = os.pread(open_file(self.file), count - skipped, self.offsets[place] + skipped)
        if len(body) != count - skipped or (self.is_ended and body[-2:] != END_OF_IMAGE) or 0xFF not in body[:1]:
            raise UnreadableSlide(
                f"Tile {column}_{row} is damaged: {count} bytes of JPEG were expected at byte {self.offsets[place]} of "
                "the file. It was changed or cut off after its import: restore it."
            )
        return self.prefix + body


@dataclass(frozen=True)
class TileIndex:
    """Which served levels pass through, by their number, and how long each file of the slide was at import."""

    levels: dict[int, StoredTiles]
    file_bytes: list[int]
    jpeg_2000: dict[int, StoredTiles] = field(default_factory=dict)
    "Levels whose tiles no browser shows; they are decoded here, which OpenSlide does more slowly."

    @property
    def memory_bytes(self) -> int:
        """Give roughly what it takes to keep the index."""
        return sum(12 * len(tiles.counts) + 500 for _number, tiles in self._all())

    def _all(self) -> list[tuple[int, StoredTiles]]:
        return [*self.levels.items(), *self.jpeg_2000.items()]

    def to_bytes(self) -> bytes:
        """Give the form that is stored: a JSON head, then offsets (8 bytes) and counts (4 bytes), little endian."""
        names = ("file", "columns", "rows", "sound_columns", "sound_rows", "skipped_bytes", "is_ended")
        heads = [
            {"level": level, "prefix": tiles.prefix.hex(), **{name: getattr(tiles, name) for name in names}}
            for level, tiles in self._all()
        ]
        parts = {"file_bytes": self.file_bytes, "levels": heads, "jpeg_2000": list(self.jpeg_2000)}
        head = json.dumps(parts).encode()
        numbers = [_little(numbers) for _number, tiles in self._all() for numbers in (tiles.offsets, tiles.counts)]
        return b"".join([MAGIC, struct.pack("<I", len(head)), head, *numbers])

    @classmethod
    def from_bytes(cls, stored: bytes | memoryview) -> Self:
        """Read the stored form.

        Raises:
            ValueError: it is of another kind.
        """
        view = memoryview(stored)
        if view[:5] != MAGIC:
            raise ValueError("This is no tile index of this release; run `manage.py refresh_tile_versions`.")
        (length,) = struct.unpack_from("<I", view, 5)
        at = 9 + length
        head = json.loads(bytes(view[9:at]))
        levels = {}
        for found in head["levels"]:
            level, tiles = found.pop("level"), found["columns"] * found["rows"]
            prefix = bytes.fromhex(found.pop("prefix"))
            offsets, counts = (
                _array("Q", view[at : at + 8 * tiles]),
                _array("I", view[at + 8 * tiles : at + 12 * tiles]),
            )
            at += 12 * tiles
            levels[level] = StoredTiles(prefix=prefix, offsets=offsets, counts=counts, **found)
        apart = {level: levels.pop(level) for level in head["jpeg_2000"]}
        return cls(levels, head["file_bytes"], apart)


def _little(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers = array(numbers.typecode, numbers)
        numbers.byteswap()
    return numbers.tobytes()


def _array(typecode: str, stored: memoryview) -> "array[int]":
    numbers: array[int] = array(typecode)
    numbers.frombytes(stored)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
