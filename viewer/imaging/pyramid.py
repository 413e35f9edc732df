"""Write a tiled, pyramidal TIFF from top to bottom in bounded memory.

Level-0 tiles are encoded as rows come in and go straight into the file; each reduced level lies as encoded tiles in a
temporary file until it is its turn. Levels are top-level directories with NewSubfileType 1 (OpenSlide does not read
SubIFDs), the resolution is in pixels per centimetre, so that OpenSlide reports the mpp.
"""

import os
import struct
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import cv2
import numpy as np
import simplejpeg

from .errors import SlideTooLarge
from .limits import MAX_SIDE_PX, MAX_SLIDE_PX
from .output import NO_SPACE, discard, disk_full, move_into_place, part_file
from .plain_reader import halved
from .reader import Picture

SHORT, LONG, RATIONAL, ASCII, UNDEFINED, LONG8 = 3, 4, 5, 2, 7, 16
TYPE_BYTES = {SHORT: 2, LONG: 4, RATIONAL: 8, ASCII: 1, UNDEFINED: 1, LONG8: 8}
WHITE = 255
SOFTWARE = "Counterstain"
# Code, type and values of one entry of a TIFF directory.
Tag = tuple[int, int, Sequence[int] | bytes]


class PyramidWriter:
    """A pyramid under construction; use as a context. On any error nothing is left, the target is untouched."""

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        mpp: float,
        description: str = "",
        tile_px: int = 256,
        quality: int = 88,
    ) -> None:
        """Set the size in pixels and the resolution in µm per pixel.

        `description` becomes the ImageDescription and should say what the picture is ("SYNTHETIC …").
        """
        if width < 1 or height < 1 or max(width, height) > MAX_SIDE_PX or width * height > MAX_SLIDE_PX:
            raise SlideTooLarge(f"A pyramid of {width:,} × {height:,} pixels cannot be written; see limits.py.")
        if not mpp > 0:
            raise ValueError(f"mpp must be positive, got {mpp}")
        if tile_px % 16 or not 64 <= tile_px <= 1024:
            raise ValueError(f"tile_px must be a multiple of 16 between 64 and 1024, got {tile_px}")
        self.path = Path(path)
        self.width, self.height, self.mpp = width, height, mpp
        self.description = description
        self.tile_px, self.quality = tile_px, quality
        self._levels: list[_Level] = []
        self._file: IO[bytes] | None = None
        self._rows_written = 0

    def __enter__(self) -> Self:
        """Open a temporary file beside the target."""
        with self._clearing_up():
            self._file, self._part = part_file(self.path)
            # BigTIFF header; the offset of the first directory is filled in at the end.
            self._file.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))
            width, height = self.width, self.height
            self._levels = [_Level(width, height, self.tile_px, self.quality, self._file)]
            while max(width, height) > self.tile_px:
                width, height = -(-width // 2), -(-height // 2)
                # Closed by _Level.close, on every way out.
                spool = tempfile.TemporaryFile(dir=self.path.parent)
                self._levels.append(_Level(width, height, self.tile_px, self.quality, spool))
        return self

    def write_rows(self, rows: Picture) -> None:
        """Append rows, `uint8 [h, width, 3] RGB`, any number at a time, from the top down.

        Raises:
            ValueError: wrong shape or type, or more rows than the height.
            DiskFull: no space left; the temporary file is gone.
        """
        if rows.ndim != 3 or rows.shape[1:] != (self.width, 3) or rows.dtype != np.uint8:
            raise ValueError(f"rows must be uint8 [h, {self.width}, 3], got {rows.dtype} {rows.shape}")
        if self._rows_written + rows.shape[0] > self.height:
            raise ValueError(f"{self._rows_written + rows.shape[0]} rows given, the pyramid has {self.height}")
        with self._clearing_up():
            for top in range(0, rows.shape[0], self.tile_px):
                self._push(0, rows[top : top + self.tile_px])
        self._rows_written += rows.shape[0]

    def _push(self, index: int, rows: Picture) -> None:
        """Give rows to a level and the halved strips that it completes to the next one."""
        for strip in self._levels[index].take(rows):
            if index + 1 < len(self._levels):
                self._push(index + 1, halved(strip))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish and move the file into place, or remove it when the block failed."""
        if kind is not None:
            self._discard()
            return
        with self._clearing_up():
            if self._rows_written != self.height:
                raise ValueError(f"{self._rows_written} of {self.height} rows were written")
            self._finish()

    def _finish(self) -> None:
        assert self._file is not None
        for level in self._levels[1:]:
            level.append_to(self._file)
        link_at = 8
        for index, level in enumerate(self._levels):
            link_at = _write_directory(self._file, link_at, self._tags(level, index))
        for level in self._levels[1:]:
            level.close()
        move_into_place(self._file, self._part, self.path)

    def _tags(self, level: "_Level", index: int) -> list[Tag]:
        scale = 2**index
        # Pixels per centimetre as a fraction with six decimals.
        per_cm = [round(10_000 / (self.mpp * scale) * 1_000_000), 1_000_000]
        while max(per_cm) >= 2**32:
            per_cm = [value // 10 for value in per_cm]
        tags: list[Tag] = [
            (254, LONG, [1 if index else 0]),
            (256, LONG, [level.width]),
            (257, LONG, [level.height]),
            (258, SHORT, [8, 8, 8]),
            (259, SHORT, [7]),
            (262, SHORT, [6]),
            (270, ASCII, self.description.encode("ascii", "xmlcharrefreplace") + b"\0"),
            (277, SHORT, [3]),
            (282, RATIONAL, per_cm),
            (283, RATIONAL, per_cm),
            (284, SHORT, [1]),
            (296, SHORT, [3]),
            (305, ASCII, SOFTWARE.encode() + b"\0"),
            (322, LONG, [self.tile_px]),
            (323, LONG, [self.tile_px]),
            (324, LONG8, level.offsets),
            (325, LONG8, level.counts),
            (530, SHORT, [2, 2]),
        ]
        return tags if self.description else [tag for tag in tags if tag[0] != 270]

    @contextmanager
    def _clearing_up(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._discard()
            if isinstance(error, OSError) and error.errno in NO_SPACE:
                raise disk_full(self.path) from error
            raise

    def _discard(self) -> None:
        for level in self._levels[1:]:
            level.close()
        if self._file is not None:
            discard(self._file, self._part)
            self._file = None


class _Level:
    """One resolution: rows waiting for a full strip of tiles, and where each encoded tile lies."""

    def __init__(self, width: int, height: int, tile_px: int, quality: int, file: IO[bytes]) -> None:
        self.width, self.height = width, height
        self.tile_px, self.quality = tile_px, quality
        self.file = file
        self.offsets = array("Q")
        self.counts = array("Q")
        self._waiting = np.empty((tile_px, width, 3), np.uint8)
        self._filled = 0
        self._rows_done = 0

    def take(self, rows: Picture) -> Iterator[Picture]:
        """Buffer rows; each completed strip is encoded and given back."""
        at = 0
        while at < rows.shape[0]:
            count = min(self.tile_px - self._filled, rows.shape[0] - at)
            self._waiting[self._filled : self._filled + count] = rows[at : at + count]
            self._filled += count
            at += count
            if self._filled == self.tile_px or self._rows_done + self._filled == self.height:
                strip = self._waiting[: self._filled]
                self._encode(strip)
                self._rows_done += self._filled
                yield strip
                self._filled = 0

    def _encode(self, strip: Picture) -> None:
        side = self.tile_px
        for left in range(0, self.width, side):
            tile = strip[:, left : left + side]
            missing_rows, missing_columns = side - tile.shape[0], side - tile.shape[1]
            if missing_rows or missing_columns:
                # Repeating the last pixels compresses well and leaves no seam.
                tile = np.asarray(
                    cv2.copyMakeBorder(tile, 0, missing_rows, 0, missing_columns, cv2.BORDER_REPLICATE), np.uint8
                )
            encoded = simplejpeg.encode_jpeg(
                np.ascontiguousarray(tile), quality=self.quality, colorspace="RGB", colorsubsampling="420"
            )
            self.offsets.append(self.file.tell())
            self.counts.append(len(encoded))
            self.file.write(encoded)

    def append_to(self, target: IO[bytes]) -> None:
        """Copy the spooled tiles to the end of the file."""
        shift = target.seek(0, os.SEEK_END)
        self.file.seek(0)
        while chunk := self.file.read(4 * 1024 * 1024):
            target.write(chunk)
        self.offsets = array("Q", (offset + shift for offset in self.offsets))

    def close(self) -> None:
        """Let go of the file; a spool has no name, so what could not be flushed goes with it."""
        with suppress(OSError):
            self.file.close()


def _write_directory(file: IO[bytes], link_at: int, tags: list[Tag]) -> int:
    """Write one BigTIFF directory at the end, link it in, and give the place where the next one is linked."""
    entries = []
    for code, kind, values in tags:
        payload = values if isinstance(values, bytes) else _packed(kind, values)
        count = len(payload) // TYPE_BYTES[kind]
        if len(payload) <= 8:
            entries.append(struct.pack("<HHQ", code, kind, count) + payload.ljust(8, b"\0"))
        else:
            file.seek(0, os.SEEK_END)
            entries.append(struct.pack("<HHQQ", code, kind, count, _aligned(file)))
            file.write(payload)
    file.seek(0, os.SEEK_END)
    at = _aligned(file)
    file.write(struct.pack("<Q", len(entries)) + b"".join(entries) + struct.pack("<Q", 0))
    file.seek(link_at)
    file.write(struct.pack("<Q", at))
    return at + 8 + 20 * len(entries)


def _aligned(file: IO[bytes]) -> int:
    file.write(b"\0" * (-file.tell() % 8))
    return file.tell()


def _packed(kind: int, values: Sequence[int]) -> bytes:
    letter = {SHORT: "H", LONG: "I", RATIONAL: "I", LONG8: "Q"}[kind]
    return struct.pack(f"<{len(values)}{letter}", *values)
