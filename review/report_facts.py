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
FORMULA_SIGNS = tuple("=+-@\t\r")


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
    notes: list[str]

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
    def source(self) -> Slide:
        source = self.slide.derived_from
        assert source is not None, "a synthetic slide names its source; a constraint in the database sees to it"
        return source

    @property
    def title(self) -> str:
        return f"{self.slide.case.name} · {self.slide.stain_name} · SYNTHETIC"

    @property
    def subtitle(self) -> str:
        """Which slides of which project, and of which moment."""
        told = _(
            "Project %(project)s · slide %(slide)s, version %(version)s, made from slide %(source)s · state of %(date)s"
        )
        drawn = [_("DRAWN TISSUE, no patient")] if self.slide.drawn else []
        values = {"project": self.slide.project, "slide": self.slide.pk, "version": self.slide.version}
        return " · ".join([*drawn, told % {**values, "source": self.source.pk, "date": self.dated}])

    @property
    def origin(self) -> list[str]:
        """The model that made the slide."""
        told = _("Run %(run)s, epoch %(epoch)s, data set %(dataset)s, generator %(generator)s") % {
            "run": self.lineage["run"] or "–",
            "epoch": self.lineage["epoch"] or "–",
            "dataset": self.lineage["dataset"] or "–",
            "generator": self.lineage["generator_sha256"],
        }
        if self.lineage["independent_validation"] is False:
            return [told, _("No independent validation: the model was chosen on the cases that it learned from.")]
        return [told]

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
    standing = selectors.standing_on(slide, reviews, user)
    place = standing.window if standing else _draft_window(slide, user)
    source = slide.derived_from
    assert source is not None, "a synthetic slide names its source; a constraint in the database sees to it"
    alignment = selectors.alignment_of(source, real) if real else None
    return ReportFacts(
        slide=slide,
        real=real,
        counts=[
            facts
            for facts in (_count(_("Real"), real, standing), _count(_("Synthetic"), slide, standing))
            if facts is not None
        ],
        window=windows.compared(slide, windows.Window(**place), standing) if place else None,
        alignment=selectors.alignment_payload(alignment),
        lineage=selectors.lineage(slide),
        review=standing,
        earlier=[review for review in reviews if review != standing],
    )


def _draft_window(slide: Slide, user: User) -> dict[str, float] | None:
    draft: VerdictDraft | None = selectors.draft_of(slide, user)
    return draft.window if draft else None


def _count(name: str, slide: Slide | None, signed: Review | None) -> CountFacts | None:
    score = selectors.score_shown(slide, signed) if slide else None
    if slide is None or score is None:
        return None
    machine, reader = selectors.machine_tally(score), selectors.reader_tally(score)
    standing = reader or machine
    slide_interval = interval_of(score.slide_low, score.slide_high)
    settings = selectors.scoring_settings(slide.project)
    grade = grade_fields(slide, settings, standing.ratio, slide_interval or standing.interval, standing.cells)
    notes = [score.message, grade["grade_note"]]
    if score.slide_version != slide.version:
        notes.append(_("The slide has been replaced since these cells were counted: its picture is a newer one."))
    elif score != selectors.finished_score(slide):
        notes.append(_("Counted again since the verdict was signed; the numbers are those that it rests on."))
    return CountFacts(name, slide, score, machine, reader, slide_interval, grade["grade"], list(filter(None, notes)))


def csv_rows(facts: ReportFacts) -> list[list[Any]]:
    """Return a header and one row per count: slides and window, machine and reader."""
    header = [
        *("case", "slide", "stain", "synthetic", "scope", "counted_by", "positive", "negative", "ratio"),
        *("interval_low", "interval_high", "interval", "edits", "grade", "dab_threshold", "detection_threshold"),
        *("method", "method_version", "calibrated_on", "counted_at", "verdict", "reasons", "confidence", "pins"),
        *("reader", "signed_at", "comment", "alignment_version", "generator_sha256", "note"),
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
            for who, tally in tallies_of(side):
                rows.append(_csv_row(facts, matching[0], scope, who, tally, None))
    return [[_harmless(value) for value in row] for row in rows]


def tallies_of(side: dict[str, Any]) -> list[tuple[str, Tally]]:
    """Return what machine and readers counted in a window; the readers' only where they edited."""
    found = [(who, side[who]) for who in ("machine", "reader")]
    return [
        (who, Tally(tally["positive"], tally["negative"], tally["edits"]))
        for who, tally in found
        if who == "machine" or tally["edits"]
    ]


def _harmless(value: Any) -> Any:
    """Keep a spreadsheet from taking a person's text for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA_SIGNS else value


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
        *_signed(review),
        *((facts.alignment or {}).get("version"), facts.slide.generator_sha256, RESEARCH_ONLY),
    ]


def _signed(review: Review | None) -> tuple[Any, ...]:
    if review is None:
        return ("",) * 7
    return (
        *(review.verdict, " ".join(review.reasons), review.confidence, len(review.pins)),
        *(review.reader.get_username(), review.created_at.isoformat(), review.comment),
    )
