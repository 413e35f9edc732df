"""Decode JPEG 2000 tiles, which no browser shows, straight from their bytes: cheaper than through OpenSlide."""

import imagecodecs
import numpy as np

from .errors import UnreadableSlide
from .reader import Picture


def decode_jpeg_2000(compressed: bytes) -> Picture:
    """Decode one tile of three channels of 8 bits.

    Raises:
        UnreadableSlide: it is damaged, or holds something else.
    """
    try:
        picture = np.asarray(imagecodecs.jpeg2k_decode(compressed))
    except (imagecodecs.Jpeg2kError, ValueError, RuntimeError) as error:
        raise UnreadableSlide(f"A JPEG 2000 tile cannot be decoded ({error}). Restore the file.") from error
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise UnreadableSlide(f"A JPEG 2000 tile decodes to {picture.dtype} {picture.shape}; 8-bit RGB was expected.")
    return np.ascontiguousarray(picture)
