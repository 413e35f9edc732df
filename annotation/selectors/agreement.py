"""How far readers agree, and where they do not."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any, NamedTuple

from accounts.models import Project
from annotation import kappa
from annotation.models import Adjudication, LargePatch
from annotation.selectors import reading
from annotation.selectors.labels import standing_labels
from viewer.models import Slide


class Said(NamedTuple):
    """One reader's standing label on a patch."""

    patch: int
    slide: int
    stain: str
    case: str
    reader: str
    value: str
    label: int


def readings_twice(project: Project) -> dict[int, list[Said]]:
    """Return, by patch, the standing labels where two readers or more gave one, outside blinded work. One query a slide
    that is read by several."""
    open_slides = [
        slide.pk
        for slide in Slide.objects.filter(case__project=project, readings__isnull=False)
        .select_related("case__project__reading_settings")
        .distinct()
        if reading.is_blinded(slide)
    ]
    labels = (
        standing_labels()
        .filter(
            patch__slide__case__project=project,
            patch__slide__origin=Slide.Origin.REAL,
            patch__offered=True,
            value__isnull=False,
        )
        .exclude(patch__slide__in=open_slides)
        .order_by("patch", "reader__username")
    )
    columns = (
        "patch", "patch__slide", "patch__slide__stain", "patch__slide__case__name", "reader__username", "value", "pk",
    )  # fmt: skip
    by_patch: dict[int, list[Said]] = defaultdict(list)
    for row in labels.values_list(*columns):
        by_patch[row[0]].append(Said(*row))
    return {patch: said for patch, said in by_patch.items() if len(said) > 1}


def agreement(project: Project) -> list[dict[str, Any]]:
    """Return kappa with its interval overall, by stain and by case: each pair of readers, and all of them (Fleiss)."""
    twice = readings_twice(project)
    rows = _agreement_of(twice.values(), "all", "")
    for name, key in (("stain", lambda said: said.stain), ("case", lambda said: said.case)):
        rows += [
            row
            for group, patches in sorted(_grouped(twice.values(), key).items())
            for row in _agreement_of(patches, name, group)
        ]
    return rows


def disagreements(slide: Slide) -> list[dict[str, Any]]:
    """Return the patches of a slide on which readers differ, those without an adjudicator's word first."""
    by_patch: dict[int, list[dict[str, Any]]] = defaultdict(list)
    labels = standing_labels().filter(patch__slide=slide, patch__offered=True, value__isnull=False)
    for label in labels.select_related("reader").order_by("reader__username"):
        by_patch[label.patch_id].append({"id": label.pk, "reader": label.reader.username, "value": label.value})
    differing = {patch: said for patch, said in by_patch.items() if len({one["value"] for one in said}) > 1}
    decided = {
        row.patch_id: row
        for row in Adjudication.objects.filter(patch__in=differing).select_related("adjudicator").order_by("pk")
    }
    rows = []
    for patch in LargePatch.objects.filter(pk__in=differing).order_by("row", "column"):
        decision = decided.get(patch.pk)
        labels_now = sorted(one["id"] for one in differing[patch.pk])
        rows.append(
            {
                "patch": patch.pk,
                "column": patch.column,
                "row": patch.row,
                "x": patch.x_l0,
                "y": patch.y_l0,
                "size": patch.size_l0,
                "labels": differing[patch.pk],
                "decision": None
                if decision is None
                else {
                    "id": decision.pk,
                    "value": decision.value,
                    "by": decision.adjudicator.username,
                    "comment": decision.comment,
                    "outdated": sorted(decision.label_ids) != labels_now,
                },
            }
        )
    return sorted(rows, key=lambda row: row["decision"] is not None and not row["decision"]["outdated"])


def _grouped(patches: Iterable[list[Said]], key: Callable[[Said], str]) -> dict[str, list[list[Said]]]:
    groups: dict[str, list[list[Said]]] = defaultdict(list)
    for said in patches:
        groups[key(said[0])].append(said)
    return groups


def _agreement_of(patches: Iterable[list[Said]], by: str, group: str) -> list[dict[str, Any]]:
    pairs: dict[tuple[str, str], list[kappa.Reading]] = defaultdict(list)
    together: list[kappa.Reading] = []
    for said in patches:
        together.append(kappa.Reading(said[0].slide, tuple(one.value for one in said)))
        for one, other in combinations(said, 2):
            pairs[one.reader, other.reader].append(kappa.Reading(one.slide, (one.value, other.value)))
    rows = [
        {"by": by, "group": group, "measure": "cohen", "readers": list(readers), **kappa.cohen(read)._asdict()}
        for readers, read in sorted(pairs.items())
    ]
    if len(pairs) > 1:
        usual = kappa.same_number_of_readers(together)
        readers = sorted({reader for pair in pairs for reader in pair})
        left_out = len(together) - len(usual)
        rows.append(
            {
                "by": by,
                "group": group,
                "measure": "fleiss",
                "readers": readers,
                **kappa.fleiss(usual)._asdict(),
                "left_out": left_out,
            }
        )
    return rows
