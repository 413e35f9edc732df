"""Write verdicts: keep a draft, sign it, take a signed one up again."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from review import selectors
from review.models import CellScore, PinKind, Reason, Review, VerdictDraft, VerdictReopening
from viewer.models import Slide

MOST_PINS = 200
LONGEST_NOTE = 500


@transaction.atomic
def save_draft(slide: Slide, reader: User, values: Mapping[str, Any], seen_revision: int | None) -> VerdictDraft:
    """Keep what a reader has entered so far: verdict, reasons, confidence, pins, window, comment.

    `seen_revision` is that of the draft on the reader's screen, None if there was none.

    Raises:
        ApplicationError: the slide is not judged, or a value does not exist.
        Conflict: another tab has written since, or the reader has signed already.
    """
    slide = _judged(slide)
    refuse_signed(slide, reader)
    _check(slide, values)
    draft = VerdictDraft.objects.select_for_update().filter(slide=slide, reader=reader).first()
    if (draft.revision if draft else None) != seen_revision:
        raise Conflict(
            _("This draft was changed in another window. Reload the page to see it; copy your text first."),
            extra={"draft": selectors.draft_row(draft) if draft else None},
        )
    draft = draft or VerdictDraft(slide=slide, reader=reader, revision=0)
    for name, value in values.items():
        setattr(draft, name, value)
    draft.revision += 1
    draft.save()
    return draft


@transaction.atomic
def sign_verdict(
    slide: Slide,
    reader: User,
    verdict: str,
    comment: str = "",
    *,
    reasons: Sequence[str] = (),
    confidence: int | None = None,
    pins: Sequence[Mapping[str, Any]] = (),
    window: Mapping[str, Any] | None = None,
    uuid: UUID | None = None,
) -> Review:
    """Sign a verdict on a published synthetic slide, with the scores and counts that stand at this moment.

    A repeat of `uuid` gets the first answer, so that signing twice signs once. The draft goes.

    Raises:
        ApplicationError: the slide is real or not published, the verdict does not exist, or a flaw is not explained.
        Conflict: the reader's earlier verdict stands; it is reopened first.
    """
    uuid = uuid or uuid4()
    slide = _judged(slide)
    repeated = Review.objects.filter(reader=reader, uuid=uuid).first()
    if repeated is not None:
        if repeated.slide_id != slide.pk:
            raise Conflict(_("This signature was sent before, for another slide."))
        return repeated
    if verdict not in Review.Verdict.values:
        raise ApplicationError(
            _("“%(verdict)s” is no verdict; expected one of %(allowed)s.")
            % {"verdict": verdict, "allowed": ", ".join(Review.Verdict.values)}
        )
    refuse_signed(slide, reader)
    _check(slide, {"reasons": reasons, "confidence": confidence, "pins": pins, "window": window})
    _refuse_unexplained(verdict, reasons, comment)
    real = selectors.real_counterpart(slide)
    scores = {
        "synthetic": selectors.finished_score(slide),
        "real": selectors.finished_score(real) if real else None,
    }
    # No edit slips in between the numbers and the signature.
    CellScore.objects.select_for_update().filter(pk__in=[score.pk for score in scores.values() if score]).count()
    review = Review.objects.create(
        slide=slide,
        slide_version=slide.version,
        reader=reader,
        verdict=verdict,
        comment=comment,
        reasons=list(reasons),
        confidence=confidence,
        pins=[dict(pin) for pin in pins],
        window=dict(window) if window else None,
        counts={name: selectors.counts_of(score) for name, score in scores.items() if score},
        uuid=uuid,
        round=Review.objects.filter(slide=slide, reader=reader).count() + 1,
        synthetic_score=scores["synthetic"],
        real_score=scores["real"],
    )
    VerdictDraft.objects.filter(slide=slide, reader=reader).delete()
    return review


@transaction.atomic
def reopen_verdict(review: Review, by: User, reason: str) -> VerdictReopening:
    """Take a signed verdict up again; it stays on record, and its content becomes the reader's draft.

    Raises:
        ApplicationError: no reason, or it is somebody else's verdict.
        Conflict: it was reopened before, or a later one stands.
    """
    slide = Slide.objects.select_for_update(no_key=True, of=("self",)).get(pk=review.slide_id)
    if review.reader_id != by.pk:
        raise ApplicationError(
            _("This verdict is %(reader)s's. Sign one of your own beside it.") % {"reader": review.reader}
        )
    if not reason.strip():
        raise ApplicationError(_("Say why the verdict is taken up again; the reason stays on record."))
    if VerdictReopening.objects.filter(review=review).exists():
        raise Conflict(_("This verdict has been reopened already."))
    reopening = VerdictReopening.objects.create(review=review, by=by, reason=reason.strip())
    VerdictDraft.objects.update_or_create(
        slide=slide,
        reader=by,
        defaults={
            name: getattr(review, name) for name in ("verdict", "reasons", "confidence", "pins", "window", "comment")
        },
    )
    return reopening


def refuse_signed(slide: Slide, reader: User) -> None:
    standing = selectors.standing_verdict(slide, reader)
    if standing is not None:
        raise Conflict(
            _("You signed “%(verdict)s” on %(date)s. Reopen that verdict first; it stays on record.")
            % {"verdict": standing.get_verdict_display(), "date": f"{standing.created_at:%d %b %Y}"},
            extra={"review": standing.pk},
        )


def _refuse_unexplained(verdict: str, reasons: Sequence[str], comment: str) -> None:
    """A flaw that nobody names helps nobody; a draft may still lack it."""
    if verdict != Review.Verdict.USABLE and not reasons and not comment.strip():
        raise ApplicationError(_("Say what is wrong with the slide: tick a reason or write a comment."))
    if Reason.OTHER in reasons and not comment.strip():
        raise ApplicationError(_("“Other” refers to the comment: write what it is."))


def _judged(slide: Slide) -> Slide:
    """Return the slide, locked, if it is one that verdicts are signed on."""
    slide = Slide.objects.select_for_update(no_key=True, of=("self",)).select_related("case__project").get(pk=slide.pk)
    if not slide.is_synthetic or slide.published_at is None:
        raise ApplicationError(
            _("“%(slide)s” is not a published synthetic slide. Only those are judged; a project lead publishes them.")
            % {"slide": slide}
        )
    return slide


def _check(slide: Slide, values: Mapping[str, Any]) -> None:
    unknown = set(values.get("reasons") or ()) - set(Reason.values)
    if unknown:
        raise ApplicationError(
            _("“%(reason)s” is no reason; expected some of %(allowed)s.")
            % {"reason": sorted(unknown)[0], "allowed": ", ".join(Reason.values)}
        )
    pins = values.get("pins") or ()
    if len(pins) > MOST_PINS:
        raise ApplicationError(_("%(n)s pins; at most %(most)s are kept.") % {"n": len(pins), "most": MOST_PINS})
    for pin in pins:
        if pin["kind"] not in PinKind.values:
            raise ApplicationError(
                _("“%(kind)s” is no kind of pin; expected one of %(allowed)s.")
                % {"kind": pin["kind"], "allowed": ", ".join(PinKind.values)}
            )
        if not (0 <= pin["x"] < slide.width_l0 and 0 <= pin["y"] < slide.height_l0):
            raise ApplicationError(_("A pin lies outside of the slide. Put it onto the tissue."))
