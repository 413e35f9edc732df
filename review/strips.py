"""H&E, real and synthetic at matched places, from few to many positive cells (Xu et al. 2020, Figure 9, in kind)."""

from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from accounts.errors import ApplicationError
from review import selectors, windows
from review.pictures import square
from review.report_facts import RESEARCH_ONLY
from review.tallies import Tally
from review.typography import is_drawable, picture_font
from review.windows import Window
from viewer.imaging.reader import Picture
from viewer.models import Slide

SIDE_UM = 224.0
SIDE_PX = 320
ROWS = 5
FEWEST_CELLS = 30
# A place holds at least this share of the cells that such a place usually holds.
TYPICAL_SHARE = 0.4
GAP_PX, HEAD_PX, CAPTION_PX = 8, 44, 22
INK, PAPER, SYNTHETIC_INK = (30, 30, 30), (255, 255, 255), (122, 47, 160)


@dataclass(frozen=True)
class MatchedPlace:
    """One place of the source slide, with what was counted there on both slides."""

    window: Window
    real: Tally
    synthetic: Tally


def matched_places(synthetic: Slide, rows: int = ROWS) -> list[MatchedPlace]:
    """Choose places whose share of positive cells on the real slide runs from the lowest to the highest.

    Raises:
        ApplicationError: the slides are not counted or not aligned, or hold too few cells.
    """
    source, real = synthetic.derived_from, selectors.real_counterpart(synthetic)
    assert source is not None and source.mpp is not None, "a synthetic slide names its source"
    if real is None:
        raise ApplicationError(_("This case has no real slide of the same stain to compare with."))
    scores = selectors.finished_score(real), selectors.finished_score(synthetic)
    matrices = windows.map_to(source, real), windows.map_to(source, synthetic)
    if scores[0] is None or scores[1] is None or matrices[0] is None or matrices[1] is None:
        raise ApplicationError(_("Count both slides and align the sections first: the strips show matched places."))
    # Cells of both slides in the frame of the source slide, binned on one grid of squares.
    side = SIDE_UM / source.mpp
    columns, lines = int(source.width_l0 // side), int(source.height_l0 // side)
    tallies = []
    for score, matrix in zip(scores, matrices, strict=True):
        assert score is not None and matrix is not None
        cells = selectors.edited_cells(score)
        a, b, c, d, e, f = windows.inverse(matrix)
        x, y = a * cells.x + b * cells.y + c, d * cells.x + e * cells.y + f
        column, line = np.floor(x / side).astype(int), np.floor(y / side).astype(int)
        inside = (column >= 0) & (column < columns) & (line >= 0) & (line < lines)
        place = line[inside] * columns + column[inside]
        flags = cells.is_positive[inside]
        every = np.bincount(place, minlength=columns * lines)
        tallies.append((np.bincount(place[flags], minlength=columns * lines), every))
    (real_positive, real_cells), (positive, cells_there) = tallies
    usable = np.flatnonzero((real_cells >= FEWEST_CELLS) & (cells_there >= FEWEST_CELLS))
    # Not the fringes: whole squares of tissue that the real slide shows too.
    usable = usable[real_cells[usable] >= TYPICAL_SHARE * np.median(real_cells[usable])] if len(usable) else usable
    on_both = [at for at in usable.tolist() if _is_on(real, source, matrices[0], _place(at, columns, side))]
    usable = np.array(on_both, usable.dtype)
    if len(usable) == 0:
        raise ApplicationError(
            _("No place of %(side).0f µm holds %(cells)s cells on both slides.")
            % {"side": SIDE_UM, "cells": FEWEST_CELLS}
        )
    ratio = real_positive[usable] / real_cells[usable]
    ordered = usable[np.argsort(ratio, kind="stable")]
    chosen = ordered[np.unique(np.linspace(0, len(ordered) - 1, rows).round().astype(int))]
    return [
        MatchedPlace(
            _place(at, columns, side),
            Tally(int(real_positive[at]), int(real_cells[at] - real_positive[at])),
            Tally(int(positive[at]), int(cells_there[at] - positive[at])),
        )
        for at in chosen.tolist()
    ]


def _place(at: int, columns: int, side: float) -> Window:
    return Window((at % columns + 0.5) * side, (at // columns + 0.5) * side, SIDE_UM)


def _is_on(slide: Slide, source: Slide, matrix: windows.Matrix, window: Window) -> bool:
    corners = windows.outline(source, window, matrix)
    return all(0 <= x <= slide.width_l0 and 0 <= y <= slide.height_l0 for x, y in corners)


def strips_png(synthetic: Slide) -> tuple[Picture, PngInfo]:
    """Draw the strips; every column of the synthetic slide says so, and so does the file."""
    source, real = synthetic.derived_from, selectors.real_counterpart(synthetic)
    places = matched_places(synthetic)
    assert source is not None and real is not None
    slides = [(source, source.stain_name), (real, _("%(stain)s, real") % {"stain": real.stain_name})]
    slides.append((synthetic, _("%(stain)s, SYNTHETIC") % {"stain": synthetic.stain_name}))
    width = len(slides) * (SIDE_PX + GAP_PX) + GAP_PX
    sheet = Image.new("RGB", (width, HEAD_PX + len(places) * (SIDE_PX + CAPTION_PX) + GAP_PX), PAPER)
    draw, font = ImageDraw.Draw(sheet), picture_font(13)
    name = synthetic.case.name if is_drawable(synthetic.case.name) else _("slide %(n)s") % {"n": synthetic.pk}
    drawn = _("DRAWN TISSUE · ") if synthetic.drawn else ""
    draw.text((GAP_PX, 4), f"{name} · {drawn}SYNTHETIC · {RESEARCH_ONLY}", SYNTHETIC_INK, font)
    for number, (slide, heading) in enumerate(slides):
        left = GAP_PX + number * (SIDE_PX + GAP_PX)
        draw.text((left, 24), heading, SYNTHETIC_INK if slide.is_synthetic else INK, font)
        matrix = windows.map_to(source, slide)
        assert matrix is not None, "matched places are aligned"
        for row, place in enumerate(places):
            top = HEAD_PX + row * (SIDE_PX + CAPTION_PX)
            sheet.paste(Image.fromarray(square(source, slide, place.window, matrix, SIDE_PX)), (left, top))
            if slide.is_synthetic:
                draw.rectangle((left, top, left + SIDE_PX - 1, top + SIDE_PX - 1), outline=SYNTHETIC_INK, width=3)
            tally = {source: None, real: place.real, synthetic: place.synthetic}[slide]
            caption = _("%(side).0f µm") % {"side": SIDE_UM} if tally is None else _caption(tally)
            draw.text((left, top + SIDE_PX + 2), caption, INK, font)
    description = PngInfo()
    description.add_text("Description", f"SYNTHETIC: {RESEARCH_ONLY}")
    return np.asarray(sheet, np.uint8), description


def _caption(tally: Tally) -> str:
    return _("%(share).1f %% of %(cells)s cells") % {"share": 100 * (tally.ratio or 0), "cells": tally.cells}
