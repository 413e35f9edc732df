"""Slides that OpenSlide opens. Only sizes, tile sizes and the resolution are taken from its properties.

Label and macro images and free-text properties may name a patient and are never touched.
"""

import threading
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import openslide
from PIL import ImageCms

from .dicom import is_ycbcr_called_rgb
from .errors import UnreadableSlide, UnsupportedSlide
from .limits import check_pyramid, sane_mpp
from .reader import NativeLevel, Picture, SlideReader

DEFAULT_TILE_PX = 256
CACHE_BYTES = 64 * 1024 * 1024

_cache_lock = threading.Lock()
_cache: openslide.OpenSlideCache | None = None


def shared_cache() -> openslide.OpenSlideCache:
    """Give the one cache of decoded tiles that all readers of this process share."""
    global _cache
    with _cache_lock:
        if _cache is None:
            _cache = openslide.OpenSlideCache(CACHE_BYTES)
        return _cache


def set_cache_bytes(capacity_bytes: int) -> None:
    """Set the size of the shared cache; slides opened from now on use it."""
    global _cache
    with _cache_lock:
        _cache = openslide.OpenSlideCache(capacity_bytes)


class OpenSlideReader(SlideReader):
    """A slide behind OpenSlide. A handle that has failed once fails for ever, so it is dropped and opened anew."""

    def __init__(self, path: Path, vendor: str) -> None:
        """Open the slide and read its levels and resolution."""
        self.path = path
        self.format = vendor
        self._lock = threading.Condition()
        self._reading = 0
        self._closed = False
        self._handle: openslide.OpenSlide | None = None
        handle = self._opened()
        check_pyramid(handle.level_dimensions)
        self.levels = _native_levels(handle)
        self.mpp = _mpp(handle.properties)
        _refuse_fluorescence(handle.properties)
        self._is_ycbcr = vendor == "dicom" and is_ycbcr_called_rgb(path)

    def _opened(self) -> openslide.OpenSlide:
        with self._lock:
            if self._closed:
                raise UnreadableSlide("The slide has been closed.")
            if self._handle is None:
                try:
                    self._handle = openslide.OpenSlide(self.path)
                    self._handle.set_cache(shared_cache())
                except (openslide.OpenSlideError, OSError) as error:
                    raise UnreadableSlide(
                        f"The slide is damaged or incomplete ({error}). Export it again from the scanner."
                    ) from error
            return self._handle

    def icc_profile(self) -> bytes | None:
        """Return the profile of the pyramid, if OpenSlide finds one that can be read."""
        try:
            profile = self._opened().color_profile
        except (OSError, ImageCms.PyCMSError):
            return None
        return None if profile is None else bytes(profile.tobytes())

    def _read(self, x_l0: int, y_l0: int, level: int, width_px: int, height_px: int) -> Picture:
        handle = self._opened()
        with self._lock:
            self._reading += 1
        try:
            rgba = np.asarray(handle.read_region((x_l0, y_l0), level, (width_px, height_px)))
        except openslide.OpenSlideError as error:
            with self._lock:
                if self._handle is handle:
                    self._handle = None
            raise UnreadableSlide(
                f"The slide's pixels at ({x_l0}, {y_l0}), level {level}, cannot be decoded ({error}). "
                "The file is damaged or incomplete: copy or export it again."
            ) from error
        finally:
            with self._lock:
                self._reading -= 1
                self._lock.notify_all()
        if self._is_ycbcr:
            rgba = np.dstack([_rgb_of_ycbcr(rgba), rgba[..., 3]])
        return on_white(rgba)

    def close(self) -> None:
        """Close the handle once no thread reads from it."""
        with self._lock:
            self._closed = True
            self._lock.wait_for(lambda: self._reading == 0)
            if self._handle is not None:
                self._handle.close()
                self._handle = None


def _rgb_of_ycbcr(ycbcr: Picture) -> Picture:
    # OpenCV wants Cr before Cb; its formula is that of JFIF.
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(ycbcr[..., [0, 2, 1]]), cv2.COLOR_YCrCb2RGB), np.uint8)


def on_white(rgba: Picture) -> Picture:
    """Compose an RGBA picture (straight alpha) on white."""
    alpha = rgba[..., 3:]
    if alpha.min(initial=255) == 255:
        return np.ascontiguousarray(rgba[..., :3])
    share = alpha.astype(np.uint16)
    blended = (rgba[..., :3] * share + 255 * (255 - share) + 127) // 255
    return blended.astype(np.uint8)


def _native_levels(handle: openslide.OpenSlide) -> tuple[NativeLevel, ...]:
    levels = []
    for i, ((width, height), downsample) in enumerate(
        zip(handle.level_dimensions, handle.level_downsamples, strict=True)
    ):
        tile_width, tile_height = (
            int(handle.properties.get(f"openslide.level[{i}].tile-{side}", 0)) for side in ("width", "height")
        )
        if not (64 <= tile_width <= 1024 and 64 <= tile_height <= 1024):
            # Strips, and whole pictures in one tile, make no sensible tile for a browser.
            tile_width = tile_height = DEFAULT_TILE_PX
        levels.append(NativeLevel(width, height, tile_width, tile_height, float(downsample)))
    return tuple(levels)


def _mpp(properties: Mapping[str, str]) -> float | None:
    try:
        across = float(properties[openslide.PROPERTY_NAME_MPP_X])
        down = float(properties[openslide.PROPERTY_NAME_MPP_Y])
    except (KeyError, ValueError):
        return None
    return sane_mpp(across, down)


def _refuse_fluorescence(properties: Mapping[str, str]) -> None:
    if "FLUOR" in properties.get("mirax.GENERAL.SLIDE_TYPE", "").upper():
        raise UnsupportedSlide(
            "This is a fluorescence slide; a brightfield RGB slide (H&E or IHC) was expected. "
            "Import the brightfield scan."
        )
