"""What a reader has to do, and whom a lead can ask."""

from typing import Any

from django.db.models import Count, QuerySet

from accounts.access import Act, Person, may, projects_where
from accounts.models import Project, Role, User
from annotation.models import LargePatch, Reading
from annotation.selectors import reading
from annotation.selectors.labels import standing_labels
from viewer.models import Slide


def my_work(reader: User) -> list[dict[str, Any]]:
    """Return the reader's readings with their progress, open ones first."""
    return [
        {"reading": one, "slide": one.slide, "project": one.slide.project, **_progress(one.slide, reader)}
        for one in reading.my_readings(reader)
    ]


def open_projects(reader: User) -> QuerySet[Project]:
    """Return the projects in which a person may label slides that nobody assigned."""
    return projects_where(reader, Act.LABEL).exclude(reading_settings__assigned_only=True)


def pathologists(project: Project) -> QuerySet[User]:
    members = User.objects.filter(memberships__project=project, memberships__role=Role.PATHOLOGIST, is_active=True)
    return members.distinct().order_by("username")


def labelled_slides(project: Project) -> QuerySet[Slide]:
    """Return the project's real slides that somebody labelled."""
    labelled = Slide.objects.filter(case__project=project, origin=Slide.Origin.REAL, patches__labels__isnull=False)
    return labelled.select_related("case").distinct().order_by("case__name", "stain", "pk")


def labelling_rows(project: Project, user: Person) -> dict[int, dict[str, Any]]:
    """Return, by slide, what a project's page says of labelling: one's own progress, and the readers' for leads.

    Who neither labels nor leads gets none. Four queries, however many slides there are.
    """
    lead, labels = may(user, Act.FREEZE_DATASET, project), may(user, Act.LABEL, project)
    if not (lead or labels):
        return {}
    real = {"slide__case__project": project, "slide__origin": Slide.Origin.REAL}
    offered = dict(
        LargePatch.objects.filter(offered=True, **real).order_by().values_list("slide").annotate(Count("pk"))
    )
    given = standing_labels().filter(
        patch__slide__case__project=project, patch__offered=True, value__isnull=False, reader=user.pk
    )
    own = dict(given.order_by().values_list("patch__slide").annotate(Count("pk")))
    readings = Reading.objects.filter(**real).exclude(part=Reading.Part.ADJUDICATOR).select_related("reader")
    rows: dict[int, dict[str, Any]] = {
        slide: {"given": own.get(slide, 0), "total": total, "labels": labels, "mine": None, "readers": [], "done": 0}
        for slide, total in offered.items()
    }
    for one in readings:
        row = rows.setdefault(one.slide_id, {"given": 0, "total": 0, "mine": None, "readers": [], "done": 0})
        row["done"] += one.done_at is not None
        if one.reader_id == user.pk:
            row["mine"] = one
        if lead:
            row["readers"].append(one)
    return rows


def _progress(slide: Slide, reader: User) -> dict[str, Any]:
    counts = reading.progress(slide, reader)
    given = counts["total"] - counts["left"]
    share = given / counts["total"] if counts["total"] else 0.0
    return {"given": given, "total": counts["total"], "left": counts["left"], "share": share}
