"""Read patches, labels and progress."""

from collections import defaultdict
from typing import Any, NamedTuple

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from accounts.access import Act, Person, may, require
from accounts.models import Project, User
from annotation.models import GridSettings, Label, LargePatch, SlideGrid, WeakLabel
from viewer.models import Slide
from viewer.selectors import viewer_payload


class Consensus(NamedTuple):
    """What the readers of one patch agree on, with the rows that say so."""

    value: str
    label_ids: list[int]


def target_mpp(project: Project) -> float | None:
    """Return the resolution that patches are cut at: the project's setting, else its first ready slide's mpp."""
    settings = GridSettings.objects.filter(project=project).first()
    if settings is not None and settings.target_mpp is not None:
        return settings.target_mpp
    first = Slide.objects.filter(case__project=project, origin=Slide.Origin.REAL, state=Slide.State.READY)
    return first.order_by("pk").values_list("mpp", flat=True).first()


def standing_labels() -> QuerySet[WeakLabel]:
    """Rows that no later row of the same reader replaces. A withdrawn label stands as a row without a value."""
    return WeakLabel.objects.filter(~Exists(WeakLabel.objects.filter(replaces=OuterRef("pk"))))


def current_labels(slide: Slide, reader: User) -> dict[int, WeakLabel]:
    """Return the reader's last row on each patch of the slide, by the patch's primary key.

    A withdrawn label is there with value None: its id is what the reader's next label has seen.
    """
    return {row.patch_id: row for row in standing_labels().filter(patch__slide=slide, reader=reader)}


def consensus_labels(project: Project, rule: str = "single") -> dict[int, Consensus]:
    """Return, by patch, the value that all readers' current labels agree on: tumor or normal.

    Patches with disagreement, or that a reader found unsure or excluded, are left out; withdrawn labels do not count.
    """
    if rule != "single":
        raise ValueError(f"The consensus rule {rule!r} does not exist; expected 'single'.")
    rows = defaultdict(list)
    given = standing_labels().filter(
        patch__slide__case__project=project, patch__slide__origin=Slide.Origin.REAL, value__isnull=False
    )
    for patch_id, value, label_id in given.order_by("pk").values_list("patch_id", "value", "pk"):
        rows[patch_id].append((str(value), label_id))
    agreed = {}
    for patch_id, labels in rows.items():
        values = {value for value, _label_id in labels}
        if values == {Label.TUMOR} or values == {Label.NORMAL}:
            agreed[patch_id] = Consensus(values.pop(), [label_id for _value, label_id in labels])
    return agreed


def progress(slide: Slide, reader: User) -> dict[str, int]:
    """Count the reader's current labels on the slide's offered patches. Two queries."""
    standing = standing_labels().filter(patch__slide=slide, reader=reader, value__isnull=False)
    given = dict(standing.order_by().values_list("value").annotate(Count("pk")))
    total = LargePatch.objects.filter(slide=slide, offered=True).count()
    counts = {str(value): given.get(value, 0) for value in Label.values}
    return {**counts, "left": total - sum(counts.values()), "total": total}


def get_patch(user: Person, pk: int, act: Act = Act.SEE_CASES) -> LargePatch:
    """Return a patch of a real slide on which the user may act, its slide and project loaded. Two queries.

    Raises:
        Http404: no such patch, or in no project of theirs.
        PermissionDenied: the user's roles do not allow the act.
    """
    patches = LargePatch.objects.select_related("slide__case__project").filter(slide__origin=Slide.Origin.REAL)
    patch = get_object_or_404(patches, pk=pk)
    require(user, act, patch.slide.project)
    return patch


def label_history(patch: LargePatch, user: Person) -> QuerySet[WeakLabel]:
    """Return every row of a patch, oldest first: the reader's own, or all of them to who may freeze them."""
    rows = WeakLabel.objects.filter(patch=patch).select_related("reader").order_by("pk")
    return rows if may(user, Act.FREEZE_DATASET, patch.slide.project) else rows.filter(reader=user.pk)


def has_labels(project: Project) -> bool:
    return WeakLabel.objects.filter(patch__slide__case__project=project).exists()


def resampling_note(grid: SlideGrid) -> str:
    """Say that and why pixels are resampled; empty when they are not."""
    if not grid.resampled:
        return ""
    return _("Patches are cut at %(target).4g µm per pixel and this slide has %(mpp).4g: its pixels are resampled.") % {
        "target": grid.target_mpp,
        "mpp": grid.slide.mpp,
    }


def labelling_payload(slide: Slide, user: User) -> dict[str, Any]:
    """Return all that the labelling page needs of a slide whose grid is laid."""
    grid = slide.grid
    settings = GridSettings.objects.get(project=slide.project)
    current = current_labels(slide, user)
    patches = []
    columns = ("pk", "column", "row", "x_l0", "y_l0", "size_l0", "tissue_share", "offered")
    for pk, column, row, x_l0, y_l0, size_l0, tissue_share, offered in slide.patches.values_list(*columns):
        label = current.get(pk)
        patches.append(
            {
                "id": pk,
                "column": column,
                "row": row,
                "x": x_l0,
                "y": y_l0,
                "size": size_l0,
                "tissue_share": round(tissue_share, 4),
                "offered": offered,
                "label": label.value if label else None,
                "label_id": label.pk if label else None,
            }
        )
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
        "patches": patches,
        "counts": progress(slide, user),
        "can_label": may(user, Act.LABEL, slide.project),
        "reader": user.get_username(),
        "label_url": "/api/v1/patches/{id}/label/",
    }
