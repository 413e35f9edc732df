"""Write what readers change about single cells: append-only, each edit naming the one before it."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from review import selectors
from review.models import CellEdit, CellScore
from viewer.models import Slide

Action = CellEdit.Action


@transaction.atomic
def edit_cell(
    score: CellScore,
    reader: User,
    uuid: UUID,
    action: str,
    *,
    place: tuple[float, float] | None = None,
    positive: bool | None = None,
    cell_index: int | None = None,
    seen: int | None = None,
) -> CellEdit:
    """Add a cell at a place, or remove or flip one: counted cell `cell_index`, or the one whose last edit is `seen`.

    `seen` is the last edit of that cell on the reader's screen, None if there was none. A repeat of `uuid` gets the
    first answer.

    Raises:
        ApplicationError: no such cell or place, or the count may not be edited any more.
        Conflict: somebody else has changed this cell since, or a verdict on these counts has been signed.
    """
    _lock(score)
    repeated = _repeat(score, reader, uuid)
    if repeated is not None:
        return repeated
    refuse_uneditable(score)
    if action == Action.ADD:
        x, y, added_positive = _checked_place(score, place, positive)
        values: dict[str, Any] = {"x_l0": x, "y_l0": y, "present": True, "positive": added_positive}
    else:
        last = _last_edit(score, cell_index, seen)
        values = _changed(score, action, last, cell_index)
    return CellEdit.objects.create(score=score, reader=reader, uuid=uuid, action=action, **values)


@transaction.atomic
def undo_edit(score: CellScore, reader: User, uuid: UUID, edit_pk: int) -> CellEdit:
    """Take the last edit of a cell back: a new edit that restores what was before it.

    Raises:
        ApplicationError: no such edit, or it is somebody else's.
        Conflict: the cell has been changed since.
    """
    _lock(score)
    repeated = _repeat(score, reader, uuid)
    if repeated is not None:
        return repeated
    refuse_uneditable(score)
    edit = CellEdit.objects.filter(score=score, pk=edit_pk).select_related("after", "reader").first()
    if edit is None:
        raise ApplicationError(_("This count has no edit %(edit)s. Reload the page.") % {"edit": edit_pk})
    if edit.reader_id != reader.pk:
        raise ApplicationError(
            _("This edit is %(reader)s's. Change the cell itself instead.") % {"reader": edit.reader}
        )
    _refuse_followed(edit)
    before = edit.after
    if before is not None:
        present, positive = before.present, before.positive
    else:
        present, positive = edit.machine_positive is not None, bool(edit.machine_positive)
    return CellEdit.objects.create(
        score=score,
        reader=reader,
        uuid=uuid,
        action=Action.UNDO,
        undoes=edit,
        after=edit,
        present=present,
        positive=positive if present else edit.positive,
        **_same_cell(edit),
    )


def refuse_uneditable(score: CellScore) -> None:
    """Let nobody edit a count that is not done, whose slide was replaced, or on which a verdict stands."""
    if score.state != CellScore.State.DONE:
        raise Conflict(
            _("This count is %(state)s: there is nothing to edit yet.") % {"state": score.get_state_display()}
        )
    slide = Slide.objects.get(pk=score.slide_id)
    if slide.version != score.slide_version:
        raise Conflict(
            _(
                "The slide has been replaced since these cells were counted. Your edits are kept with the old count; "
                "count again to go on."
            )
        )
    signed = selectors.standing_signature(score)
    if signed is not None:
        raise Conflict(
            _(
                "%(reader)s signed a verdict on these counts on %(date)s. It must be reopened before a cell is "
                "changed, so that the record stays true."
            )
            % {"reader": signed.reader, "date": f"{signed.created_at:%d %b %Y}"},
            extra={"review": signed.pk},
        )


def _lock(score: CellScore) -> None:
    # Edits of one count wait for each other, and for a signature on it.
    CellScore.objects.select_for_update().get(pk=score.pk)


def _repeat(score: CellScore, reader: User, uuid: UUID) -> CellEdit | None:
    repeated = CellEdit.objects.filter(reader=reader, uuid=uuid).first()
    if repeated is not None and repeated.score_id != score.pk:
        raise Conflict(_("This edit was sent before, for another count."))
    return repeated


def _checked_place(
    score: CellScore, place: tuple[float, float] | None, positive: bool | None
) -> tuple[float, float, bool]:
    if place is None or positive is None:
        raise ApplicationError(_("An added cell needs a place (x, y) and whether it is positive."))
    x, y = place
    left, top, width, height = score.region_l0 or (0, 0, score.slide.width_l0, score.slide.height_l0)
    if not (left <= x < left + width and top <= y < top + height):
        raise ApplicationError(_("The place (%(x).0f, %(y).0f) lies outside of what was counted.") % {"x": x, "y": y})
    return x, y, positive


def _last_edit(score: CellScore, cell_index: int | None, seen: int | None) -> CellEdit | None:
    """Return the last edit of the cell that is meant, None for a counted cell that nobody touched."""
    if seen is not None:
        edit = CellEdit.objects.filter(score=score, pk=seen).select_related("reader").first()
        if edit is None or (cell_index is not None and edit.cell_index != cell_index):
            raise ApplicationError(_("This count has no such cell. Reload the page."))
        _refuse_followed(edit)
        return edit
    if cell_index is None:
        raise ApplicationError(_("Say which cell: the number of a counted one, or the last edit of an added one."))
    others = CellEdit.objects.filter(score=score, cell_index=cell_index).order_by("-pk").select_related("reader")
    newest = others.first()
    if newest is not None:
        raise _changed_meanwhile(newest)
    return None


def _refuse_followed(edit: CellEdit) -> None:
    follower = CellEdit.objects.filter(after=edit).select_related("reader").first()
    if follower is not None:
        newest = (
            CellEdit.objects.filter(score=edit.score_id, pk__gte=follower.pk, **_chain_of(edit))
            .select_related("reader")
            .order_by("-pk")
            .first()
        )
        raise _changed_meanwhile(newest or follower)


def _chain_of(edit: CellEdit) -> dict[str, Any]:
    if edit.cell_index is not None:
        return {"cell_index": edit.cell_index}
    return {"cell_index": None, "x_l0": edit.x_l0, "y_l0": edit.y_l0}


def _changed_meanwhile(edit: CellEdit) -> Conflict:
    return Conflict(
        _(
            "%(reader)s has changed this cell in the meantime (%(action)s). It is shown as it is now; "
            "nothing of yours was lost."
        )
        % {"reader": edit.reader, "action": edit.get_action_display()},
        extra={"edit": selectors.edit_row(edit)},
    )


def _changed(score: CellScore, action: str, last: CellEdit | None, cell_index: int | None) -> dict[str, Any]:
    if action not in (Action.REMOVE, Action.FLIP):
        raise ApplicationError(_("“%(action)s” is no edit; expected add, remove, flip or undo.") % {"action": action})
    if last is not None:
        if not last.present:
            raise ApplicationError(_("This cell is removed already. Undo brings it back."))
        present, positive, same = last.present, last.positive, {**_same_cell(last), "after": last}
    else:
        assert cell_index is not None
        cell = selectors.counted_cell(score, cell_index)
        if cell is None:
            raise ApplicationError(_("This count has no cell %(index)s. Reload the page.") % {"index": cell_index})
        present, positive = True, cell.positive
        same = {"cell_index": cell_index, "machine_positive": cell.positive, "x_l0": cell.x, "y_l0": cell.y}
    if action == Action.REMOVE:
        return {**same, "present": False, "positive": positive}
    return {**same, "present": present, "positive": not positive}


def _same_cell(edit: CellEdit) -> dict[str, Any]:
    return {
        "cell_index": edit.cell_index,
        "machine_positive": edit.machine_positive,
        "x_l0": edit.x_l0,
        "y_l0": edit.y_l0,
    }
