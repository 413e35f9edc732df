"""Write counts: ask, claim, report, record."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from review import selectors
from review.models import CellScore, DrawnTruth
from viewer.imaging.cell_statistics import BLOCK_UM, block_interval
from viewer.models import Slide

if TYPE_CHECKING:
    from viewer.imaging.cells import CellCount

HE = "HE"
# How often a worker may die under one count before the count is given up.
MAX_ATTEMPTS = 3


class ClaimLost(Exception):
    """Another worker took the score over, because this one was not heard for too long."""


@transaction.atomic
def create_score(slide: Slide, by: User | None, region_l0: list[int] | None = None) -> CellScore:
    """Ask for a count of a slide, or of [x, y, width, height] of it in level-0 pixels.

    The real slide of the pair lends its calibration to the synthetic one. While the same count is queued or under way,
    that one is returned: pressing twice counts once.

    Raises:
        ApplicationError: the slide cannot be counted, or the region does not lie on it.
    """
    slide = Slide.objects.select_for_update(no_key=True, of=("self",)).select_related("case__project").get(pk=slide.pk)
    refuse_uncountable(slide)
    # Says at once, not in a worker, that a model is asked for and missing.
    selectors.nucleus_model(slide.project)
    if region_l0 is not None:
        refuse_off_slide(slide, region_l0)
    same_region = Q(region_l0=region_l0) if region_l0 is not None else Q(region_l0__isnull=True)
    unfinished = CellScore.objects.filter(
        same_region,
        slide=slide,
        slide_version=slide.version,
        state__in=[CellScore.State.QUEUED, CellScore.State.RUNNING],
    ).first()
    if unfinished is not None:
        return unfinished
    return CellScore.objects.create(
        slide=slide,
        slide_version=slide.version,
        calibrated_on=selectors.calibration_slide(slide),
        region_l0=region_l0,
        created_by=by,
    )


def refuse_uncountable(slide: Slide) -> None:
    if slide.stain == HE:
        raise ApplicationError(
            _(
                "“%(slide)s” is stained with haematoxylin and eosin. Positive nuclei are those with brown DAB, "
                "which H&E does not have. Choose an immunohistochemical slide of this case."
            )
            % {"slide": slide}
        )
    if slide.state != Slide.State.READY:
        raise ApplicationError(
            _(
                "The resolution of “%(slide)s” is not known, so nuclei have no size. "
                "A project lead supplies its mpp first."
            )
            % {"slide": slide}
        )


def refuse_off_slide(slide: Slide, region_l0: list[int]) -> None:
    if len(region_l0) == 4:
        x, y, width, height = region_l0
        if (
            x >= 0
            and y >= 0
            and width > 0
            and height > 0
            and x + width <= slide.width_l0
            and y + height <= slide.height_l0
        ):
            return
    raise ApplicationError(
        _(
            "The region %(region)s does not lie on “%(slide)s”; expected [x, y, width, height] within "
            "%(width)s × %(height)s level-0 pixels."
        )
        % {"region": region_l0, "slide": slide, "width": slide.width_l0, "height": slide.height_l0}
    )


def refuse_unfinished(score: CellScore) -> None:
    """Refuse to list the cells of a count that is not done.

    Raises:
        Conflict: it is queued, running or failed.
    """
    if score.state != CellScore.State.DONE:
        raise Conflict(
            _("This count is %(state)s: it has no cells to show yet.") % {"state": score.get_state_display()},
            extra={"state": score.state},
        )


def claim_score(score_pk: int) -> CellScore | None:
    """Take a score that is queued, or whose worker fell silent; None if there is nothing to take.

    Compare-and-set: of two workers one gets it. A count under which MAX_ATTEMPTS workers died is given up.
    """
    silent = Q(state=CellScore.State.RUNNING, heartbeat_at__lt=Now() - timedelta(seconds=settings.RUN_SILENCE_SECONDS))
    row = CellScore.objects.filter(pk=score_pk)
    row.filter(silent, attempt__gte=MAX_ATTEMPTS).update(
        state=CellScore.State.FAILED,
        message=_(
            "The worker died %(times)s times while counting. Count a smaller region, or look at the worker's log."
        )
        % {"times": MAX_ATTEMPTS},
    )
    claimed = row.filter(Q(state=CellScore.State.QUEUED) | silent).update(
        state=CellScore.State.RUNNING, attempt=F("attempt") + 1, heartbeat_at=Now(), progress=0
    )
    if claimed != 1:
        return None
    return CellScore.objects.select_related("slide__case__project", "calibrated_on").get(pk=score_pk)


def record_progress(score: CellScore, share: float) -> None:
    """Show how far the count is (0 to 1) and that its worker lives.

    Raises:
        ClaimLost: the score belongs to another worker by now.
    """
    if _own_row(score).update(progress=min(max(share, 0.0), 1.0), heartbeat_at=Now()) != 1:
        raise ClaimLost


@transaction.atomic
def record_counts(score: CellScore, count: "CellCount", cells_key: str) -> bool:
    """Keep the result; False if the score belongs to another worker, or its slide was replaced while it was counted."""
    slide = Slide.objects.select_for_update(no_key=True).get(pk=score.slide_id)
    if slide.version != score.slide_version:
        record_failure(score, replaced_message())
        return False
    low, high = count.interval or (None, None)
    slide_low, slide_high = over_the_slide(score, count) or (None, None)
    kept = _own_row(score).update(
        state=CellScore.State.DONE,
        progress=1,
        message=counting_note(score, count),
        positive=count.positive,
        negative=count.negative,
        ratio=count.ratio,
        interval_low=low,
        interval_high=high,
        slide_low=slide_low,
        slide_high=slide_high,
        sensitivity=count.sensitivity,
        parameters=count.parameters,
        cells_key=cells_key,
    )
    return kept == 1


def keep_drawn_truth(slide: Slide, positive: int, negative: int) -> None:
    """Keep how many nuclei were drawn on a slide; a repeat changes nothing.

    Raises:
        ApplicationError: the slide was not drawn.
    """
    if not slide.drawn or slide.is_synthetic:
        raise ApplicationError(
            _("“%(slide)s” is no drawn section, so nobody knows its true counts.") % {"slide": slide}
        )
    DrawnTruth.objects.get_or_create(slide=slide, defaults={"positive": positive, "negative": negative})


def over_the_slide(score: CellScore, count: "CellCount") -> tuple[float, float] | None:
    """Return the block bootstrap's interval of a whole slide; a region is one field, Wilson's serves it."""
    if score.region_l0 is not None:
        return None
    return block_interval(count.x, count.y, count.is_positive, BLOCK_UM / count.mpp)


def record_failure(score: CellScore, message: str) -> None:
    """Say why there is no count and what to do. Without effect if another worker has the score by now."""
    _own_row(score).update(state=CellScore.State.FAILED, message=message)


def _own_row(score: CellScore) -> QuerySet[CellScore]:
    return CellScore.objects.filter(pk=score.pk, state=CellScore.State.RUNNING, attempt=score.attempt)


def replaced_message() -> str:
    return _("The slide was replaced while its nuclei were counted. Count it again.")


def counting_note(score: CellScore, count: "CellCount") -> str:
    """Say what a reader of the number must know."""
    slide, notes = score.slide, []
    if slide.stain != selectors.KI67:
        notes.append(
            _("This is a %(stain)s slide, not Ki-67: the share of brown nuclei is no proliferation index.")
            % {"stain": slide.stain_name}
        )
    if slide.is_synthetic and score.calibrated_on_id == slide.pk:
        notes.append(
            _("This case has no real %(stain)s slide: the thresholds were calibrated on the synthetic slide itself.")
            % {"stain": slide.stain_name}
        )
    elif score.calibrated_on is not None and score.calibrated_on.case_id != slide.case_id:
        notes.append(
            _(
                "This case has no real %(stain)s slide: the thresholds were calibrated on the project's reference "
                "slide, %(reference)s."
            )
            % {"stain": slide.stain_name, "reference": score.calibrated_on}
        )
    notes += odd_stain_notes(count)
    if count.ratio is None:
        notes.append(_("No nuclei were found, so there is no ratio."))
    return " ".join([*notes, *count.warnings])


# More than this share of all pixels' DAB outside nuclei, or nearly all nuclei brown, is no Ki-67 picture.
MOSTLY_POSITIVE = 0.95


def odd_stain_notes(count: "CellCount") -> list[str]:
    """Say why a picture does not look like nuclei stained with haematoxylin and DAB."""
    if count.ratio is not None and count.total >= 50 and count.ratio > MOSTLY_POSITIVE:
        return [
            _("%(share).0f %% of the nuclei are brown: this looks like another stain or an overstained slide.")
            % {"share": 100 * count.ratio}
        ]
    return []
