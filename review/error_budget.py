"""What a difference between a synthetic and a real ratio may come from: the sections, the counter, the synthesis.

Of drawn tissue the truth of both sections is known and the difference falls into three parts that add up. Of a real
pair it is not: consecutive sections hold different nuclei, how different their true ratios are nobody knows, and no
count can tell that from an error of the synthesis.
"""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from review.models import CellScore, DrawnTruth
from viewer.models import Slide

# Mean absolute error of the counter's ratio on the adjudicated real fields (docs/counting.md).
COUNTER_ERROR = 0.005


@dataclass(frozen=True)
class KnownParts:
    """Signed parts of a difference of drawn tissue; together they are the difference."""

    sections: float
    """True ratio of the source section less that of the real one."""
    counter: float
    """What the counter gets wrong on the real slide, its sign turned."""
    synthesis: float
    """What the synthetic slide's count is off the source section's truth, the counter's error on it included."""


@dataclass(frozen=True)
class ErrorBudget:
    """Parts of a difference of ratios, as shares of 1. `chance` and `counter` are sizes without a sign."""

    difference: float
    chance: float
    counter: float
    known: KnownParts | None

    @property
    def unexplained(self) -> float:
        """What chance among cells and the counter leave over; 0 when they may explain all."""
        return max(0.0, abs(self.difference) - self.chance - self.counter)

    @property
    def note(self) -> str:
        if self.known is not None:
            return _("Drawn tissue: the true ratio of both sections is known, so the parts are exact.")
        if self.unexplained == 0:
            return _("No larger than chance among cells and the counter's own error.")
        return _(
            "Larger than chance and the counter explain. Whether the sections differ or the synthesis errs "
            "cannot be told: consecutive sections hold different nuclei, and their true ratios are not known."
        )

    def as_dict(self) -> dict[str, Any]:
        known = self.known
        return {
            "difference": self.difference,
            "chance": self.chance,
            "counter": self.counter,
            "unexplained": self.unexplained,
            "known": None
            if known is None
            else {"sections": known.sections, "counter": known.counter, "synthesis": known.synthesis},
            "note": self.note,
        }


def drawn_ratios(slides: list[Slide]) -> dict[int, float]:
    """Return the true ratios of those slides that were drawn, by the slide's key. One query."""
    return {truth.slide_id: truth.ratio for truth in DrawnTruth.objects.filter(slide__in=slides)}


def budget_of(real: CellScore, synthetic: CellScore, truths: dict[int, float]) -> ErrorBudget | None:
    """Divide the difference between two machine counts; None where one has no ratio.

    `truths` are the true ratios of drawn slides: that of the real slide, and of the section the synthetic one was
    made from.
    """
    if real.ratio is None or synthetic.ratio is None:
        return None
    known = None
    on_real, on_source = truths.get(real.slide_id), truths.get(synthetic.slide.derived_from_id or 0)
    if on_real is not None and on_source is not None:
        known = KnownParts(on_source - on_real, on_real - real.ratio, synthetic.ratio - on_source)
    chance = sum(_half_width(score) ** 2 for score in (real, synthetic)) ** 0.5
    return ErrorBudget(synthetic.ratio - real.ratio, chance, COUNTER_ERROR, known)


def _half_width(score: CellScore) -> float:
    """Half of the widest interval that is known: of the slide's blocks, else of its cells."""
    for low, high in ((score.slide_low, score.slide_high), (score.interval_low, score.interval_high)):
        if low is not None and high is not None:
            return (high - low) / 2
    return 0.0
