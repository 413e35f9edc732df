"""All that a labelling page needs of a slide, as JSON."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.access import Act, may
from accounts.models import User
from annotation.models import GridSettings, Remark, SlideGrid
from annotation.selectors import reading
from annotation.selectors.labels import current_labels
from annotation.selectors.orders import POSITION, in_order, scorings
from annotation.selectors.steps import undo_history
from viewer.models import Slide
from viewer.selectors import viewer_payload


def resampling_note(grid: SlideGrid) -> str:
    """Say that and why pixels are resampled; empty when they are not."""
    if not grid.resampled:
        return ""
    return _("Patches are cut at %(target).4g µm per pixel and this slide has %(mpp).4g: its pixels are resampled.") % {
        "target": grid.target_mpp,
        "mpp": grid.slide.mpp,
    }


def labelling_payload(slide: Slide, user: User, order: str = POSITION) -> dict[str, Any]:
    """Return all that the labelling page needs of a slide whose grid is laid.

    Raises:
        ApplicationError: there is no such order for this reader.
    """
    grid = slide.grid
    settings = GridSettings.objects.get(project=slide.project)
    patches = list(slide.patches.all())
    current = current_labels(slide, user)
    flagged = flagged_patches(slide, user)
    asked = {patch.pk for patch in reading.asked_patches(slide, user)}
    blinded = reading.is_blinded(slide)
    ordered = in_order(slide, [patch for patch in patches if patch.pk in asked], order, blinded)
    rows = []
    for patch in patches:
        label = current.get(patch.pk)
        rows.append(
            {
                "id": patch.pk,
                "column": patch.column,
                "row": patch.row,
                "x": patch.x_l0,
                "y": patch.y_l0,
                "size": patch.size_l0,
                "tissue_share": round(patch.tissue_share, 4),
                "offered": patch.offered,
                "by_otsu": patch.by_otsu,
                "asked": patch.pk in asked,
                "flagged": patch.pk in flagged,
                "label": label.value if label else None,
                "label_id": label.pk if label else None,
            }
        )
    own = reading.reading_of(slide, user)
    can_label = may(user, Act.LABEL, slide.project)
    if can_label and reading.reading_settings(slide.project).assigned_only:
        can_label = own is not None and own.part in reading.READERS
    return {
        "slide": {**viewer_payload(slide), "resampled_note": resampling_note(grid)},
        "grid": {
            "columns": grid.columns,
            "rows": grid.rows,
            "size_l0": grid.size_l0,
            "otsu_threshold": grid.otsu_threshold,
            "target_mpp": grid.target_mpp,
            "patch_px": settings.patch_px,
            "resampled": grid.resampled,
            "note": grid.note,
        },
        "patches": rows,
        "order": order,
        "queue": [patch.pk for patch in ordered],
        "steps": undo_history(slide, user),
        "blinded": blinded,
        "checkpoints": []
        if blinded
        else [{"sha256": one.checkpoint_sha256, "name": one.name} for one in scorings(slide)],
        "reading": None
        if own is None
        else {"id": own.pk, "part": own.part, "done": own.done_at is not None, "reviewed": own.reviewed_at is not None},
        "counts": reading.progress(slide, user),
        "can_label": can_label,
        "can_overrule": can_label or may(user, Act.FREEZE_DATASET, slide.project),
        "reader": user.get_username(),
        "label_url": "/api/v1/patches/{id}/label/",
    }


def flagged_patches(slide: Slide, user: User) -> set[int]:
    """Return the patches whose last word among the flags that a person may see is a flag."""
    flags = Remark.objects.filter(patch__slide=slide, kind__in=[Remark.Kind.FLAG, Remark.Kind.UNFLAG]).order_by("pk")
    if not reading.sees_others(slide, user):
        flags = flags.filter(author=user)
    last = {(patch_id, author_id): kind for patch_id, author_id, kind in flags.values_list("patch", "author", "kind")}
    return {patch_id for (patch_id, _author), kind in last.items() if kind == Remark.Kind.FLAG}
