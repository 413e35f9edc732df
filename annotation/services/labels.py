"""Write weak labels: append-only, one row a decision."""

import uuid as uuids
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from annotation.models import Label, LargePatch, WeakLabel

# What the column holds; a page that stays open for weeks must not cost its reader the label.
LONGEST_MS = 2**31 - 1


def label_patch(
    patch: LargePatch,
    value: str | None,
    reader: User,
    uuid: uuids.UUID,
    seen: int | None,
    milliseconds: int | None = None,
    route: str = WeakLabel.Route.API,
) -> WeakLabel:
    """Write one label. `value` None withdraws; `seen` is the id of the reader's label on screen, None without one.

    A repeat of `uuid` returns the row that the first call wrote: a client may send again whenever an answer is lost.

    Raises:
        ApplicationError: the value is no label, or the patch is not offered.
        Conflict: the reader's current label is another than the one seen, or `uuid` already names another decision.
    """
    if value is not None and value not in Label.values:
        raise ApplicationError(
            _("“%(value)s” is no label; expected one of %(allowed)s, or null to withdraw.")
            % {"value": value, "allowed": ", ".join(Label.values)}
        )
    try:
        with transaction.atomic():
            # Two tabs of one reader come one after the other. Readers and training are not held up by this lock.
            patch = (
                LargePatch.objects.select_for_update(no_key=True, of=("self",)).select_related("slide").get(pk=patch.pk)
            )
            own = WeakLabel.objects.filter(Q(patch=patch) | Q(uuid=uuid), reader=reader).order_by("pk")
            rows = list(own)
            current = next((row for row in reversed(rows) if row.patch_id == patch.pk), None)
            repeated = next((row for row in rows if row.uuid == uuid), None)
            if repeated is not None:
                if (repeated.patch_id, repeated.value) != (patch.pk, value):
                    raise _uuid_taken(current)
                return repeated
            if not patch.offered or patch.slide.is_synthetic:
                raise ApplicationError(
                    _("This patch is not offered for labelling: it holds too little tissue, or its slide is synthetic.")
                )
            if (current.pk if current else None) != seen:
                raise Conflict(
                    _(
                        "This patch was labelled elsewhere in the meantime. "
                        "Look at the label that stands and decide again."
                    ),
                    extra=_standing(current),
                )
            return WeakLabel.objects.create(
                patch=patch,
                reader=reader,
                value=value,
                uuid=uuid,
                replaces=current,
                milliseconds=None if milliseconds is None else min(milliseconds, LONGEST_MS),
                route=route,
            )
    except LargePatch.DoesNotExist as error:
        raise Conflict(_("The slide's grid was laid anew and this patch is gone. Reload the page.")) from error
    except IntegrityError as error:
        # Sent for two patches at once, each call holds its own patch: the database lets one of them through.
        if "label_uuid_once_per_reader" not in str(error):
            raise
        raise _uuid_taken(None) from error


def _uuid_taken(current: WeakLabel | None) -> Conflict:
    return Conflict(
        _("This uuid already names another decision of yours. Send a new uuid for a new decision."),
        extra=_standing(current),
    )


def _standing(current: WeakLabel | None) -> dict[str, Any]:
    return {"current": {"id": current.pk, "value": current.value} if current else None}
