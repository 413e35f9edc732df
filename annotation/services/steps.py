"""Write many labels that were decided together, and are undone together."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from annotation.models import LargePatch, WeakLabel
from annotation.services.labels import (
    RACES,
    How,
    require_known,
    require_offered,
    require_undoable,
)
from viewer.models import Slide

MOST_AT_ONCE = 20_000


@dataclass(frozen=True)
class PatchWrite:
    """One patch's part in a step: see `label_patch`."""

    patch: int
    value: str | None
    uuid: UUID
    seen: int | None


def label_patches(slide: Slide, writes: list[PatchWrite], reader: User, **how: Any) -> list[WeakLabel]:
    """Write the labels of one step, all or none, in the order given. A repeat returns the rows of the first call.

    Raises:
        ApplicationError: a value, a patch or a repeated uuid that cannot be.
        Conflict: some labels are not the ones seen; `extra["conflicts"]` lists patch and standing label of each.
    """
    details = How(**how)
    if len(writes) > MOST_AT_ONCE:
        raise ApplicationError(
            _("%(number)s labels were sent at once; at most %(most)s are taken.")
            % {"number": len(writes), "most": MOST_AT_ONCE}
        )
    uuids = {write.uuid for write in writes}
    if len(uuids) != len(writes) or len({write.patch for write in writes}) != len(writes):
        raise ApplicationError(_("A patch or a uuid was sent twice in one step. Send each once."))
    for write in writes:
        require_known(write.value)
    for attempt in (1, 2):
        given = {row.uuid: row for row in WeakLabel.objects.filter(reader=reader, uuid__in=uuids)}
        if given:
            return _repeat(writes, given)
        try:
            with transaction.atomic():
                return _write(slide, writes, reader, details)
        except IntegrityError as error:
            if attempt == 2 or not any(name in str(error) for name in RACES):
                raise
    raise AssertionError("a second attempt answers or raises")


def _repeat(writes: list[PatchWrite], given: dict[UUID, WeakLabel]) -> list[WeakLabel]:
    for write in writes:
        row = given.get(write.uuid)
        if row is None or (row.patch_id, row.value) != (write.patch, write.value):
            raise Conflict(_("A uuid of this step already names another decision of yours. Send new uuids."))
    return [given[write.uuid] for write in writes]


def _write(slide: Slide, writes: list[PatchWrite], reader: User, details: How) -> list[WeakLabel]:
    patches = {
        patch.pk: patch
        for patch in LargePatch.objects.filter(slide=slide, pk__in=[write.patch for write in writes]).select_related(
            "slide__case__project__reading_settings"
        )
    }
    if foreign := sorted({write.patch for write in writes} - patches.keys()):
        raise ApplicationError(
            _("Patch %(patch)s is not one of “%(slide)s”. Nothing was written.") % {"patch": foreign[0], "slide": slide}
        )
    if patches:
        first = next(iter(patches.values()))
        require_offered(first, reader)  # asks who is assigned, once for the slide
    if left_out := [patch for patch in patches.values() if not patch.offered]:
        require_offered(left_out[0], reader)
    history: dict[int, list[WeakLabel]] = defaultdict(list)
    for row in WeakLabel.objects.filter(patch__in=patches, reader=reader).order_by("pk"):
        history[row.patch_id].append(row)
    current = {patch_id: rows[-1] for patch_id, rows in history.items()}
    conflicts = []
    for write in writes:
        standing = current.get(write.patch)
        if (standing.pk if standing else None) != write.seen:
            shown = {"id": standing.pk, "value": standing.value} if standing else None
            conflicts.append({"patch": write.patch, "current": shown})
    if conflicts:
        raise Conflict(
            _("%(number)s of these patches were labelled elsewhere in the meantime. Nothing was written.")
            % {"number": len(conflicts)},
            extra={"conflicts": conflicts},
        )
    for write in writes:
        require_undoable(history[write.patch], write.value, details)
    return WeakLabel.objects.bulk_create(
        [
            WeakLabel(
                patch=patches[write.patch],
                reader=reader,
                value=write.value,
                uuid=write.uuid,
                replaces=current.get(write.patch),
                **details.columns(),
            )
            for write in writes
        ],
        batch_size=1000,
    )
