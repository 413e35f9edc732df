"""Plain TIFF, OME-TIFF, PNG and JPEG: decoded once, as a whole, up to 10⁸ pixels.

Half-size levels are derived from the decoded picture. Large pictures lie in an unlinked temporary file, so that
the system can take their memory back.
"""

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from .errors import DiskFull, UnreadableSlide
from .reader import NativeLevel, Picture, SlideReader

TILE_PX = 256
IN_MEMORY_PX = 25_000_000


class PlainReader(SlideReader):
    """A picture that is decoded at the first read and held until closed."""

    def __init__(
        self,
        path: Path,
        format: str,
        width: int,
        height: int,
        mpp: float | None,
        decode: Callable[[], Picture],
        profile: bytes | None = None,
    ) -> None:
        """Note the size; `decode` gives the whole picture as `uint8 [H, W, 3] RGB`. `profile`: the ICC profile."""
        self.path = path
        self.format = format
        self.mpp = mpp
        self._decode = decode
        self._profile = profile
        self._lock = threading.Lock()
        self._closed = False
        self._pictures: list[Picture] = []
        sizes = [(width, height)]
        while max(sizes[-1]) > TILE_PX:
            sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
        self.levels = tuple(NativeLevel(w, h, TILE_PX, TILE_PX, float(2**i)) for i, (w, h) in enumerate(sizes))

    def icc_profile(self) -> bytes | None:
        """Return the profile that came with the picture."""
        return self._profile

    def _decoded(self) -> list[Picture]:
        with self._lock:
            if self._closed:
                raise UnreadableSlide("The slide has been closed.")
            if not self._pictures:
                picture = self._decode()
                if picture.shape != (self.height_l0, self.width_l0, 3):
                    raise UnreadableSlide("The image's pixels do not match its declared size. Export it again.")
                self._pictures = _halvings(_spilled(picture), len(self.levels))
            return self._pictures

    def _read(self, x_l0: int, y_l0: int, level: int, width_px: int, height_px: int) -> Picture:
        source = self._decoded()[level]
        downsample = round(self.levels[level].downsample)
        x, y = x_l0 // downsample, y_l0 // downsample
        picture = np.full((height_px, width_px, 3), 255, np.uint8)
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width_px, source.shape[1]), min(y + height_px, source.shape[0])
        if left < right and top < bottom:
            picture[top - y : bottom - y, left - x : right - x] = source[top:bottom, left:right]
        return picture

    def close(self) -> None:
        """Forget the decoded picture."""
        with self._lock:
            self._closed = True
            self._pictures = []


def _spilled(picture: Picture) -> Picture:
    """Move a large picture into an unlinked temporary file that is mapped into memory."""
    if picture.shape[0] * picture.shape[1] <= IN_MEMORY_PX:
        return np.ascontiguousarray(picture)
    try:
        with tempfile.TemporaryFile() as file:
            picture.tofile(file)
            file.flush()
            return np.memmap(file, np.uint8, "r", shape=picture.shape)
    except OSError as error:
        raise DiskFull(
            f"No space left in {tempfile.gettempdir()} for {picture.nbytes:,} bytes of decoded pixels. Free some space."
        ) from error


def _halvings(picture: Picture, count: int) -> list[Picture]:
    pictures = [picture]
    for _ in range(count - 1):
        pictures.append(halved(pictures[-1]))
    return pictures


def halved(picture: Picture) -> Picture:
    """Average 2 × 2 pixels; an odd last column or row counts twice."""
    height, width = picture.shape[:2]
    if width % 2 or height % 2:
        picture = np.asarray(cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
    size = (picture.shape[1] // 2, picture.shape[0] // 2)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
