"""Bounds that keep a damaged or hostile file from exhausting memory, and a resolution from being nonsense."""

import math
from collections.abc import Sequence

from .errors import SlideTooLarge, UnreadableSlide

MAX_SIDE_PX = 1_000_000
MAX_SLIDE_PX = 200_000_000_000
MAX_TILE_PX = 8192 * 8192
MAX_PLAIN_PX = 100_000_000
MPP_RANGE_UM = (0.05, 20.0)
MAX_ASPECT_OF_PIXEL = 1.05


def sane_mpp(across_um: float, down_um: float) -> float | None:
    """Accept a resolution from a file only when it can be a microscope's.

    A generic TIFF's 72, 96 or 300 dpi (353 to 85 µm) is a printing default and no mpp. Pixels must be square
    within 5 %.
    """
    low, high = MPP_RANGE_UM
    if not (low <= across_um <= high and low <= down_um <= high):
        return None
    if max(across_um, down_um) > MAX_ASPECT_OF_PIXEL * min(across_um, down_um):
        return None
    return across_um if across_um == down_um else math.sqrt(across_um * down_um)


def check_pyramid(dimensions: Sequence[tuple[int, int]]) -> None:
    """Refuse a pyramid whose declared size is absurd, or that is large and has no overview level."""
    if not dimensions:
        raise UnreadableSlide("The slide holds no image level. Export it again from the scanner.")
    width, height = dimensions[0]
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_SLIDE_PX:
        raise SlideTooLarge(
            f"The file declares {width:,} × {height:,} pixels; at most {MAX_SIDE_PX:,} a side and "
            f"{MAX_SLIDE_PX:,} in all are accepted. The header is probably damaged: export the slide again."
        )
    smallest = min(w * h for w, h in dimensions)
    if smallest > MAX_PLAIN_PX:
        raise SlideTooLarge(
            f"The smallest level has {smallest:,} pixels; at most {MAX_PLAIN_PX:,} are accepted without an overview. "
            "Save it as a pyramidal tiled TIFF."
        )


def check_plain(width: int, height: int) -> None:
    """Refuse a plain image that has to be decoded as a whole and is too large for that."""
    if width < 1 or height < 1:
        raise UnreadableSlide(f"The image declares {width} × {height} pixels. Export it again.")
    if width * height > MAX_PLAIN_PX:
        raise SlideTooLarge(
            f"The file declares {width:,} × {height:,} pixels in a plain image; at most {MAX_PLAIN_PX:,} pixels are "
            "accepted outside a whole-slide format. Save it as a pyramidal tiled TIFF."
        )
