"""What every slide reader offers, whichever library decodes the pixels.

Pictures are `uint8 [H, W, 3] RGB`, C-contiguous. Pixels outside the slide, and transparent ones, are white.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from .colour import srgb_converter
from .errors import RegionOutsideSlide, SlideTooLarge

Picture = NDArray[np.uint8]

MAX_READ_PX = 100_000_000
BAND_PX = 16_000_000


@dataclass(frozen=True, slots=True)
class NativeLevel:
    """One resolution stored in the file; `downsample` is level-0 pixels per pixel of this level."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    downsample: float


class SlideReader(ABC):
    """An open slide. Reading is thread safe; `close` waits for reads that are under way."""

    path: Path
    format: str
    mpp: float | None
    levels: tuple[NativeLevel, ...]
    _convert: Callable[[Picture], Picture] | None = None

    @property
    def width_l0(self) -> int:
        """Width in level-0 pixels."""
        return self.levels[0].width

    @property
    def height_l0(self) -> int:
        """Height in level-0 pixels."""
        return self.levels[0].height

    @abstractmethod
    def _read(self, x_l0: int, y_l0: int, level: int, width_px: int, height_px: int) -> Picture: ...

    def icc_profile(self) -> bytes | None:
        """Return the ICC profile that the file carries."""
        return None

    def convert_to_srgb(self) -> None:
        """Give every picture from now on in sRGB.

        Raises:
            UnsupportedSlide: the file carries no profile that can be used.
        """
        self._convert = srgb_converter(self.icc_profile())

    def _pixels(self, x_l0: int, y_l0: int, level: int, width_px: int, height_px: int) -> Picture:
        picture = self._read(x_l0, y_l0, level, width_px, height_px)
        return picture if self._convert is None else self._convert(picture)

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        """Use the reader as a context that closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the reader."""
        self.close()

    def read_region(self, x_l0: int, y_l0: int, level: int, width_px: int, height_px: int) -> Picture:
        """Read a rectangle whose corner is in level-0 pixels and whose size is in pixels of `level`.

        Raises:
            RegionOutsideSlide: no such level, or a size below one pixel.
            SlideTooLarge: more pixels than fit in bounded memory.
            UnreadableSlide: the bytes under the rectangle are damaged.
        """
        if not 0 <= level < len(self.levels):
            raise RegionOutsideSlide(f"There is no level {level}; this slide has levels 0 to {len(self.levels) - 1}.")
        if width_px < 1 or height_px < 1:
            raise RegionOutsideSlide(f"A region of {width_px} × {height_px} pixels is empty; ask for at least 1 × 1.")
        if width_px * height_px > MAX_READ_PX:
            raise SlideTooLarge(
                f"A region of {width_px} × {height_px} pixels was asked for at once; "
                f"at most {MAX_READ_PX:,} pixels are read. Use a lower level or smaller regions."
            )
        return self._pixels(x_l0, y_l0, level, width_px, height_px)

    def level_for(self, downsample: float) -> int:
        """Choose the coarsest stored level that is at least as fine as `downsample`."""
        fine = [i for i, level in enumerate(self.levels) if level.downsample <= downsample * 1.005]
        return max(fine, key=lambda i: self.levels[i].downsample, default=0)

    def read_scaled(
        self, x_l0: int, y_l0: int, width_l0: int, height_l0: int, width_px: int, height_px: int
    ) -> Picture:
        """Read a rectangle given in level-0 pixels into a picture of `width_px` × `height_px`.

        Takes the coarsest stored level that is fine enough and averages areas; enlarges bilinearly.
        """
        if min(width_l0, height_l0, width_px, height_px) < 1:
            raise RegionOutsideSlide("An empty region was asked for; width and height must be at least 1.")
        index = self.level_for(min(width_l0 / width_px, height_l0 / height_px))
        downsample = self.levels[index].downsample
        width = max(1, round(width_l0 / downsample))
        height = max(1, round(height_l0 / downsample))
        picture = self.read_reduced(x_l0, y_l0, index, width, height, min(width // width_px, height // height_px))
        if picture.shape[:2] == (height_px, width_px):
            return picture
        shrinks = picture.shape[1] >= width_px and picture.shape[0] >= height_px
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(picture, (width_px, height_px), interpolation=method), np.uint8)

    def read_reduced(self, x_l0: int, y_l0: int, level: int, width: int, height: int, factor: int) -> Picture:
        """Read `width` × `height` pixels of a level, averaged over `factor` × `factor`, in bands of bounded memory."""
        if factor < 2:
            return self.read_region(x_l0, y_l0, level, width, height)
        downsample = self.levels[level].downsample
        rows = max(1, BAND_PX // width // factor) * factor
        bands = []
        for top in range(0, height - height % factor, rows):
            band_height = min(rows, height - height % factor - top)
            band = self._pixels(x_l0, round(y_l0 + top * downsample), level, width - width % factor, band_height)
            size = (band.shape[1] // factor, band.shape[0] // factor)
            bands.append(cv2.resize(band, size, interpolation=cv2.INTER_AREA))
        return np.ascontiguousarray(np.concatenate(bands), np.uint8)

    def thumbnail(self, max_px: int) -> Picture:
        """Render the whole slide into at most `max_px` × `max_px`; a smaller slide keeps its size."""
        scale = min(1.0, max_px / max(self.width_l0, self.height_l0))
        width, height = max(1, round(self.width_l0 * scale)), max(1, round(self.height_l0 * scale))
        return self.read_scaled(0, 0, self.width_l0, self.height_l0, width, height)
