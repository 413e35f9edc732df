"""Read patches and the labels that stand on them."""

from django.db.models import Exists, OuterRef, QuerySet
from django.shortcuts import get_object_or_404

from accounts.access import Act, Person, require
from accounts.models import Project, User
from annotation.models import GridSettings, LargePatch, Remark, WeakLabel
from viewer.models import Slide


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


def get_patch(user: Person, pk: int, act: Act = Act.SEE_CASES) -> LargePatch:
    """Return a patch of a real slide on which the user may act, its slide and project loaded. Two queries.

    Raises:
        Http404: no such patch, or in no project of theirs.
        PermissionDenied: the user's roles do not allow the act.
    """
    patches = LargePatch.objects.select_related("slide__case__project__reading_settings").filter(
        slide__origin=Slide.Origin.REAL
    )
    patch = get_object_or_404(patches, pk=pk)
    require(user, act, patch.slide.project)
    return patch


def get_real_slide(user: Person, pk: int, act: Act) -> Slide:
    """Return a real slide on which the user may act, its project loaded.

    Raises:
        Http404: no such real slide, or in no project of theirs.
        PermissionDenied: the user's roles do not allow the act.
    """
    slides = Slide.objects.select_related("case__project__reading_settings").filter(origin=Slide.Origin.REAL)
    slide = get_object_or_404(slides, pk=pk)
    require(user, act, slide.project)
    return slide


def has_labels(project: Project) -> bool:
    """Tell whether readers have said anything of the project's patches."""
    said = (WeakLabel.objects, Remark.objects)
    return any(rows.filter(patch__slide__case__project=project).exists() for rows in said)


def has_read(slide: Slide, reader: User) -> bool:
    return WeakLabel.objects.filter(patch__slide=slide, reader=reader).exists()
