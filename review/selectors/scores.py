"""Read counts: which slide lends its calibration, which count stands, what it says with its doubts."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from accounts.access import Person
from accounts.errors import ApplicationError
from accounts.models import Project
from review.grades import grade_ki67
from review.models import CellScore, ScoringSettings
from review.selectors.edits import reader_tally
from review.tallies import Tally
from viewer.imaging.parameters import METHOD, METHOD_VERSION, MODEL_METHOD
from viewer.models import Slide
from viewer.selectors import get_slide

KI67 = "KI67"


def scoring_settings(project: Project) -> ScoringSettings:
    """Return the project's settings, or unsaved defaults."""
    return ScoringSettings.objects.filter(project=project).select_related(
        "reference_slide__case"
    ).first() or ScoringSettings(project=project)


def nucleus_model(project: Project) -> Path | None:
    """Return the model file that the project counts with; None where it counts by optical density.

    Raises:
        ApplicationError: the project asks for a model and the server has none.
    """
    if scoring_settings(project).detector == ScoringSettings.Detector.DENSITY:
        return None
    if settings.NUCLEUS_MODEL is None:
        raise ApplicationError(
            _(
                "This project counts with the server's nucleus model, and the server has none. Whoever runs it sets "
                "NUCLEUS_MODEL, or a project lead chooses optical density."
            )
        )
    return Path(settings.NUCLEUS_MODEL)


def real_counterpart(synthetic: Slide) -> Slide | None:
    """Return the newest ready real slide of the same case and stain."""
    real = Slide.objects.filter(
        case=synthetic.case_id, stain=synthetic.stain, origin=Slide.Origin.REAL, state=Slide.State.READY
    )
    return real.select_related("case__project").order_by("-pk").first()


def calibration_slide(slide: Slide) -> Slide:
    """Return the slide whose white point and thresholds a count uses.

    Of a synthetic one: the real one of the pair, else the project's reference slide, else itself.
    """
    if not slide.is_synthetic:
        return slide
    real = real_counterpart(slide)
    if real is not None:
        return real
    reference = scoring_settings(slide.project).reference_slide
    usable = reference is not None and reference.stain == slide.stain and reference.state == Slide.State.READY
    return reference if reference is not None and usable else slide


def whole_slide_scores(slide: Slide) -> QuerySet[CellScore]:
    """Return scores of the whole slide as it is now, newest first."""
    return CellScore.objects.filter(slide=slide, slide_version=slide.version, region_l0__isnull=True)


def finished_score(slide: Slide) -> CellScore | None:
    return whole_slide_scores(slide).filter(state=CellScore.State.DONE).select_related("slide__case").first()


def shown_score(slide: Slide) -> dict[str, Any] | None:
    """Return the payload of the newest score that did not fail, telling a later failure; else of the failed one."""
    newest = whole_slide_scores(slide).first()
    if newest is None or newest.state != CellScore.State.FAILED:
        return score_payload(newest) if newest else None
    standing = whole_slide_scores(slide).exclude(state=CellScore.State.FAILED).first()
    if standing is None:
        return score_payload(newest)
    told = _("A later count failed: %(reason)s") % {"reason": newest.message}
    payload = score_payload(standing)
    return {**payload, "message": " ".join(filter(None, [payload["message"], told]))}


def get_score(user: Person, pk: int) -> CellScore:
    """Return a score whose slide the user may see, its slide loaded; 404 and 403 as for the slide."""
    score = get_object_or_404(CellScore.objects.select_related("slide__case__project"), pk=pk)
    get_slide(user, score.slide_id)
    return score


def stored_calibration(slide: Slide) -> dict[str, Any] | None:
    """Return the parameters of the newest count that the present method calibrated on the slide as it is now."""
    done = CellScore.objects.filter(
        slide=slide,
        slide_version=slide.version,
        calibrated_on=slide,
        state=CellScore.State.DONE,
        parameters__method__in=[METHOD, MODEL_METHOD],
        parameters__method_version=METHOD_VERSION,
    )
    return done.values_list("parameters", flat=True).first()


def is_being_counted(score_pk: int) -> bool:
    return CellScore.objects.filter(pk=score_pk, state=CellScore.State.RUNNING).exists()


def machine_tally(score: CellScore) -> Tally:
    return Tally(score.positive or 0, score.negative or 0)


def score_payload(score: CellScore) -> dict[str, Any]:
    """Return a score as the API and the pages show it. Causes queries: the slide, the project's settings, the edits."""
    wilson = interval_of(score.interval_low, score.interval_high)
    slide_interval = interval_of(score.slide_low, score.slide_high)
    asked = scoring_settings(score.slide.project)
    readers = reader_tally(score) if score.state == CellScore.State.DONE else None
    shown = readers or machine_tally(score)
    widest = (slide_interval or wilson) if readers is None else (slide_interval or readers.interval)
    ratio = score.ratio if readers is None else readers.ratio
    return {
        "id": score.pk,
        "slide": score.slide_id,
        "extent": "slide" if score.region_l0 is None else "region",
        "region": score.region_l0,
        "state": score.state,
        "progress": score.progress,
        "message": score.message,
        "positive": score.positive,
        "negative": score.negative,
        "cells": score.cells,
        "ratio": score.ratio,
        "interval": list(wilson) if wilson else None,
        "slide_interval": list(slide_interval) if slide_interval else None,
        "reader": readers.as_dict() if readers else None,
        **grade_fields(score.slide, asked, ratio, widest, shown.cells),
        "enough_cells": score.positive is None or shown.cells >= asked.least_cells,
        "least_cells": asked.least_cells,
        "sensitivity": score.sensitivity,
        "parameters": score.parameters,
        "calibrated_on": score.calibrated_on_id,
        "created_at": score.created_at.isoformat(),
    }


def interval_of(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)


def grade_fields(
    slide: Slide,
    asked: ScoringSettings,
    ratio: float | None,
    interval: tuple[float, float] | None,
    cells: int | None,
) -> dict[str, Any]:
    """Return the grade and what weakens it; no grade unless the project asks for one, and only for Ki-67."""
    if asked.grade == ScoringSettings.Grade.NONE or slide.stain != KI67 or ratio is None:
        return {"grade": None, "grade_note": ""}
    grade = grade_ki67(ratio, interval, cells, asked.least_cells)
    return {"grade": grade.grade, "grade_note": grade.note}
