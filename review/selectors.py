"""Read scores, alignments, verdicts, and what a review page shows."""

from functools import lru_cache
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from accounts.access import Act, Person, may
from accounts.models import User
from review.cell_file import CellTable, Column, read_cells
from review.grades import grade_ki67
from review.models import Alignment, CellScore, Review
from training.models import Checkpoint
from viewer.imaging.parameters import METHOD, METHOD_VERSION
from viewer.models import Slide
from viewer.selectors import get_slide, viewer_payload
from viewer.storage import local_copy

MOST_CELLS = 5000
KI67 = "KI67"


def real_counterpart(synthetic: Slide) -> Slide | None:
    """Return the newest ready real slide of the same case and stain."""
    real = Slide.objects.filter(
        case=synthetic.case_id, stain=synthetic.stain, origin=Slide.Origin.REAL, state=Slide.State.READY
    )
    return real.select_related("case__project").order_by("-pk").first()


def calibration_slide(slide: Slide) -> Slide:
    """Return the slide whose white point and thresholds a count uses: the real one of the pair, else itself."""
    return (real_counterpart(slide) if slide.is_synthetic else None) or slide


def whole_slide_scores(slide: Slide) -> QuerySet[CellScore]:
    """Return scores of the whole slide as it is now, newest first."""
    return CellScore.objects.filter(slide=slide, slide_version=slide.version, region_l0__isnull=True)


def finished_score(slide: Slide) -> CellScore | None:
    return whole_slide_scores(slide).filter(state=CellScore.State.DONE).first()


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
    score = get_object_or_404(CellScore.objects.select_related("slide"), pk=pk)
    get_slide(user, score.slide_id)
    return score


def stored_calibration(slide: Slide) -> dict[str, Any] | None:
    """Return the parameters of the newest count that the present method calibrated on the slide as it is now."""
    done = CellScore.objects.filter(
        slide=slide,
        slide_version=slide.version,
        calibrated_on=slide,
        state=CellScore.State.DONE,
        parameters__method=METHOD,
        parameters__method_version=METHOD_VERSION,
    )
    return done.values_list("parameters", flat=True).first()


def is_being_counted(score_pk: int) -> bool:
    return CellScore.objects.filter(pk=score_pk, state=CellScore.State.RUNNING).exists()


def score_payload(score: CellScore) -> dict[str, Any]:
    """Return a score as the API and the pages show it. Causes a query when the slide is not loaded."""
    interval = None
    if score.interval_low is not None and score.interval_high is not None:
        interval = (score.interval_low, score.interval_high)
    grade = None
    if score.slide.stain == KI67 and score.ratio is not None:
        grade = grade_ki67(score.ratio, interval, score.cells)
    return {
        "id": score.pk,
        "slide": score.slide_id,
        "region": score.region_l0,
        "state": score.state,
        "progress": score.progress,
        "message": score.message,
        "positive": score.positive,
        "negative": score.negative,
        "cells": score.cells,
        "ratio": score.ratio,
        "interval": list(interval) if interval else None,
        "grade": grade.grade if grade else None,
        "grade_note": grade.note if grade else "",
        "sensitivity": score.sensitivity,
        "parameters": score.parameters,
        "calibrated_on": score.calibrated_on_id,
        "created_at": score.created_at.isoformat(),
    }


def alignment_of(source: Slide, real: Slide) -> Alignment | None:
    return Alignment.objects.filter(fixed=source, moving=real).first()


def review_payload(slide: Slide, user: User) -> dict[str, Any]:
    """Return all that the review page of a synthetic slide needs."""
    source, project = slide.derived_from, slide.project
    assert source is not None, "a synthetic slide names its source; a constraint in the database sees to it"
    real = real_counterpart(slide)
    alignment = alignment_of(source, real) if real else None
    return {
        "source": viewer_payload(source),
        "real": viewer_payload(real) if real else None,
        "synthetic": viewer_payload(slide),
        "alignment": alignment_payload(alignment),
        "alignment_note": alignment_note(real, alignment),
        "scores": {"real": shown_score(real) if real else None, "synthetic": shown_score(slide)},
        "reviews": [review_row(row) for row in reviews_of(slide)],
        "can": {
            "score": may(user, Act.SCORE, project),
            "sign": may(user, Act.SIGN_VERDICT, project) and slide.published_at is not None,
        },
        "lineage": lineage(slide),
        "ki67": slide.stain == KI67,
        "urls": {"scores": "/api/v1/scores/", "reviews": "/api/v1/reviews/"},
    }


def alignment_payload(alignment: Alignment | None) -> dict[str, Any] | None:
    if alignment is None or alignment.matrix is None:
        return None
    return {"matrix": alignment.matrix, "correlation": alignment.correlation, "method": alignment.method}


def alignment_note(real: Slide | None, alignment: Alignment | None) -> str:
    """Say why the views are not in register; empty when they are."""
    if real is None:
        return _("This case has no real slide of the same stain to compare with.")
    if alignment is None:
        return _("The sections are being aligned; reload the page in a moment.")
    return alignment.message


def reviews_of(slide: Slide) -> QuerySet[Review]:
    return Review.objects.filter(slide=slide).select_related("reader").order_by("-pk")


def review_row(review: Review) -> dict[str, Any]:
    return {
        "id": review.pk,
        "reader": review.reader.get_username(),
        "verdict": review.verdict,
        "verdict_name": review.get_verdict_display(),
        "comment": review.comment,
        "created_at": review.created_at.isoformat(),
    }


def lineage(slide: Slide) -> dict[str, Any]:
    """Return which generator made a synthetic slide: run, epoch, data set."""
    checkpoint = (
        Checkpoint.objects.filter(sha256=slide.generator_sha256).select_related("run__dataset").order_by("-pk").first()
    )
    return {
        "run": checkpoint.run_id if checkpoint else None,
        "epoch": checkpoint.epoch if checkpoint else None,
        "dataset": str(checkpoint.run.dataset) if checkpoint and checkpoint.run.dataset else None,
        "independent_validation": checkpoint.run.independent_validation if checkpoint else None,
        "generator_sha256": slide.generator_sha256,
    }


def cells_in_window(score: CellScore, x: float, y: float, width: float, height: float) -> dict[str, Any]:
    """Return the cells of a finished score whose centres lie in a rectangle of level-0 pixels, at most MOST_CELLS."""
    found = cells_of(score.cells_key).within(x, y, width, height)
    shown = found.thinned(MOST_CELLS)
    return {
        "count": len(found.x),
        "capped": len(shown.x) < len(found.x),
        "x": as_numbers(shown.x, 1),
        "y": as_numbers(shown.y, 1),
        "area_um2": as_numbers(shown.area_um2, 1),
        "dab": as_numbers(shown.dab, 3),
        "positive": shown.is_positive.tolist(),
    }


def as_numbers(column: Column, digits: int) -> list[float]:
    numbers: list[float] = column.astype(float).round(digits).tolist()
    return numbers


@lru_cache(maxsize=4)
def cells_of(cells_key: str) -> CellTable:
    """Read a column file; the last few stay in memory, as a page asks for many windows of one."""
    with local_copy(cells_key) as path:
        return read_cells(path)
