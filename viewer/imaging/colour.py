"""Colour management: what a slide's ICC profile is called, and its pixels converted to sRGB.

Tiles that are passed through carry the scanner's own colours, without the profile: real ones have up to 13 MB. So a
slide is shown either as scanned, or converted on the server; which one is said wherever it matters.
"""

import io
import re
from collections.abc import Callable
from typing import Literal

import numpy as np
from PIL import Image, ImageCms

from .errors import UnsupportedSlide

Colour = Literal["native", "srgb"]
Picture = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
COLOURS: tuple[Colour, ...] = ("native", "srgb")
LONGEST_NAME = 80
UNNAMED = "ICC profile without a name"


def colour_named(name: str) -> Colour:
    """Return the colour mode of a name, as it is recorded with slides and data sets.

    Raises:
        UnsupportedSlide: there is no such mode.
    """
    for colour in COLOURS:
        if colour == name:
            return colour
    raise UnsupportedSlide(f"There is no colour mode {name!r}; known are {', '.join(COLOURS)}.")


def profile_name(profile: bytes | None) -> str:
    """Return the name of an RGB profile, fit to be shown; empty when there is none, or none that can be used."""
    if not profile:
        return ""
    try:
        parsed = ImageCms.getOpenProfile(io.BytesIO(profile))
        if parsed.profile.xcolor_space.strip() != "RGB":
            return ""
        name = ImageCms.getProfileDescription(parsed)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return ""
    return re.sub(r"[^ -~]+", " ", name).strip()[:LONGEST_NAME] or UNNAMED


def is_srgb(name: str) -> bool:
    """Say by its name whether a profile is sRGB already, so that there is nothing to convert."""
    return "srgb" in name.lower().replace(" ", "")


def srgb_converter(profile: bytes | None) -> Callable[[Picture], Picture]:
    """Return a function that converts `uint8 [H, W, 3]` pixels from a profile to sRGB, by the profile's own intent.

    Raises:
        UnsupportedSlide: no RGB profile, or a damaged one.
    """
    if not profile or not profile_name(profile):
        raise UnsupportedSlide(
            "The slide holds no ICC profile of an RGB scanner, so its colours cannot be converted to sRGB. "
            "Show it as scanned."
        )
    source = ImageCms.getOpenProfile(io.BytesIO(profile))
    try:
        intent = ImageCms.Intent(ImageCms.getDefaultIntent(source))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), "RGB", "RGB", intent)
    except (ImageCms.PyCMSError, ValueError) as error:
        raise UnsupportedSlide(f"The slide's ICC profile cannot be used ({error}). Show it as scanned.") from error

    def convert(picture: Picture) -> Picture:
        image = Image.fromarray(picture)
        ImageCms.applyTransform(image, transform, inPlace=True)
        return np.array(image, np.uint8)

    return convert
