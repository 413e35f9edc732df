"""What a lead asks on Monday: who is how far, how fast, and what the classes look like."""

from collections import defaultdict
from datetime import datetime
from statistics import median
from typing import Any

from django.db.models import Count

from accounts.models import Project, User
from annotation.models import LargePatch, Reading, WeakLabel
from annotation.selectors import reading
from annotation.selectors.consensus import consensus_labels
from annotation.selectors.labels import standing_labels
from viewer.models import Slide

# Xu et al. 2020, Table 1: patches that the MIL classifiers were trained on and evaluated with.
TABLE_1 = {
    "HE": {"tumor": 307, "normal": 87, "tumor_evaluation": 35, "normal_evaluation": 35},
    "KI67": {"tumor": 359, "normal": 78, "tumor_evaluation": 46, "normal_evaluation": 40},
}
# A label that took longer was interrupted: it says nothing of a reader's speed.
LONGEST_LABEL_MS = 120_000
REMEMBERED = 500


def slide_states(project: Project) -> list[dict[str, Any]]:
    """Return the project's real slides with their readings and states: who is not started, in work, done, reviewed."""
    slides = Slide.objects.filter(case__project=project, origin=Slide.Origin.REAL, state=Slide.State.READY)
    slides = slides.select_related("case__project__reading_settings").prefetch_related("readings__reader")
    given = _given_by_slide_and_reader(project)
    names = dict(User.objects.filter(pk__in={reader for _slide, reader in given}).values_list("pk", "username"))
    offered = dict(
        LargePatch.objects.filter(slide__case__project=project, offered=True)
        .order_by()
        .values_list("slide")
        .annotate(Count("pk"))
    )
    rows = []
    for slide in slides.order_by("case__name", "stain", "pk"):
        parts = []
        assigned = {one.reader_id: one for one in slide.readings.all()}
        for one in assigned.values():
            asked = offered.get(slide.pk, 0)
            if one.part == Reading.Part.SHARED:
                asked = len(reading.double_read_ids(slide))
            count = given.get((slide.pk, one.reader_id), 0)
            parts.append(_part(one, one.reader.username, count, asked))
        for (slide_pk, reader_pk), count in given.items():
            if slide_pk == slide.pk and reader_pk not in assigned:
                parts.append(_part(None, names[reader_pk], count, offered.get(slide.pk, 0)))
        rows.append({"slide": slide, "patches": offered.get(slide.pk, 0), "parts": parts, "state": _state(parts)})
    return rows


def reader_rows(project: Project, states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each reader's speed, what is left of the assigned slides, and the hours that it will take."""
    left: dict[str, int] = defaultdict(int)
    given: dict[str, int] = defaultdict(int)
    for row in states:
        for part in row["parts"]:
            given[part["reader"]] += part["given"]
            left[part["reader"]] += part["left"] if part["id"] is not None and part["state"] != "done" else 0
    rows = []
    for name in sorted(given):
        times = _recent_times(project, name)
        seconds = median(times) / 1000 if times else None
        per_hour = 3600 / seconds if seconds else None
        rows.append(
            {
                "reader": name,
                "given": given[name],
                "seconds": seconds,
                "per_hour": per_hour,
                "left": left[name],
                "hours": left[name] / per_hour if per_hour else None,
                "last": _last_label(project, name),
            }
        )
    return rows


def class_balance(project: Project) -> list[dict[str, Any]]:
    """Return what the consensus holds per stain, beside the counts of the paper's Table 1."""
    agreed = consensus_labels(project)
    stains = dict(LargePatch.objects.filter(pk__in=agreed).values_list("pk", "slide__stain"))
    counts: dict[str, dict[str, int]] = defaultdict(lambda: {"tumor": 0, "normal": 0})
    for patch, one in agreed.items():
        counts[stains[patch]][one.value] += 1
    rows = []
    for stain in (project.source_stain, project.target_stain):
        paper = TABLE_1.get(stain)
        total = counts[stain]["tumor"] + counts[stain]["normal"]
        share = counts[stain]["tumor"] / total if total else None
        paper_share = paper["tumor"] / (paper["tumor"] + paper["normal"]) if paper else None
        rows.append({"stain": stain, **counts[stain], "share": share, "paper": paper, "paper_share": paper_share})
    return rows


def _part(one: Reading | None, name: str, given: int, asked: int) -> dict[str, Any]:
    state = "not_started" if given == 0 else "in_work"
    if one is not None and one.done_at is not None:
        state = "reviewed" if one.reviewed_at is not None else "done"
    return {
        "id": one.pk if one else None,
        "reader": name,
        "part": one.part if one else "",
        "part_name": one.get_part_display() if one else "",
        "given": given,
        "asked": asked,
        "left": max(asked - given, 0) if one is None or one.part != Reading.Part.ADJUDICATOR else 0,
        "state": state,
    }


def _state(parts: list[dict[str, Any]]) -> str:
    """The slide is as far as its slowest reader; whoever nobody assigned counts as one."""
    readers = [part["state"] for part in parts if part["part"] != Reading.Part.ADJUDICATOR]
    if not readers or set(readers) == {"not_started"}:
        return "not_started"
    for state in ("reviewed", "done"):
        if all(one in ("reviewed", state) for one in readers):
            return state
    return "in_work"


def _given_by_slide_and_reader(project: Project) -> dict[tuple[int, int], int]:
    rows = standing_labels().filter(patch__slide__case__project=project, patch__offered=True, value__isnull=False)
    counted = rows.order_by().values_list("patch__slide", "reader").annotate(Count("pk"))
    return {(slide, reader): count for slide, reader, count in counted}


def _recent_times(project: Project, username: str) -> list[int]:
    timed = WeakLabel.objects.filter(
        patch__slide__case__project=project,
        reader__username=username,
        act=WeakLabel.Act.LABEL,
        step__isnull=True,
        milliseconds__gt=0,
        milliseconds__lte=LONGEST_LABEL_MS,
    )
    found = timed.order_by("-pk").values_list("milliseconds", flat=True)[:REMEMBERED]
    return [milliseconds for milliseconds in found if milliseconds is not None]


def _last_label(project: Project, username: str) -> datetime | None:
    rows = WeakLabel.objects.filter(patch__slide__case__project=project, reader__username=username)
    return rows.order_by("-pk").values_list("created_at", flat=True).first()
