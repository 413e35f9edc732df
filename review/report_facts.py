"""What a report says, read from the stored data alone: the same data give the same report."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from review import selectors, windows
from review.models import CellScore, Review, VerdictDraft
from review.selectors.scores import grade_fields, interval_of
from review.tallies import Tally
from viewer.models import Slide

RESEARCH_ONLY = "research use only – synthetic"


@dataclass(frozen=True)
class CountFacts:
    """One count: what the machine found, what readers made of it, how."""

    name: str
    slide: Slide
    score: CellScore
    machine: Tally
    reader: Tally | None
    slide_interval: tuple[float, float] | None
    grade: str | None
    grade_note: str

    @property
    def standing(self) -> Tally:
        return self.reader or self.machine


@dataclass(frozen=True)
class ReportFacts:
    """A synthetic slide, its counts, its windows and its verdict."""

    slide: Slide
    real: Slide | None
    counts: list[CountFacts]
    window: dict[str, Any] | None
    alignment: dict[str, Any] | None
    lineage: dict[str, Any]
    review: Review | None
    earlier: list[Review]

    @property
    def title(self) -> str:
        return f"{self.slide.case.name} · {self.slide.stain_name} · SYNTHETIC"

    @property
    def file_name(self) -> str:
        return f"slide-{self.slide.pk}-SYNTHETIC"

    @property
    def dated(self) -> str:
        """The day of the newest fact, not of printing."""
        moments = [facts.score.created_at for facts in self.counts] + ([self.review.created_at] if self.review else [])
        return f"{max(moments):%Y-%m-%d %H:%M} UTC" if moments else f"{self.slide.created_at:%Y-%m-%d %H:%M} UTC"


def report_facts(slide: Slide, user: User) -> ReportFacts:
    """Collect what a report on a synthetic slide says, for a reader who may see it."""
    real = selectors.real_counterpart(slide)
    reviews = list(selectors.reviews_of(slide))
    own = selectors.standing_verdict(slide, user)
    standing = own or next((review for review in reviews if getattr(review, "reopening", None) is None), None)
    place = standing.window if standing else _draft_window(slide, user)
    source = slide.derived_from
    assert source is not None, "a synthetic slide names its source; a constraint in the database sees to it"
    alignment = selectors.alignment_of(source, real) if real else None
    return ReportFacts(
        slide=slide,
        real=real,
        counts=[facts for facts in (_count(_("Real"), real), _count(_("Synthetic"), slide)) if facts],
        window=windows.compared(slide, windows.Window(**place)) if place else None,
        alignment=selectors.alignment_payload(alignment),
        lineage=selectors.lineage(slide),
        review=standing,
        earlier=[review for review in reviews if review != standing],
    )


def _draft_window(slide: Slide, user: User) -> dict[str, float] | None:
    draft: VerdictDraft | None = selectors.draft_of(slide, user)
    return draft.window if draft else None


def _count(name: str, slide: Slide | None) -> CountFacts | None:
    score = selectors.finished_score(slide) if slide else None
    if slide is None or score is None:
        return None
    machine, reader = selectors.machine_tally(score), selectors.reader_tally(score)
    standing = reader or machine
    slide_interval = interval_of(score.slide_low, score.slide_high)
    settings = selectors.scoring_settings(slide.project)
    grade = grade_fields(slide, settings, standing.ratio, slide_interval or standing.interval, standing.cells)
    return CountFacts(name, slide, score, machine, reader, slide_interval, grade["grade"], grade["grade_note"])


def csv_rows(facts: ReportFacts) -> list[list[Any]]:
    """Return a header and one row per count: slides and window, machine and reader."""
    header = [
        *("case", "slide", "stain", "synthetic", "scope", "counted_by", "positive", "negative", "ratio"),
        *("interval_low", "interval_high", "interval", "edits", "grade", "dab_threshold", "detection_threshold"),
        *("method", "method_version", "calibrated_on", "counted_at", "verdict", "reader", "signed_at", "note"),
    ]
    rows: list[list[Any]] = [header]
    for count in facts.counts:
        for who, tally in (("machine", count.machine), ("reader", count.reader)):
            if tally is not None:
                rows.append(_csv_row(facts, count, "whole slide", who, tally, count.slide_interval))
    for name, side in (
        ("real", (facts.window or {}).get("real")),
        ("synthetic", (facts.window or {}).get("synthetic")),
    ):
        matching = [count for count in facts.counts if count.slide.is_synthetic == (name == "synthetic")]
        if side and matching and facts.window:
            scope = f"window {facts.window['side_um']:g} um at {facts.window['x']:g},{facts.window['y']:g}"
            for who in ("machine", "reader"):
                tally = Tally(side[who]["positive"], side[who]["negative"], side[who]["edits"])
                rows.append(_csv_row(facts, matching[0], scope, who, tally, None))
    return rows


def _csv_row(
    facts: ReportFacts, count: CountFacts, scope: str, who: str, tally: Tally, over_slide: tuple[float, float] | None
) -> list[Any]:
    parameters, review = count.score.parameters, facts.review
    low, high = over_slide or tally.interval or (None, None)
    return [
        *(count.slide.case.name, count.slide.pk, count.slide.stain, count.slide.is_synthetic, scope, who),
        *(tally.positive, tally.negative, tally.ratio, low, high, "block bootstrap" if over_slide else "Wilson"),
        *(tally.edits, count.grade if scope == "whole slide" else None),
        *(parameters.get("dab_threshold"), parameters.get("detection_threshold"), parameters.get("method")),
        *(parameters.get("method_version"), count.score.calibrated_on_id, count.score.created_at.isoformat()),
        *((review.verdict, review.reader.get_username(), review.created_at.isoformat()) if review else ("", "", "")),
        RESEARCH_ONLY,
    ]
