"""Lay the grid of large patches over slides."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import Project
from annotation import selectors
from annotation.models import GridSettings, LargePatch, Scoring, SlideGrid
from viewer.imaging.errors import ImagingError
from viewer.imaging.foreground import TissueMask, tissue_mask
from viewer.imaging.geometry import grid_cells, patch_side_l0
from viewer.models import Slide
from viewer.readers import open_reader


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
                "The resolution of “%(slide)s” is not known, so its patches have no size. "
                "A project lead supplies its mpp first."
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
        assert settings.target_mpp is not None and slide.mpp is not None, "a ready slide has its mpp"
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
    """Return the project's grid settings, made if need be, locked until the transaction ends."""
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
    # A label that is being committed needs its patch: hold them all, then count.
    list(patches.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
    if selectors.has_labels(project):
        raise Conflict(
            _(
                "The grid of “%(project)s” stays as it is: its patches carry labels, and other settings would "
                "move them. Start a new project to cut the slides differently."
            )
            % {"project": project}
        )
    for name, value in changes.items():
        setattr(settings, name, value)
    settings.full_clean()
    settings.save(update_fields=list(changes))
    SlideGrid.objects.filter(slide__case__project=project).delete()
    Scoring.objects.filter(slide__case__project=project).delete()
    patches.delete()
    return settings


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
                by_otsu=share >= min_tissue_share,
            )
        )
    return patches


def _why_nothing_to_label(slide: Slide, settings: GridSettings, side_l0: int, patches: list[LargePatch]) -> str:
    if not patches:
        return _(
            "The slide is %(width)s × %(height)s px and one patch of %(patch)s px at %(target).4g µm per pixel is "
            "%(side)s px wide here: no whole patch fits. The slide can still be viewed and counted."
        ) % {
            "width": slide.width_l0,
            "height": slide.height_l0,
            "patch": settings.patch_px,
            "target": settings.target_mpp,
            "side": side_l0,
        }
    if not any(patch.offered for patch in patches):
        return _(
            "None of the %(number)s patches holds %(share).3g %% tissue. "
            "A project lead can lower that share before the first label is given."
        ) % {"number": len(patches), "share": settings.min_tissue_share * 100}
    return ""
