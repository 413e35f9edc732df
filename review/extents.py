"""A part of the tissue counted on both slides of a pair: a region that a reader drew, or the tumour patches alone.

Each is carried to both slides by the pair's maps, so that real and synthetic are counted on the same tissue.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from review import selectors
from review.cell_file import CellTable
from review.selectors.cells import Rectangle, Selection, in_polygon, in_rectangles
from review.windows import IDENTITY, Matrix, Point, inverse, map_to, note_of, rounded, side_of, transform
from viewer.models import Slide

UM2_PER_MM2 = 1e6
# From the map that leads from the source slide to another: the cells there, and the outlines to draw there.
Part = Callable[[Matrix], tuple[Selection, list[list[Point]]]]


def region_counts(synthetic: Slide, corners: list[Point]) -> dict[str, Any]:
    """Count a drawn region on both slides; its corners are on the source slide, level-0 pixels.

    Raises:
        ApplicationError: it has no three corners, or lies off the source slide.
    """
    source = source_of(synthetic)
    selectors.refuse_no_region(source, corners)

    def region(matrix: Matrix) -> tuple[Selection, list[list[Point]]]:
        outline = [transform(matrix, corner) for corner in corners]
        return (lambda table: in_polygon(table, outline)), [outline]

    return {
        "extent": "region",
        "name": _("Drawn region"),
        "outlines": [rounded(corners)],
        "area_mm2": _area(corners) * _mm2_per_pixel(source),
        **_counted(synthetic, region),
    }


def tumor_counts(synthetic: Slide) -> dict[str, Any]:
    """Count the cells in the patches that a classifier calls tumour, on both slides.

    What a classifier said of the real slide holds for both, else of the source, else of the synthetic slide.

    Raises:
        ApplicationError: no classifier has looked at any of them.
    """
    judged, rectangles, classifier = _judged(synthetic)
    source = source_of(synthetic)
    to_judged = map_to(source, judged)
    assert to_judged is not None, "a slide without a map is not chosen"

    def tumor(matrix: Matrix) -> tuple[Selection, list[list[Point]]]:
        there = _composed(to_judged, inverse(matrix))
        back = inverse(there)
        outlines = [[transform(back, corner) for corner in _corners(patch)] for patch in rectangles]
        return (lambda table: in_rectangles(_mapped(table, there), rectangles)), outlines

    return {
        "extent": "tumor",
        "name": _("Tumour patches, as the %(stain)s classifier sees them on the %(kind)s slide")
        % {"stain": judged.stain_name, "kind": _("synthetic") if judged.is_synthetic else _("real")},
        "patches": len(rectangles),
        "classifier": classifier,
        "outlines": [rounded(outline) for outline in tumor(IDENTITY)[1]],
        "area_mm2": sum(width * height for _x, _y, width, height in rectangles) * _mm2_per_pixel(judged),
        **_counted(synthetic, tumor),
    }


def source_of(synthetic: Slide) -> Slide:
    source = synthetic.derived_from
    assert source is not None, "a synthetic slide names its source; a constraint in the database sees to it"
    return source


def _judged(synthetic: Slide) -> tuple[Slide, list[Rectangle], str]:
    """Return the slide whose tumour patches count, the patches, and the sha256 of the classifier that chose them."""
    source, real = source_of(synthetic), selectors.real_counterpart(synthetic)
    for slide in (real, source, synthetic):
        found = selectors.tumor_rectangles(slide) if slide and map_to(source, slide) else None
        if slide and found:
            return slide, *found
    raise ApplicationError(
        _(
            "No classifier has looked at these slides, so their tumour patches are not known. "
            "A project lead scores the real slide with the %(stain)s classifier."
        )
        % {"stain": synthetic.stain_name}
    )


def _counted(synthetic: Slide, part: Part) -> dict[str, Any]:
    """Count a part on the real and on the synthetic slide; a side is None while it is not counted or not aligned."""
    sides: dict[str, dict[str, Any] | None] = {"real": None, "synthetic": None}
    for name, slide in (("real", selectors.real_counterpart(synthetic)), ("synthetic", synthetic)):
        score = selectors.finished_score(slide) if slide else None
        matrix = map_to(source_of(synthetic), slide) if slide else None
        if slide is not None and score is not None and matrix is not None:
            inside, outlines = part(matrix)
            sides[name] = {**side_of(score, slide, inside), "outlines": [rounded(outline) for outline in outlines]}
    return {**sides, "note": note_of(synthetic, sides)}


def _mapped(table: CellTable, matrix: Matrix) -> CellTable:
    """Return cells where the map puts them, ordered from top to bottom again."""
    x, y = transform(matrix, (table.x, table.y))
    order = np.argsort(y, kind="stable")
    return CellTable(*(column[order] for column in table._replace(x=x, y=y)))


def _composed(outer: Matrix, inner: Matrix) -> Matrix:
    """Return the map that does first `inner`, then `outer`."""
    a, b, c, d, e, f = inner
    (left, top), right, down = (
        transform(outer, (c, f)),
        transform(outer, (a + c, d + f)),
        transform(outer, (b + c, e + f)),
    )
    return [right[0] - left, down[0] - left, left, right[1] - top, down[1] - top, top]


def _corners(rectangle: Rectangle) -> list[Point]:
    x, y, width, height = rectangle
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _area(corners: Sequence[Point]) -> float:
    """Return the area within a closed line, in square pixels."""
    x, y = np.array(corners).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def _mm2_per_pixel(slide: Slide) -> float:
    assert slide.mpp is not None, "a slide of a pair has its mpp"
    return slide.mpp**2 / UM2_PER_MM2
