from typing import Any

import pytest

from training.learning.study.criteria import CRITERIA, Criterion, Verdict, verdicts


def _word(value: float | None, must: float | None, aim: float | None, higher: bool) -> str:
    return Verdict(Criterion("", lambda report: None, must, aim, higher), value).word


@pytest.mark.parametrize(
    ("value", "must", "aim", "higher", "word"),
    [
        (0.9, 0.65, 0.85, True, "aim reached"),
        (0.7, 0.65, 0.85, True, "must reached"),
        (0.6, 0.65, 0.85, True, "falls short"),
        (0.02, 0.1, 0.0275, False, "aim reached"),
        (0.1, 0.1, 0.0275, False, "must reached"),
        (0.11, 0.1, 0.0275, False, "falls short"),
        (0.11, None, 0.0, False, "reported"),
        (None, 0.1, 0.0275, False, "not measured"),
    ],
)
def test_a_figure_is_held_against_both_bounds(
    value: float | None, must: float | None, aim: float | None, higher: bool, word: str
) -> None:
    assert _word(value, must, aim, higher) == word


def test_every_criterion_reads_its_figure() -> None:
    class Everything(dict[str, Any]):
        def __missing__(self, key: str) -> Any:
            return 0.5 if key in ("mean", "least", "auc", "balanced_accuracy") else Everything()

    report = Everything()
    report["classifiers"] = {
        "HE": {"auc": 0.9, "balanced_accuracy": 0.8},
        "KI67": {"auc": 0.95, "balanced_accuracy": 0.7},
    }
    low = {"synthetic_against_twin_absolute": 0.15}
    report["table_3"] = {"low positive": low, "others": {"synthetic_against_twin_absolute": 0.05}}
    values = {verdict.criterion.what: verdict.value for verdict in verdicts(report)}
    assert len(values) == len(CRITERIA)
    assert values["MIL: instance AUC, the lesser of both stains"] == 0.9
    assert values["MIL: balanced accuracy, the lesser of both stains"] == 0.7
    assert values["Error of the regional map, as a multiple of the null model's"] == 1.0
    assert values["Per-nucleus AUC of the control (morph 0), distance from .5"] == 0.0
    assert values["Ratio error of low-positive sections, above that of the others"] == pytest.approx(0.1)
