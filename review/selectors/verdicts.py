"""Read verdicts: drafts, signed ones, their trail."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import User
from review.models import CellScore, Review, VerdictDraft
from review.selectors.edits import reader_tally
from review.selectors.scores import finished_score, interval_of, machine_tally
from viewer.models import Slide


def reviews_of(slide: Slide) -> QuerySet[Review]:
    return (
        Review.objects.filter(slide=slide)
        .select_related("reader", "reopening__by", "synthetic_score__slide", "real_score__slide")
        .order_by("-pk")
    )


def standing_verdict(slide: Slide, reader: User) -> Review | None:
    """Return what the reader signed on the slide as it is now and has not reopened."""
    signed = Review.objects.filter(slide=slide, slide_version=slide.version, reader=reader, reopening__isnull=True)
    return signed.order_by("-pk").first()


def standing_signature(score: CellScore) -> Review | None:
    """Return a signed verdict that rests on these counts and was not reopened."""
    rests_on = Q(synthetic_score=score) | Q(real_score=score)
    return Review.objects.filter(rests_on, reopening__isnull=True).select_related("reader").order_by("-pk").first()


def score_shown(slide: Slide, signed: Review | None) -> CellScore | None:
    """Return the count that a signed verdict rests on, or the slide's newest finished one without a verdict."""
    if signed is None:
        return finished_score(slide)
    return signed.synthetic_score if slide.is_synthetic else signed.real_score


def standing_on(slide: Slide, reviews: Sequence[Review], reader: User) -> Review | None:
    """Return the verdict that a report shows: the reader's own, else the newest on the slide as it is now."""
    standing = [row for row in reviews if row.slide_version == slide.version and not hasattr(row, "reopening")]
    own = [row for row in standing if row.reader_id == reader.pk]
    return next(iter(own or standing), None)


def draft_of(slide: Slide, reader: User) -> VerdictDraft | None:
    return VerdictDraft.objects.filter(slide=slide, reader=reader).first()


def draft_row(draft: VerdictDraft) -> dict[str, Any]:
    return {
        "verdict": draft.verdict,
        "reasons": draft.reasons,
        "confidence": draft.confidence,
        "pins": draft.pins,
        "window": draft.window,
        "comment": draft.comment,
        "revision": draft.revision,
        "updated_at": draft.updated_at.isoformat(),
    }


def review_row(review: Review) -> dict[str, Any]:
    reopening = getattr(review, "reopening", None)
    return {
        "id": review.pk,
        "reader": review.reader.get_username(),
        "verdict": review.verdict,
        "verdict_name": review.get_verdict_display(),
        "reasons": review.reasons,
        "confidence": review.confidence,
        "pins": review.pins,
        "window": review.window,
        "counts": review.counts,
        "comment": review.comment,
        "round": review.round,
        "created_at": review.created_at.isoformat(),
        "reopened": {
            "by": reopening.by.get_username(),
            "reason": reopening.reason,
            "created_at": reopening.created_at.isoformat(),
        }
        if reopening
        else None,
    }


def counts_of(score: CellScore) -> dict[str, Any]:
    """Return the numbers of a count as a verdict keeps them: of the machine, and after the readers' edits."""
    readers = reader_tally(score)
    slide_interval = interval_of(score.slide_low, score.slide_high)
    return {
        "score": score.pk,
        "machine": machine_tally(score).as_dict(),
        "reader": readers.as_dict() if readers else None,
        "slide_interval": list(slide_interval) if slide_interval else None,
        "parameters": score.parameters,
    }


def worklist(slides: list[Slide], reader: User) -> dict[int, str]:
    """Return how far the reader is with each slide: "signed", "draft", "reopened", or nothing yet. Two queries."""
    versions = {slide.pk: slide.version for slide in slides}
    state: dict[int, str] = {}
    for row in Review.objects.filter(slide__in=versions, reader=reader).select_related("reopening").order_by("pk"):
        if row.slide_version == versions[row.slide_id]:
            state[row.slide_id] = "reopened" if getattr(row, "reopening", None) else "signed"
    drafts = VerdictDraft.objects.filter(slide__in=versions, reader=reader).values_list("slide_id", flat=True)
    return state | {slide: "draft" for slide in drafts if state.get(slide) is None}
