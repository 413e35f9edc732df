"""Real against synthetic ratio, slide by slide and together (Xu et al. 2020, Tables 3 and 4, in kind).

The paper's totals are plain means of the slides' ratios; the pooled ratio, of all cells together, stands beside.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Project, User
from review.agreement import BlandAltman, bland_altman, intraclass_correlation
from review.error_budget import ErrorBudget, budget_of, drawn_ratios
from review.grades import grade_of
from review.models import CellScore, Review, ScoringSettings
from review.selectors import KI67, scoring_settings
from viewer.models import Slide
from viewer.selectors import visible_slides


@dataclass(frozen=True)
class Pair:
    """One synthetic slide and the real slide of its case and stain, with their newest finished scores."""

    synthetic: Slide
    real: Slide | None
    synthetic_score: CellScore | None
    real_score: CellScore | None
    verdict: Review | None
    budget: ErrorBudget | None

    @property
    def why_not_compared(self) -> str:
        """Say why the two ratios cannot be set against each other; empty when they can."""
        if self.real is None:
            return _("no real slide of this stain")
        if self.real_score is None or self.synthetic_score is None:
            return _("not counted yet")
        if self.real_score.ratio is None or self.synthetic_score.ratio is None:
            return _("no cells found")
        if self.synthetic_score.parameters != self.real_score.parameters:
            return _("counted with different parameters")
        return ""

    @property
    def difference(self) -> float | None:
        """Return synthetic minus real ratio."""
        if self.why_not_compared or self.synthetic_score is None or self.real_score is None:
            return None
        assert self.synthetic_score.ratio is not None and self.real_score.ratio is not None
        return self.synthetic_score.ratio - self.real_score.ratio

    @property
    def grades(self) -> tuple[str, str] | None:
        """Return the grade of the real and of the synthetic ratio, where both can be compared."""
        if self.why_not_compared or self.synthetic_score is None or self.real_score is None:
            return None
        assert self.synthetic_score.ratio is not None and self.real_score.ratio is not None
        return grade_of(self.real_score.ratio), grade_of(self.synthetic_score.ratio)


@dataclass(frozen=True)
class Total:
    """Ratios of several slides taken together."""

    real: float
    synthetic: float

    @property
    def difference(self) -> float:
        return self.synthetic - self.real


@dataclass(frozen=True)
class Comparison:
    """All pairs of a project, and the totals over those that can be compared."""

    pairs: list[Pair]
    compared: int
    mean_of_slides: Total | None
    pooled: Total | None
    limits: BlandAltman | None
    icc: float | None
    switches: list[Pair]
    graded: bool
    ki67: bool

    @property
    def names(self) -> list[str]:
        """The case of each point."""
        return [pair.synthetic.case.name for pair in self.pairs if pair.difference is not None]

    @property
    def points(self) -> list[tuple[float, float]]:
        """Mean of both ratios and their difference, pair by pair, for the plot."""
        return [
            ((pair.real_score.ratio + pair.synthetic_score.ratio) / 2, pair.difference)
            for pair in self.pairs
            if pair.difference is not None
            and pair.real_score is not None
            and pair.synthetic_score is not None
            and pair.real_score.ratio is not None
            and pair.synthetic_score.ratio is not None
        ]


def comparison(project: Project, user: User) -> Comparison:
    """Compare all synthetic slides of a project that the user may see. Seven queries, however many slides."""
    synthetic = list(
        visible_slides(user, project)
        .filter(origin=Slide.Origin.SYNTHETIC)
        .select_related("case__project", "derived_from")
    )
    real = _real_slides(synthetic)
    scores = _finished_scores([*synthetic, *real.values()])
    verdicts = {row.slide_id: row for row in _standing_verdicts(synthetic)}
    sources = [slide.derived_from for slide in synthetic if slide.derived_from is not None]
    truths = drawn_ratios([*sources, *real.values()])
    pairs = []
    for slide in synthetic:
        other = real.get((slide.case_id, slide.stain))
        on_real, on_synthetic = scores.get(other.pk) if other else None, scores.get(slide.pk)
        budget = budget_of(on_real, on_synthetic, truths) if on_real and on_synthetic else None
        pairs.append(Pair(slide, other, on_synthetic, on_real, verdicts.get(slide.pk), budget))
    graded = project.target_stain == KI67 and scoring_settings(project).grade == ScoringSettings.Grade.GEP_NET
    compared = [
        (pair.real_score, pair.synthetic_score)
        for pair in pairs
        if not pair.why_not_compared and pair.real_score and pair.synthetic_score
    ]
    return Comparison(
        pairs=pairs,
        compared=len(compared),
        mean_of_slides=_total(compared, _mean_ratio),
        pooled=_total(compared, _pooled_ratio),
        limits=bland_altman(*_ratios(compared)),
        icc=intraclass_correlation(*_ratios(compared)),
        switches=[pair for pair in pairs if graded and pair.grades is not None and len(set(pair.grades)) == 2],
        graded=graded,
        ki67=project.target_stain == KI67,
    )


def _ratios(pairs: list[tuple[CellScore, CellScore]]) -> tuple[list[float], list[float]]:
    """Return the ratios of the real slides and of the synthetic ones."""
    ratios = [(real.ratio, other.ratio) for real, other in pairs if real.ratio is not None and other.ratio is not None]
    return [real for real, _other in ratios], [other for _real, other in ratios]


def _real_slides(synthetic: list[Slide]) -> dict[tuple[int, str], Slide]:
    """Return the newest ready real slide by case and stain."""
    cases = {slide.case_id for slide in synthetic}
    ready = Slide.objects.filter(case__in=cases, origin=Slide.Origin.REAL, state=Slide.State.READY)
    return {(slide.case_id, slide.stain): slide for slide in ready.select_related("case__project").order_by("pk")}


def _standing_verdicts(slides: list[Slide]) -> QuerySet[Review]:
    """Return the verdicts on the slides as they are now that nobody has taken up again, oldest first."""
    standing = Review.objects.filter(slide__in=slides, slide_version=F("slide__version"), reopening__isnull=True)
    return standing.select_related("reader").order_by("pk")


def _finished_scores(slides: list[Slide]) -> dict[int, CellScore]:
    """Return the newest finished whole-slide score of each slide as it is now."""
    versions = {slide.pk: slide.version for slide in slides}
    done = CellScore.objects.filter(slide__in=versions, state=CellScore.State.DONE, region_l0__isnull=True)
    return {
        score.slide_id: score
        for score in done.select_related("slide").order_by("pk")
        if score.slide_version == versions[score.slide_id]
    }


def _total(pairs: list[tuple[CellScore, CellScore]], ratio: Callable[[Iterable[CellScore]], float]) -> Total | None:
    if not pairs:
        return None
    return Total(real=ratio([real for real, _other in pairs]), synthetic=ratio([other for _real, other in pairs]))


def _mean_ratio(scores: Iterable[CellScore]) -> float:
    ratios = [score.ratio for score in scores if score.ratio is not None]
    return sum(ratios) / len(ratios)


def _pooled_ratio(scores: Iterable[CellScore]) -> float:
    scores = list(scores)
    return sum(score.positive or 0 for score in scores) / sum(score.cells or 0 for score in scores)
