"""Bring patches in that Otsu's threshold dropped, or leave some out that it kept."""

from collections import defaultdict
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from annotation.models import LargePatch, Overrule, WeakLabel
from viewer.models import Slide


@transaction.atomic
def overrule_tissue(
    slide: Slide,
    patches: list[int],
    offered: bool,
    by: User,
    uuid: UUID | None = None,
    step: UUID | None = None,
    act: str = Overrule.Act.OVERRULE,
) -> list[int]:
    """Offer patches, or leave them out; labels that were given stay in the history. Returns those that changed.

    A repeat of `uuid` changes nothing more. Undo and redo name the `step` that they take back or say again.

    Raises:
        ApplicationError: a patch of another slide.
        Conflict: a patch is no longer as the step left it, or `uuid` already names another decision.
    """
    locked = {
        patch.pk: patch
        for patch in LargePatch.objects.select_for_update(no_key=True).filter(slide=slide, pk__in=patches)
    }
    if foreign := sorted(set(patches) - locked.keys()):
        raise ApplicationError(
            _("Patch %(patch)s is not one of “%(slide)s”. Nothing was changed.") % {"patch": foreign[0], "slide": slide}
        )
    uuid = uuid or uuid4()
    if given := list(Overrule.objects.filter(by=by, uuid=uuid).order_by("patch")):
        return _repeat(given, locked, offered, act)
    if act != Overrule.Act.OVERRULE:
        _require_standing(locked, offered, by, step, act)
    changed = [pk for pk, patch in sorted(locked.items()) if patch.offered != offered]
    LargePatch.objects.filter(pk__in=changed).update(offered=offered)
    after = WeakLabel.objects.filter(patch__slide=slide, reader=by).order_by("-pk").first()
    Overrule.objects.bulk_create(
        [Overrule(patch_id=pk, by=by, offered=offered, uuid=uuid, step=step, act=act, after=after) for pk in changed],
        batch_size=1000,
    )
    return changed


def _repeat(given: list[Overrule], patches: dict[int, LargePatch], offered: bool, act: str) -> list[int]:
    if any((row.offered, row.act) != (offered, act) or row.patch_id not in patches for row in given):
        raise Conflict(_("This uuid already names another decision of yours. Send a new uuid for a new decision."))
    return [row.patch_id for row in given]


def _require_standing(patches: dict[int, LargePatch], offered: bool, by: User, step: UUID | None, act: str) -> None:
    """Let an undo or redo pass that is the person's next one on each patch, and on which nobody else spoke since."""
    rows: dict[int, list[Overrule]] = defaultdict(list)
    for row in Overrule.objects.filter(patch__in=patches).select_related("by").order_by("pk"):
        rows[row.patch_id].append(row)
    conflicts = []
    for pk, patch in sorted(patches.items()):
        done, undone = _steps_of_patch(rows[pk], by)
        stack = done if act == Overrule.Act.UNDO else undone
        if not stack or stack[-1] != step or patch.offered == offered:
            last = rows[pk][-1].by.username if rows[pk] else None
            conflicts.append({"patch": pk, "offered": patch.offered, "by": last})
    if conflicts:
        raise Conflict(
            _("%(number)s of these patches were brought in or left out by somebody else since. Nothing was changed.")
            % {"number": len(conflicts)},
            extra={"conflicts": conflicts},
        )


def _steps_of_patch(rows: list[Overrule], by: User) -> tuple[list[UUID], list[UUID]]:
    """Return what a person can undo and redo on one patch, the next one last."""
    done: list[UUID] = []
    undone: list[UUID] = []
    for row in rows:
        if row.by_id != by.pk:
            done.clear()
            undone.clear()
        elif row.act == Overrule.Act.UNDO:
            undone.append(done.pop())
        elif row.act == Overrule.Act.REDO:
            done.append(undone.pop())
        else:
            done.append(row.step_key)
            undone.clear()
    return done, undone
