"""Write patches, labels and predictions: one verb, one transaction."""

import uuid as uuids
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import Project, User
from annotation import selectors
from annotation.models import GridSettings, Label, LargePatch, PatchPrediction, SlideGrid, WeakLabel
from viewer.imaging.errors import ImagingError
from viewer.imaging.foreground import TissueMask, tissue_mask
from viewer.imaging.geometry import grid_cells, patch_side_l0
from viewer.models import Slide
from viewer.readers import open_reader

# What the column holds; a page that stays open for weeks must not cost its reader the label.
LONGEST_MS = 2**31 - 1


class Prediction(NamedTuple):
    """What a MIL checkpoint says of one patch; instance probabilities row by row, one byte each, 255 not scored."""

    patch_id: int
    probability: float
    best_x_l0: int
    best_y_l0: int
    instance_probabilities: bytes


def ensure_grid(slide: Slide) -> SlideGrid:
    """Return the slide's grid, laid now if it was not laid before."""
    return SlideGrid.objects.filter(slide=slide).first() or lay_out_patches(slide)


def open_for_labelling(slide: Slide) -> SlideGrid:
    """Return the grid of a slide that readers may label; synthetic slides are never offered."""
    if slide.is_synthetic:
        raise ApplicationError(
            _("“%(slide)s” is synthetic: only real slides are labelled. Label the slide that it was made from.")
            % {"slide": slide}
        )
    return ensure_grid(slide)


def lay_out_patches(slide: Slide) -> SlideGrid:
    """Lay the project's grid over a slide: from (0, 0), whole patches only, Otsu's tissue share for each.

    Of two callers at once one lays the grid and the other gets the same one. The first grid of a project fixes its
    target mpp, so that a later slide cannot shift it.
    """
    if slide.state != Slide.State.READY:
        raise ApplicationError(
            _(
                "The resolution of “%(slide)s” is not known, so its patches have no size. A project lead supplies its mpp first."
            )
            % {"slide": slide}
        )
    tissue = _read_tissue(slide)  # seconds on a large slide, so before any lock is taken
    with transaction.atomic():
        slide = (
            Slide.objects.select_for_update(no_key=True, of=("self",)).select_related("case__project").get(pk=slide.pk)
        )
        if grid := SlideGrid.objects.filter(slide=slide).first():
            return grid
        settings = lock_grid_settings(slide.project)
        if settings.target_mpp is None:
            settings.target_mpp = selectors.target_mpp(slide.project) or slide.mpp
            settings.save(update_fields=["target_mpp"])
        side_l0 = patch_side_l0(settings.patch_px, settings.target_mpp, slide.mpp)
        patches = LargePatch.objects.bulk_create(
            _cut(slide, side_l0, tissue, settings.min_tissue_share), batch_size=2000
        )
        return SlideGrid.objects.create(
            slide=slide,
            target_mpp=settings.target_mpp,
            size_l0=side_l0,
            columns=slide.width_l0 // side_l0,
            rows=slide.height_l0 // side_l0,
            otsu_threshold=tissue.threshold,
            resampled=side_l0 != settings.patch_px,
            note=_why_nothing_to_label(slide, settings, side_l0, patches),
        )


def lock_grid_settings(project: Project) -> GridSettings:
    """Return the project's grid settings, made with the paper's values if need be, locked until the transaction ends."""
    GridSettings.objects.get_or_create(project=project)
    return GridSettings.objects.select_for_update().get(project=project)


@transaction.atomic
def change_grid_settings(project: Project, **changes: Any) -> GridSettings:
    """Change how a project cuts its slides. Grids that nobody labelled on are removed and laid anew when asked for.

    Raises:
        Conflict: labels exist; other patches would take the place of those that the readers saw.
    """
    settings = lock_grid_settings(project)
    if all(getattr(settings, name) == value for name, value in changes.items()):
        return settings
    patches = LargePatch.objects.filter(slide__case__project=project)
    # A reader who is labelling holds a patch: wait for that label, then count it.
    list(patches.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
    if selectors.has_labels(project):
        raise Conflict(
            _(
                "The grid of “%(project)s” stays as it is: its patches carry labels, and other settings would move them. "
                "Start a new project to cut the slides differently."
            )
            % {"project": project}
        )
    for name, value in changes.items():
        setattr(settings, name, value)
    settings.full_clean()
    settings.save(update_fields=list(changes))
    SlideGrid.objects.filter(slide__case__project=project).delete()
    patches.delete()
    return settings


def label_patch(
    patch: LargePatch,
    value: str | None,
    reader: User,
    uuid: uuids.UUID,
    seen: int | None,
    milliseconds: int | None = None,
    route: str = WeakLabel.Route.API,
) -> WeakLabel:
    """Write one label. `value` None withdraws; `seen` is the id of the reader's label on screen, None if there was none.

    A repeat of `uuid` returns the row that the first call wrote, so a client may send again whenever an answer is lost.

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
                        "This patch was labelled elsewhere in the meantime. Look at the label that stands and decide again."
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


@transaction.atomic
def record_predictions(slide: Slide, checkpoint_sha256: str, predictions: Iterable[Prediction]) -> int:
    """Keep what a checkpoint says of a slide's patches; a repeat overwrites with the same. Returns how many.

    Raises:
        ApplicationError: a prediction names a patch that is not one of the slide's.
    """
    own = set(LargePatch.objects.filter(slide=slide).values_list("pk", flat=True))
    rows = [PatchPrediction(checkpoint_sha256=checkpoint_sha256, **prediction._asdict()) for prediction in predictions]
    if foreign := sorted({row.patch_id for row in rows} - own):
        raise ApplicationError(
            _("Predictions name patch %(patch)s, which is not one of “%(slide)s”. Nothing was kept.")
            % {"patch": foreign[0], "slide": slide}
        )
    PatchPrediction.objects.bulk_create(
        rows,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["patch", "checkpoint_sha256"],
        update_fields=["probability", "best_x_l0", "best_y_l0", "instance_probabilities"],
    )
    return len(rows)


def _read_tissue(slide: Slide) -> TissueMask:
    try:
        with open_reader(slide) as reader:
            return tissue_mask(reader)
    except ImagingError as error:
        raise ApplicationError(
            _("No patches could be laid over “%(slide)s”: %(reason)s") % {"slide": slide, "reason": error}
        ) from error


def _cut(slide: Slide, side_l0: int, tissue: TissueMask, min_tissue_share: float) -> list[LargePatch]:
    patches = []
    for cell in grid_cells(slide.width_l0, slide.height_l0, side_l0):
        share = tissue.share(cell.x_l0, cell.y_l0, side_l0, side_l0)
        patches.append(
            LargePatch(
                slide=slide,
                column=cell.column,
                row=cell.row,
                x_l0=cell.x_l0,
                y_l0=cell.y_l0,
                size_l0=side_l0,
                tissue_share=share,
                offered=share >= min_tissue_share,
            )
        )
    return patches


def _why_nothing_to_label(slide: Slide, settings: GridSettings, side_l0: int, patches: list[LargePatch]) -> str:
    if not patches:
        return _(
            "The slide is %(width)s × %(height)s px and one patch of %(patch)s px at %(target).4g µm per pixel is %(side)s px "
            "wide here: no whole patch fits. The slide can still be viewed and counted."
        ) % {
            "width": slide.width_l0,
            "height": slide.height_l0,
            "patch": settings.patch_px,
            "target": settings.target_mpp,
            "side": side_l0,
        }
    if not any(patch.offered for patch in patches):
        return _(
            "None of the %(number)s patches holds %(share).3g %% tissue. A project lead can lower that share before the "
            "first label is given."
        ) % {"number": len(patches), "share": settings.min_tissue_share * 100}
    return ""
