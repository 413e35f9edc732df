"""Read what the review page of a synthetic slide shows."""

from typing import Any

from accounts.access import Act, may
from accounts.models import User
from review.error_budget import budget_of, drawn_ratios
from review.models import PinKind, Reason
from review.selectors.alignments import alignment_note, alignment_of, alignment_payload
from review.selectors.scores import KI67, finished_score, real_counterpart, scoring_settings, shown_score
from review.selectors.verdicts import draft_of, draft_row, review_row, reviews_of, standing_verdict
from training.models import Checkpoint
from viewer.models import Slide
from viewer.selectors import viewer_payload


def review_payload(slide: Slide, user: User) -> dict[str, Any]:
    """Return all that the review page of a synthetic slide needs."""
    source, project = slide.derived_from, slide.project
    assert source is not None, "a synthetic slide names its source; a constraint in the database sees to it"
    real = real_counterpart(slide)
    alignment = alignment_of(source, real) if real else None
    settings = scoring_settings(project)
    draft, standing = draft_of(slide, user), standing_verdict(slide, user)
    return {
        "source": viewer_payload(source),
        "real": viewer_payload(real) if real else None,
        "synthetic": viewer_payload(slide),
        "alignment": alignment_payload(alignment),
        "alignment_note": alignment_note(real, alignment),
        "scores": {"real": shown_score(real) if real else None, "synthetic": shown_score(slide)},
        "budget": error_budget(slide, real),
        "reviews": [review_row(row) for row in reviews_of(slide)],
        "draft": draft_row(draft) if draft else None,
        "standing": standing.pk if standing else None,
        "reasons": [{"value": value, "name": name} for value, name in Reason.choices],
        "pin_kinds": [{"value": value, "name": name} for value, name in PinKind.choices],
        "can": {
            "score": may(user, Act.SCORE, project),
            "edit": may(user, Act.EDIT_CELLS, project),
            "sign": may(user, Act.SIGN_VERDICT, project) and slide.published_at is not None,
        },
        "lineage": lineage(slide),
        "ki67": slide.stain == KI67,
        "grading": settings.grade,
        "least_cells": settings.least_cells,
        "hot_spot_um": settings.hot_spot_um,
        "urls": {"scores": "/api/v1/scores/", "reviews": "/api/v1/reviews/"},
    }


def error_budget(slide: Slide, real: Slide | None) -> dict[str, Any] | None:
    """Return what the difference between the two whole-slide counts may come from; None while they are not counted."""
    on_real, on_synthetic = finished_score(real) if real else None, finished_score(slide)
    if real is None or slide.derived_from is None or on_real is None or on_synthetic is None:
        return None
    if on_real.parameters != on_synthetic.parameters:
        return None
    budget = budget_of(on_real, on_synthetic, drawn_ratios([real, slide.derived_from]))
    return budget.as_dict() if budget else None


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
