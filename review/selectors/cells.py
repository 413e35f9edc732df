"""Read single cells: in a window, as tiles for drawing, within tumour, as readers left them."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from annotation.models import PatchPrediction
from review.cell_file import CellTable, Column, read_cells
from review.models import CellEdit, CellScore
from review.selectors.edits import standing_edits
from review.tallies import Tally, tally_of
from training.models import Run
from viewer.models import Slide
from viewer.storage import local_copy

MOST_CELLS = 5000
# A tile of the finest level covers so many level-0 pixels; each level doubles it. Coarser tiles are thinned.
CELL_TILE_PX = 1024
MOST_CELLS_PER_TILE = 16_384
COARSEST_LEVEL = 12
# Of a classifier whose own threshold is not on record.
TUMOR_PROBABILITY = 0.5
# Multiplier of a hash that spreads consecutive numbers evenly (Knuth).
SPREAD = np.uint32(2_654_435_761)

Rectangle = tuple[float, float, float, float]
# Which cells of a table lie in some part of the slide.
Selection = Callable[[CellTable], CellTable]


class Cell(NamedTuple):
    """One counted cell."""

    x: float
    y: float
    positive: bool


def cells_in_window(score: CellScore, x: float, y: float, width: float, height: float) -> dict[str, Any]:
    """Return the cells of a finished score whose centres lie in a rectangle of level-0 pixels, at most MOST_CELLS."""
    found = cells_of(score.cells_key).within(x, y, width, height)
    shown = found.thinned(MOST_CELLS)
    return {
        "count": len(found.x),
        "capped": len(shown.x) < len(found.x),
        "x": as_numbers(shown.x, 1),
        "y": as_numbers(shown.y, 1),
        "area_um2": as_numbers(shown.area_um2, 1),
        "dab": as_numbers(shown.dab, 3),
        "positive": shown.is_positive.tolist(),
    }


def as_numbers(column: Column, digits: int) -> list[float]:
    numbers: list[float] = column.astype(float).round(digits).tolist()
    return numbers


@lru_cache(maxsize=4)
def cells_of(cells_key: str) -> CellTable:
    """Read a column file; the last few stay in memory, as a page asks for many windows of one."""
    with local_copy(cells_key) as path:
        return read_cells(path)


def counted_cell(score: CellScore, index: int) -> Cell | None:
    """Return one row of the column file."""
    table = cells_of(score.cells_key)
    if not 0 <= index < len(table.x):
        return None
    return Cell(float(table.x[index]), float(table.y[index]), bool(table.is_positive[index]))


def cell_tile(score: CellScore, level: int, column: int, row: int) -> bytes:
    """Return the counted cells of one tile as little-endian columns, one after the other.

    Three uint32: cells listed, cells and positive cells in the tile. Then per listed cell: row number in the column
    file (uint32), x, y (float32, level-0 pixels), area (float32, µm²), DAB (float32), positive (uint8). A crowded tile
    lists an even choice of its cells, the same at every call.
    """
    side = CELL_TILE_PX << level
    table = cells_of(score.cells_key)
    first, last = np.searchsorted(table.y, [row * side, (row + 1) * side])
    x = table.x[first:last]
    index = (first + np.flatnonzero((x >= column * side) & (x < (column + 1) * side))).astype(np.uint32)
    total, positive = len(index), int(np.count_nonzero(table.is_positive[index]))
    if total > MOST_CELLS_PER_TILE:
        # Chosen by number, not by place, so that the share of positive cells stays true.
        index = np.sort(index[np.argsort(index * SPREAD, kind="stable")[:MOST_CELLS_PER_TILE]])
    floats = [np.asarray(values[index], "<f4") for values in (table.x, table.y, table.area_um2, table.dab)]
    columns = [np.array([len(index), total, positive], "<u4"), index.astype("<u4"), *floats]
    return b"".join(values.tobytes() for values in [*columns, table.is_positive[index].astype(np.uint8)])


def edited_cells(score: CellScore) -> CellTable:
    """Return the cells as readers left them, ordered from top to bottom. One query."""
    table = cells_of(score.cells_key)
    edits = list(standing_edits(score))
    if not edits:
        return table
    keep, positive = np.ones(len(table.x), bool), table.is_positive.copy()
    added = []
    for edit in edits:
        if edit.cell_index is not None:
            keep[edit.cell_index] = edit.present
            positive[edit.cell_index] = edit.positive
        elif edit.present:
            added.append(edit)
    columns = {name: getattr(table, name)[keep] for name in ("x", "y", "area_um2", "dab")}
    columns["is_positive"] = positive[keep]
    if added:
        more = {
            "x": [edit.x_l0 for edit in added],
            "y": [edit.y_l0 for edit in added],
            "area_um2": [np.nan] * len(added),
            "dab": [np.nan] * len(added),
            "is_positive": [edit.positive for edit in added],
        }
        columns = {name: np.concatenate([old, np.asarray(more[name], old.dtype)]) for name, old in columns.items()}
        order = np.argsort(columns["y"], kind="stable")
        columns = {name: values[order] for name, values in columns.items()}
    return CellTable(**columns)


def tumor_rectangles(slide: Slide) -> tuple[list[Rectangle], str] | None:
    """Return the patches that the newest MIL classifier calls tumour, and its sha256; None if none has looked."""
    newest = (
        PatchPrediction.objects.filter(patch__slide=slide)
        .order_by("-pk")
        .values_list("checkpoint_sha256", flat=True)
        .first()
    )
    if newest is None:
        return None
    looked = Run.objects.filter(kind=Run.Kind.SCORE, slide=slide, report__classifier=newest).order_by("-pk").first()
    threshold = looked.report.get("threshold") if looked else None
    found = PatchPrediction.objects.filter(
        patch__slide=slide, checkpoint_sha256=newest, probability__gte=threshold or TUMOR_PROBABILITY
    ).values_list("patch__x_l0", "patch__y_l0", "patch__size_l0")
    return [(x, y, size, size) for x, y, size in found], newest


def in_rectangles(table: CellTable, rectangles: list[Rectangle]) -> CellTable:
    inside = np.zeros(len(table.x), bool)
    for x, y, width, height in rectangles:
        first, last = np.searchsorted(table.y, [y, y + height])
        columns = table.x[first:last]
        inside[first:last] |= (columns >= x) & (columns < x + width)
    return CellTable(*(column[inside] for column in table))


def in_polygon(table: CellTable, corners: list[tuple[float, float]]) -> CellTable:
    """Return the cells within a closed line, by the even-odd rule."""
    inside = np.zeros(len(table.x), bool)
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y1 == y2:
            continue
        crosses = (table.y >= min(y1, y2)) & (table.y < max(y1, y2))
        inside ^= crosses & (table.x < x1 + (table.y - y1) * (x2 - x1) / (y2 - y1))
    return CellTable(*(column[inside] for column in table))


def tallies_in(score: CellScore, inside: Selection) -> tuple[Tally, Tally]:
    """Return machine's and readers' counts of the cells in a part of the slide. Two queries."""
    machine = tally_of(inside(cells_of(score.cells_key)))
    return machine, tally_of(inside(edited_cells(score)), len(inside(edit_places(score)).x))


def edit_places(score: CellScore) -> CellTable:
    """Return where every edit lies, as a table of cells ordered from top to bottom, so that it is selected alike."""
    places = CellEdit.objects.filter(score=score).order_by("y_l0").values_list("x_l0", "y_l0")
    x, y = np.array(places, np.float32).reshape(-1, 2).T
    nothing = np.zeros(len(x), np.float32)
    return CellTable(x=x, y=y, area_um2=nothing, dab=nothing, is_positive=np.zeros(len(x), bool))


def tallies_within(score: CellScore, scope: str, shape: list[tuple[float, float]] | None = None) -> tuple[Tally, Tally]:
    """Return machine's and readers' counts of all cells, of those in tumour patches, or of those in a drawn region.

    Raises:
        ApplicationError: no classifier has looked at the slide, or the region has no area.
    """
    if scope == "tumor":
        tumor = tumor_rectangles(score.slide)
        if tumor is None:
            raise ApplicationError(
                _(
                    "No classifier has looked at “%(slide)s”, so its tumour patches are not known. "
                    "A project lead scores it with the %(stain)s classifier."
                )
                % {"slide": score.slide, "stain": score.slide.stain_name}
            )
        return tallies_in(score, lambda table: in_rectangles(table, tumor[0]))
    if scope == "region":
        corners = refuse_no_region(score.slide, shape or [])
        return tallies_in(score, lambda table: in_polygon(table, corners))
    return tallies_in(score, lambda table: table)


def refuse_no_region(slide: Slide, corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the corners of a drawn region if they enclose something and lie on the slide."""
    if len(corners) < 3:
        raise ApplicationError(_("A region needs at least 3 corners."))
    off = [at for at in corners if not (0 <= at[0] <= slide.width_l0 and 0 <= at[1] <= slide.height_l0)]
    if off:
        raise ApplicationError(
            _("The corner (%(x).0f, %(y).0f) lies outside of the slide of %(width)s × %(height)s pixels.")
            % {"x": off[0][0], "y": off[0][1], "width": slide.width_l0, "height": slide.height_l0}
        )
    return corners
