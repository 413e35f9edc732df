"""What a study's figures are held against: the least for the profile `cpu`, and the aim."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Criterion:
    """One line of the table: a figure, how it is read from the report, and its two bounds."""

    what: str
    read: Callable[[Figures], float | None]
    must: float | None
    aim: float | None
    higher_is_better: bool
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """A criterion with its figure."""

    criterion: Criterion
    value: float | None

    @property
    def word(self) -> str:
        """Say which bound is reached: aim, must, falls short, or not measured."""
        if self.value is None:
            return "not measured"
        for bound, word in ((self.criterion.aim, "aim reached"), (self.criterion.must, "must reached")):
            if bound is not None and self._reaches(self.value, bound):
                return word
        return "falls short" if self.criterion.must is not None else "reported"

    def _reaches(self, value: float, bound: float) -> bool:
        return value >= bound if self.criterion.higher_is_better else value <= bound


def _model(name: str, figure: str, part: str = "mean") -> Callable[[Figures], float | None]:
    def read(report: Figures) -> float | None:
        value: float | None = report["models"][name][figure][part]
        return value

    return read


def _quotient(one: str, other: str) -> Callable[[Figures], float | None]:
    def read(report: Figures) -> float | None:
        above, below = _model("conditional", one)(report), _model("conditional", other)(report)
        return None if above is None or not below else above / below

    return read


def _from_half(name: str) -> Callable[[Figures], float | None]:
    def read(report: Figures) -> float | None:
        value = _model(name, "nucleus_auc")(report)
        return None if value is None else abs(value - 0.5)

    return read


def _classifiers(figure: str) -> Callable[[Figures], float | None]:
    def read(report: Figures) -> float | None:
        values = [each[figure] for each in report["classifiers"].values()]
        return None if None in values else min(values)

    return read


def _low_positive(report: Figures) -> float | None:
    low, others = (report["table_3"][name]["synthetic_against_twin_absolute"] for name in ("low positive", "others"))
    return None if low is None or others is None else float(low - others)


CRITERIA = (
    Criterion(
        "Correlation of density with the true virtual stain, least of the slides (below .2: colours inverted)",
        _model("conditional", "density_correlation", "least"),
        0.65,
        0.85,
        True,
    ),
    Criterion(
        "Nuclei kept: F1 against the drawn nuclei, within 4 µm", _model("conditional", "nuclei_f1"), 0.88, 0.95, True
    ),
    Criterion(
        "Mean absolute ratio error against the counted true virtual stain",
        _model("conditional", "ratio_error"),
        0.10,
        0.0275,
        False,
        "the paper's .0275 is against the real slide",
    ),
    Criterion("Per-nucleus AUC of Ki-67 status", _model("conditional", "nucleus_auc"), 0.68, 0.78, True),
    Criterion("Per-nucleus AUC of the control (morph 0), distance from .5", _from_half("control"), 0.05, 0.05, False),
    Criterion(
        "Error of the regional map, as a multiple of the null model's",
        _quotient("map_error", "null_map_error"),
        1.0,
        0.7,
        False,
    ),
    Criterion("Positives in normal tissue", _model("conditional", "normal_tissue"), 0.15, 0.04, False),
    Criterion("Ratio error of low-positive sections, above that of the others", _low_positive, None, 0.0, False),
    Criterion("Seam ratio at tile borders, from pixel to pixel", _model("conditional", "seam_fine"), 1.25, 1.05, False),
    Criterion(
        "Seam ratio at tile borders, of bands of 16 px",
        _model("conditional", "seam_broad"),
        None,
        1.05,
        False,
        "blending cannot hide this one",
    ),
    Criterion("MIL: instance AUC, the lesser of both stains", _classifiers("auc"), 0.92, 0.98, True),
    Criterion("MIL: balanced accuracy, the lesser of both stains", _classifiers("balanced_accuracy"), 0.85, 0.95, True),
)


def verdicts(report: Figures) -> list[Verdict]:
    """Return every criterion with its figure."""
    return [Verdict(criterion, criterion.read(report)) for criterion in CRITERIA]
