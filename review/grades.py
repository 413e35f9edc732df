"""The grade that a Ki-67 index gives a gastro-entero-pancreatic neuroendocrine tumour.

Cut-offs of the WHO classification of 2019, taken on the unrounded ratio: below 3 % G1, 3 to 20 % G2, above 20 % G3.
Mitoses, which can only raise the grade, are not counted here.
"""

from typing import NamedTuple

from django.utils.translation import gettext as _

CUT_OFFS = (0.03, 0.20)
# The classification asks for at least this many cells.
ENOUGH_CELLS = 500


class Grade(NamedTuple):
    """G1, G2 or G3, and what weakens it."""

    grade: str
    note: str


def grade_ki67(
    ratio: float,
    interval: tuple[float, float] | None = None,
    cells: int | None = None,
    enough: int = ENOUGH_CELLS,
) -> Grade:
    """Return the grade of a ratio (0 to 1); the note says when the interval spans a cut-off or cells are too few."""
    notes = []
    if interval is not None:
        low, high = interval
        spanned = [cut for cut in CUT_OFFS if grade_of(low) != grade_of(high) and low <= cut <= high]
        notes += [
            _("The 95 %% interval (%(low).1f–%(high).1f %%) spans the %(cut).0f %% cut-off.")
            % {"low": low * 100, "high": high * 100, "cut": cut * 100}
            for cut in spanned
        ]
    if cells is not None and cells < enough:
        notes.append(_("%(cells)s cells; at least %(enough)s are asked for.") % {"cells": cells, "enough": enough})
    return Grade(grade_of(ratio), " ".join(notes))


def grade_of(ratio: float) -> str:
    low, high = CUT_OFFS
    return "G1" if ratio < low else "G2" if ratio <= high else "G3"
