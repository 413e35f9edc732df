"""Say who reads what, who may see whom, and how far everybody is."""

import math
from hashlib import sha256

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.access import Act, Person, may, projects_where
from accounts.models import Project, User
from annotation.models import Label, LargePatch, Reading, ReadingSettings, Remark, WeakLabel
from annotation.selectors.labels import standing_labels
from viewer.models import Slide

READERS = (Reading.Part.ALL, Reading.Part.SHARED)


def reading_settings(project: Project) -> ReadingSettings:
    """Return the project's settings, or the defaults where nobody changed any."""
    found = getattr(project, "reading_settings", None)
    return found or ReadingSettings(project=project)


def reading_of(slide: Slide, reader: Person) -> Reading | None:
    return Reading.objects.filter(slide=slide, reader_id=reader.pk).first()


def may_read_patch(patch: LargePatch, reader: User) -> bool:
    """Tell whether a pathologist may label here: anybody may, unless the project asks for an assignment first."""
    if not reading_settings(patch.slide.project).assigned_only:
        return True
    return Reading.objects.filter(slide=patch.slide_id, reader=reader, part__in=READERS).exists()


def double_read_ids(slide: Slide) -> set[int]:
    """Return the patches that second readers are asked about: drawn by the project's seed, the same for all of them."""
    settings = reading_settings(slide.project)
    rows = slide.patches.filter(by_otsu=True).values_list("pk", "column", "row", "offered")
    drawn = sorted(rows, key=lambda row: sha256(f"{settings.double_seed}:{row[1]}:{row[2]}".encode()).digest())
    return {pk for pk, _column, _row, offered in drawn[: math.ceil(settings.double_share * len(drawn))] if offered}


def asked_patches(slide: Slide, reader: Person) -> QuerySet[LargePatch]:
    """Return the patches that a reader is asked about on a slide."""
    patches = LargePatch.objects.filter(slide=slide, offered=True)
    reading = reading_of(slide, reader)
    if reading is not None and reading.part == Reading.Part.SHARED:
        patches = patches.filter(pk__in=double_read_ids(slide))
    return patches


def progress(slide: Slide, reader: User) -> dict[str, int]:
    """Count the reader's current labels on the patches that they are asked about. Three queries."""
    asked = asked_patches(slide, reader)
    standing = standing_labels().filter(patch__in=asked, reader=reader, value__isnull=False)
    given = dict(standing.order_by().values_list("value").annotate(Count("pk")))
    total = asked.count()
    counts = {str(value): given.get(value, 0) for value in Label.values}
    return {**counts, "left": total - sum(counts.values()), "total": total}


def is_blinded(slide: Slide) -> bool:
    """Tell whether readers of a slide work apart: several are assigned and not all of them are done."""
    if not reading_settings(slide.project).blinded:
        return False
    readers = Reading.objects.filter(slide=slide, part__in=READERS)
    counts = readers.aggregate(all=Count("pk"), done=Count("pk", filter=Q(done_at__isnull=False)))
    return counts["all"] > 1 and counts["done"] < counts["all"]


def sees_others(slide: Slide, user: Person) -> bool:
    """Tell whether a person may see what other readers said of a slide.

    Leads and adjudicators may, unless they read the slide themselves and it is still blinded; readers once everybody
    is done.
    """
    reading = reading_of(slide, user)
    if reading is not None and reading.part in READERS:
        return reading.done_at is not None and not is_blinded(slide)
    return may(user, Act.FREEZE_DATASET, slide.project) or reading is not None


def may_adjudicate(slide: Slide, user: Person) -> bool:
    """Tell whether a person may settle disagreement on a slide: leads, and whom they named for it.

    Who reads the slide does not judge it, and nobody does before the readers are done.
    """
    reading = reading_of(slide, user)
    named = reading is not None and reading.part == Reading.Part.ADJUDICATOR and may(user, Act.LABEL, slide.project)
    reads = reading is not None and reading.part in READERS
    return (named or may(user, Act.ADJUDICATE, slide.project)) and not reads and not is_blinded(slide)


def label_history(patch: LargePatch, user: Person) -> QuerySet[WeakLabel]:
    """Return the rows of a patch that a person may see, oldest first: their own, or everybody's."""
    rows = WeakLabel.objects.filter(patch=patch).select_related("reader").order_by("pk")
    return rows if sees_others(patch.slide, user) else rows.filter(reader=user.pk)


def my_readings(user: User) -> QuerySet[Reading]:
    """Return what is assigned to a person where they may still label, open work first."""
    readings = Reading.objects.filter(reader=user, slide__case__project__in=projects_where(user, Act.LABEL))
    return readings.select_related("slide__case__project__reading_settings").order_by(
        "done_at", "slide__case__project__name", "slide__case__name", "slide__stain", "pk"
    )


def remarks_on(patch: LargePatch, user: Person) -> QuerySet[Remark]:
    """Return flags and comments on a patch, oldest first: one's own, or everybody's."""
    remarks = Remark.objects.filter(patch=patch).select_related("author").order_by("pk")
    return remarks if sees_others(patch.slide, user) else remarks.filter(author=user.pk)


def require_reader_or_lead(slide: Slide, user: Person) -> None:
    """Let readers and leads pass: they remark on patches, and overrule what Otsu's threshold says of them."""
    if not (may(user, Act.LABEL, slide.project) or may(user, Act.FREEZE_DATASET, slide.project)):
        raise PermissionDenied(_("Only pathologists and project leads do this. Ask a project lead for the role."))


def require_adjudicator(slide: Slide, user: Person) -> None:
    if not may_adjudicate(slide, user):
        raise PermissionDenied(
            _(
                "You do not settle disagreement on this slide: leads and those named for it do, unless they read it "
                "themselves, and once all its readers are done."
            )
        )
