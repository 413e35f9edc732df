"""The same window on consecutive slides: where it lies on each, and what was counted in it.

A window is a square given by its middle on the source slide (level-0 pixels) and its side in micrometres, so that real
and synthetic are compared on the same tissue. Maps are [a, b, c, d, e, f]: x' = a x + b y + c, y' = d x + e y + f.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from review import selectors
from review.models import CellScore, Review
from review.selectors.cells import Selection, in_polygon
from viewer.imaging.cell_statistics import hot_spots
from viewer.models import Slide

Matrix = Sequence[float]
Point = tuple[float, float]

IDENTITY: Matrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
MOST_HOT_SPOTS = 3
WIDEST_UM = 20_000.0


@dataclass(frozen=True)
class Window:
    """A square of tissue: its middle on the source slide, its side in micrometres."""

    x: float
    y: float
    side_um: float

    def as_dict(self) -> dict[str, float]:
        return {"x": round(self.x, 1), "y": round(self.y, 1), "side_um": self.side_um}


def transform(matrix: Matrix, point: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return where the map puts a point, or columns of points."""
    a, b, c, d, e, f = matrix
    return a * point[0] + b * point[1] + c, d * point[0] + e * point[1] + f


def inverse(matrix: Matrix) -> Matrix:
    a, b, c, d, e, f = matrix
    size = a * e - b * d
    return [e / size, -b / size, (b * f - c * e) / size, -d / size, a / size, (c * d - a * f) / size]


def map_to(source: Slide, slide: Slide) -> Matrix | None:
    """Return the map from the source slide to another of its case; None while the sections are not aligned."""
    if slide.pk == source.pk:
        return IDENTITY
    if slide.derived_from_id == source.pk:
        assert source.mpp is not None and slide.mpp is not None, "a synthetic slide has a resolution"
        scale = source.mpp / slide.mpp
        return [scale, 0.0, 0.0, 0.0, scale, 0.0]
    alignment = selectors.alignment_of(source, slide)
    return alignment.matrix if alignment else None


def outline(source: Slide, window: Window, matrix: Matrix) -> list[Point]:
    """Return the window's corners on the slide that the map leads to."""
    assert source.mpp is not None, "a source slide has a resolution"
    half = window.side_um / source.mpp / 2
    corners = ((-half, -half), (half, -half), (half, half), (-half, half))
    return [transform(matrix, (window.x + dx, window.y + dy)) for dx, dy in corners]


def compared(synthetic: Slide, window: Window, signed: Review | None = None) -> dict[str, Any]:
    """Count one window on both slides of a pair, as the machine found them and as readers left them.

    signed: a verdict whose counts are meant, the newest ones otherwise.

    Raises:
        ApplicationError: the window lies off the source slide, or is no size that makes sense.
    """
    source = synthetic.derived_from
    assert source is not None, "a synthetic slide names its source; a constraint in the database sees to it"
    if not (0 <= window.x <= source.width_l0 and 0 <= window.y <= source.height_l0):
        raise ApplicationError(_("The window's middle lies off the slide. Move it onto the tissue."))
    if not 10 <= window.side_um <= WIDEST_UM:
        raise ApplicationError(
            _("A window of %(side).0f µm was asked for; expected 10 to %(widest).0f.")
            % {"side": window.side_um, "widest": WIDEST_UM}
        )
    real = selectors.real_counterpart(synthetic)
    sides = {
        "real": _counted(source, real, window, selectors.score_shown(real, signed)) if real else None,
        "synthetic": _counted(source, synthetic, window, selectors.score_shown(synthetic, signed)),
    }
    return {**window.as_dict(), **sides, "note": note_of(synthetic, sides)}


def _counted(source: Slide, slide: Slide, window: Window, score: CellScore | None) -> dict[str, Any] | None:
    matrix = map_to(source, slide)
    if score is None or matrix is None:
        return None
    corners = outline(source, window, matrix)
    return {**side_of(score, slide, lambda table: in_polygon(table, corners)), "corners": rounded(corners)}


def side_of(score: CellScore, slide: Slide, inside: Selection) -> dict[str, Any]:
    """Return what was counted in a part of one slide, with the grade of that part."""
    machine, reader = selectors.tallies_in(score, inside)
    settings = selectors.scoring_settings(slide.project)
    return {
        "score": score.pk,
        "machine": machine.as_dict(),
        "reader": reader.as_dict(),
        "enough_cells": reader.cells >= settings.least_cells,
        **selectors.grade_fields(slide, settings, reader.ratio, reader.interval, reader.cells),
    }


def rounded(corners: Sequence[Point]) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in corners]


def note_of(synthetic: Slide, sides: dict[str, dict[str, Any] | None]) -> str:
    """Say why a part of the tissue is not compared; empty when it is."""
    if sides["synthetic"] is None:
        return _("The synthetic slide has not been counted yet.")
    if selectors.real_counterpart(synthetic) is None:
        return _("This case has no real slide of the same stain to compare with.")
    if sides["real"] is None:
        return _(
            "The real slide is not counted, or the sections are not aligned, so the same tissue is not known there."
        )
    if not (sides["real"]["enough_cells"] and sides["synthetic"]["enough_cells"]):
        least = selectors.scoring_settings(synthetic.project).least_cells
        return _("Fewer than %(least)s cells: take more tissue before believing the ratio.") % {"least": least}
    return ""


def hottest(synthetic: Slide) -> list[dict[str, Any]]:
    """Find the hot spots of the real slide, of the synthetic one where there is no real, and count both in each."""
    source = synthetic.derived_from
    assert source is not None and source.mpp is not None
    leading = selectors.real_counterpart(synthetic) or synthetic
    score, matrix = selectors.finished_score(leading), map_to(source, leading)
    if score is None or matrix is None or leading.mpp is None:
        return []
    settings = selectors.scoring_settings(synthetic.project)
    cells = selectors.edited_cells(score)
    side_px = settings.hot_spot_um / leading.mpp
    found = hot_spots(cells.x, cells.y, cells.is_positive, side_px, settings.least_cells, MOST_HOT_SPOTS)
    back = inverse(matrix)
    middles = [transform(back, (spot.x + side_px / 2, spot.y + side_px / 2)) for spot in found]
    on_source = [at for at in middles if 0 <= at[0] <= source.width_l0 and 0 <= at[1] <= source.height_l0]
    # Rounded first: a window that is sent back must hold the same cells.
    return [compared(synthetic, Window(round(x, 1), round(y, 1), settings.hot_spot_um)) for x, y in on_source]
