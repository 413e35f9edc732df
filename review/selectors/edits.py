"""Read what readers changed about single cells."""

from typing import Any

from django.db.models import QuerySet

from review.models import CellEdit, CellScore
from review.tallies import Tally


def standing_edits(score: CellScore) -> QuerySet[CellEdit]:
    """Return the last edit of each cell that somebody touched."""
    return CellEdit.objects.filter(score=score, successor__isnull=True).select_related("reader").order_by("pk")


def edit_trail(score: CellScore) -> QuerySet[CellEdit]:
    """Return all edits, oldest first: who did what, and when."""
    return CellEdit.objects.filter(score=score).select_related("reader").order_by("pk")


def edit_row(edit: CellEdit) -> dict[str, Any]:
    return {
        "id": edit.pk,
        "action": edit.action,
        "cell": edit.cell_index,
        "x": edit.x_l0,
        "y": edit.y_l0,
        "present": edit.present,
        "positive": edit.positive,
        "undoes": edit.undoes_id,
        "reader": edit.reader.get_username(),
        "created_at": edit.created_at.isoformat(),
    }


def reader_tally(score: CellScore) -> Tally | None:
    """Return the counts after all edits; None while nobody has edited. Two queries."""
    edits = CellEdit.objects.filter(score=score).count()
    if edits == 0:
        return None
    positive, negative = score.positive or 0, score.negative or 0
    rows = CellEdit.objects.filter(score=score, successor__isnull=True)
    for machine_positive, present, now_positive in rows.values_list("machine_positive", "present", "positive"):
        if machine_positive is not None:
            positive -= machine_positive
            negative -= not machine_positive
        if present:
            positive += now_positive
            negative += not now_positive
    return Tally(positive, negative, edits)
