"""Write weak labels: append-only, one row a decision and patch."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from annotation.models import Label, LargePatch, WeakLabel
from annotation.selectors import may_read_patch

# What the column holds; a page that stays open for weeks must not cost its reader the label.
LONGEST_MS = 2**31 - 1
# One of these broken means that another writer was first.
RACES = ("label_uuid_once_per_reader", "label_replaced_once", "label_one_first_per_reader")


@dataclass(frozen=True)
class How:
    """How a decision was made: what labels of one step have in common."""

    route: str = WeakLabel.Route.API
    act: str = WeakLabel.Act.LABEL
    step: UUID | None = None
    order: str = "position"
    milliseconds: int | None = None
    decided_at: datetime | None = None

    def columns(self) -> dict[str, Any]:
        shortened = None if self.milliseconds is None else min(self.milliseconds, LONGEST_MS)
        return {
            "route": self.route,
            "act": self.act,
            "step": self.step,
            "order": self.order,
            "milliseconds": shortened,
            "decided_at": self.decided_at,
        }


def label_patch(
    patch: LargePatch, value: str | None, reader: User, uuid: UUID, seen: int | None, **how: Any
) -> WeakLabel:
    """Write one label. `value` None withdraws; `seen` is the id of the reader's label on screen, None without one.

    A repeat of `uuid` returns the row that the first call wrote: a client may send again whenever an answer is lost.
    Nothing is locked: of two writers who saw the same label, the database lets one through and the other is told.

    Raises:
        ApplicationError: the value is no label, the patch is not this reader's to label, or there is nothing to undo.
        Conflict: the reader's current label is another than the one seen, or `uuid` already names another decision.
    """
    require_known(value)
    details = How(**how)
    for attempt in (1, 2):
        own = list(WeakLabel.objects.filter(Q(patch=patch) | Q(uuid=uuid), reader=reader).order_by("pk"))
        current = next((row for row in reversed(own) if row.patch_id == patch.pk), None)
        repeated = next((row for row in own if row.uuid == uuid), None)
        if repeated is not None:
            if (repeated.patch_id, repeated.value) != (patch.pk, value):
                raise _uuid_taken(current)
            return repeated
        require_offered(patch, reader)
        require_seen(current, seen)
        require_undoable([row for row in own if row.patch_id == patch.pk], value, details)
        try:
            with transaction.atomic():
                return WeakLabel.objects.create(
                    patch=patch, reader=reader, value=value, uuid=uuid, replaces=current, **details.columns()
                )
        except IntegrityError as error:
            if "annotation_largepatch" in str(error):
                raise Conflict(_("The slide's grid was laid anew and this patch is gone. Reload the page.")) from error
            # Somebody was first. What they wrote is visible by now, and says what to answer.
            if attempt == 2 or not any(name in str(error) for name in RACES):
                raise
    raise AssertionError("a second attempt answers or raises")


def require_known(value: str | None) -> None:
    if value is not None and value not in Label.values:
        raise ApplicationError(
            _("“%(value)s” is no label; expected one of %(allowed)s, or null to withdraw.")
            % {"value": value, "allowed": ", ".join(Label.values)}
        )


def require_offered(patch: LargePatch, reader: User) -> None:
    if not patch.offered or patch.slide.is_synthetic:
        raise ApplicationError(
            _(
                "This patch is not offered for labelling: it holds too little tissue, was left out by hand, "
                "or its slide is synthetic."
            )
        )
    if not may_read_patch(patch, reader):
        raise ApplicationError(_("This slide is not assigned to you. Ask a project lead to assign it."))


def require_seen(current: WeakLabel | None, seen: int | None) -> None:
    if (current.pk if current else None) != seen:
        raise Conflict(
            _("This patch was labelled elsewhere in the meantime. Look at the label that stands and decide again."),
            extra=standing(current),
        )


def require_undoable(rows: list[WeakLabel], value: str | None, how: How) -> None:
    """Let an undo or redo pass that is the patch's next one, and gives what its step says. `rows`: the patch's own."""
    if how.act not in (WeakLabel.Act.UNDO, WeakLabel.Act.REDO):
        return
    done, undone = _steps_of_patch(rows)
    stack = done if how.act == WeakLabel.Act.UNDO else undone
    if not stack or stack[-1][0] != how.step:
        raise Conflict(
            _("There is nothing of this step to take back. Reload the page."),
            extra=standing(rows[-1] if rows else None),
        )
    _step, before, after = stack[-1]
    due = before if how.act == WeakLabel.Act.UNDO else after
    if value != due:
        raise ApplicationError(
            _("Taking this step back gives “%(due)s”, and “%(value)s” was sent.")
            % {"due": due or _("no label"), "value": value or _("no label")}
        )


PatchStep = tuple[UUID, str | None, str | None]


def _steps_of_patch(rows: list[WeakLabel]) -> tuple[list[PatchStep], list[PatchStep]]:
    """Return what can be undone and redone on one patch, the next one last: step, value before, value after."""
    done: list[PatchStep] = []
    undone: list[PatchStep] = []
    before = None
    for row in rows:
        if row.act == WeakLabel.Act.UNDO:
            undone.append(done.pop())
        elif row.act == WeakLabel.Act.REDO:
            done.append(undone.pop())
        else:
            done.append((row.step_key, before, row.value))
            undone.clear()
        before = row.value
    return done, undone


def standing(current: WeakLabel | None) -> dict[str, Any]:
    return {"current": {"id": current.pk, "value": current.value} if current else None}


def _uuid_taken(current: WeakLabel | None) -> Conflict:
    return Conflict(
        _("This uuid already names another decision of yours. Send a new uuid for a new decision."),
        extra=standing(current),
    )
