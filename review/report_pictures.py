"""Pictures of a report: each slide as a whole with the window and the pins on it, and the window itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from PIL import Image, ImageDraw

from review.pictures import jpeg, square
from review.report_facts import ReportFacts
from review.typography import picture_font
from review.windows import IDENTITY, Point, Window, map_to, outline
from viewer.imaging.errors import ImagingError
from viewer.imaging.reader import Picture
from viewer.models import Slide
from viewer.readers import open_reader

OVERVIEW_PX = 480
WINDOW_PX = 480
PIN_PX = 9
LIGHT, DARK, PIN_INK = (255, 255, 255), (20, 20, 20), (122, 47, 160)


@dataclass(frozen=True)
class ReportPicture:
    """A picture with its caption; without bytes its file is out of reach, and the report is worth having without it."""

    caption: str
    jpeg: bytes | None
    synthetic: bool


def overviews(facts: ReportFacts) -> list[ReportPicture]:
    """Show source, real and synthetic slide, the window outlined, the verdict's pins on the synthetic one."""
    return [ReportPicture(name, _overview(facts, slide), slide.is_synthetic) for name, slide in named_slides(facts)]


def window_pictures(facts: ReportFacts) -> list[ReportPicture]:
    """Show the window on every slide; nothing without a window."""
    if facts.window is None:
        return []
    window = _window(facts.window)
    return [
        ReportPicture(name, _cut(facts.source, slide, window), slide.is_synthetic)
        for name, slide in named_slides(facts)
        if map_to(facts.source, slide) is not None
    ]


def named_slides(facts: ReportFacts) -> list[tuple[str, Slide]]:
    slides = [(_("%(stain)s, source") % {"stain": facts.source.stain_name}, facts.source)]
    if facts.real is not None:
        slides.append((_("%(stain)s, real") % {"stain": facts.real.stain_name}, facts.real))
    return [*slides, (_("%(stain)s, SYNTHETIC") % {"stain": facts.slide.stain_name}, facts.slide)]


def _window(place: dict[str, Any]) -> Window:
    return Window(place["x"], place["y"], place["side_um"])


def _overview(facts: ReportFacts, slide: Slide) -> bytes | None:
    matrix = map_to(facts.source, slide)
    corners = outline(facts.source, _window(facts.window), matrix) if facts.window and matrix else []
    pins = facts.review.pins if facts.review and slide.is_synthetic else []
    try:
        with open_reader(slide) as reader:
            picture = reader.thumbnail(OVERVIEW_PX)
    except (ImagingError, OSError):
        return None
    scale = max(picture.shape[:2]) / max(slide.width_l0, slide.height_l0)
    return jpeg(marked(picture, scale, corners, [(pin["x"], pin["y"]) for pin in pins]))


def marked(picture: Picture, scale: float, corners: Sequence[Point], pins: Sequence[Point]) -> Picture:
    """Draw an outline and numbered pins, given in level-0 pixels, on a picture of so many pixels for each of those."""
    image = Image.fromarray(picture)
    draw, font = ImageDraw.Draw(image), picture_font(24)
    line = [(x * scale, y * scale) for x, y in corners]
    for ink, width in ((DARK, 5), (LIGHT, 2)):
        if line:
            draw.line([*line, line[0]], ink, width)
    for number, (x, y) in enumerate(pins, 1):
        at = (x * scale, y * scale)
        draw.circle(at, PIN_PX, outline=PIN_INK, width=3)
        draw.text((at[0] + PIN_PX + 3, at[1] - 15), str(number), PIN_INK, font, stroke_width=2, stroke_fill=LIGHT)
    return np.asarray(image, np.uint8)


def _cut(source: Slide, slide: Slide, window: Window) -> bytes | None:
    try:
        return jpeg(square(source, slide, window, map_to(source, slide) or IDENTITY, WINDOW_PX))
    except (ImagingError, OSError):
        return None
