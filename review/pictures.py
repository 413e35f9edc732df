"""Pictures cut from slides: the same square of tissue on consecutive sections."""

from collections.abc import Sequence

import cv2
import numpy as np
import simplejpeg

from review.windows import Window, outline
from viewer.imaging.reader import Picture
from viewer.models import Slide
from viewer.readers import open_reader

QUALITY = 88


def jpeg(picture: Picture) -> bytes:
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=QUALITY, colorspace="RGB"))


def square(source: Slide, slide: Slide, window: Window, matrix: Sequence[float], side_px: int) -> Picture:
    """Cut a window of the source slide out of another slide of its pair, turned back as the source lies."""
    corners = np.asarray(outline(source, window, matrix), np.float64)
    low, high = np.floor(corners.min(axis=0)).astype(int) - 2, np.ceil(corners.max(axis=0)).astype(int) + 3
    width, height = (int(value) for value in high - low)
    # Read no finer than it is shown.
    shrink = max(1.0, min(width, height) / (2 * side_px))
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    with open_reader(slide) as reader:
        picture = reader.read_scaled(int(low[0]), int(low[1]), width, height, *size)
    scale = np.array(size) / np.array([width, height])
    seen = ((corners[[0, 1, 3]] + 0.5 - low) * scale - 0.5).astype(np.float32)
    shown = np.array([[0, 0], [side_px, 0], [0, side_px]], np.float32) - 0.5
    turn = cv2.getAffineTransform(seen, shown)
    flat = cv2.warpAffine(picture, turn, (side_px, side_px), flags=cv2.INTER_AREA, borderValue=(255, 255, 255))
    return np.asarray(flat, np.uint8)
