"""What a blinded study found: how well readers tell real from synthetic, and how well each agrees with oneself."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from review.agreement import Accuracy, cohen_kappa
from review.models import Study, StudyAnswer


@dataclass
class ReaderResult:
    """Answers of one reader against what the fields were."""

    reader: str
    says: list[bool] = field(default_factory=list)
    truth: list[bool] = field(default_factory=list)
    milliseconds: list[int] = field(default_factory=list)
    twice: list[tuple[bool, bool]] = field(default_factory=list)

    @property
    def accuracy(self) -> Accuracy:
        return Accuracy(sum(a == b for a, b in zip(self.says, self.truth, strict=True)), len(self.says))

    @property
    def confusion(self) -> dict[str, int]:
        """Count by what it was and what it was taken for."""
        counts = dict.fromkeys(("real_as_real", "real_as_synthetic", "synthetic_as_real", "synthetic_as_synthetic"), 0)
        for says, truth in zip(self.says, self.truth, strict=True):
            counts[f"{'synthetic' if truth else 'real'}_as_{'synthetic' if says else 'real'}"] += 1
        return counts

    @property
    def real(self) -> Accuracy:
        """How many real fields were recognised as such."""
        return self._recognised(synthetic=False)

    @property
    def synthetic(self) -> Accuracy:
        """How many synthetic fields were recognised as such."""
        return self._recognised(synthetic=True)

    def _recognised(self, *, synthetic: bool) -> Accuracy:
        said = [says for says, truth in zip(self.says, self.truth, strict=True) if truth == synthetic]
        return Accuracy(said.count(synthetic), len(said))

    @property
    def kappa(self) -> float | None:
        return cohen_kappa(self.says, self.truth)

    @property
    def kappa_interval(self) -> tuple[float, float] | None:
        """Carry Wilson's interval of the accuracy over to kappa, chance agreement taken as it was found."""
        interval = self.accuracy.interval
        if self.kappa is None or interval is None:
            return None
        chance = _chance(self.says, self.truth)
        return (interval[0] - chance) / (1 - chance), (interval[1] - chance) / (1 - chance)

    @property
    def own_agreement(self) -> Accuracy:
        """How often the reader said the same of a field that came twice."""
        return Accuracy(sum(a == b for a, b in self.twice), len(self.twice))

    @property
    def median_seconds(self) -> float | None:
        times = sorted(self.milliseconds)
        return times[len(times) // 2] / 1000 if times else None


def _chance(says: list[bool], truth: list[bool]) -> float:
    """Return how often two who judge independently, each as often as these did, would say the same."""
    a, b = sum(says) / len(says), sum(truth) / len(truth)
    return a * b + (1 - a) * (1 - b)


def results(study: Study) -> list[ReaderResult]:
    """Return the results reader by reader, and of all together last where there are several. One query."""
    answers = (
        StudyAnswer.objects.filter(field__study=study).select_related("field", "reader").order_by("reader_id", "pk")
    )
    by_reader: dict[str, ReaderResult] = {}
    said: dict[str, dict[int, bool]] = defaultdict(dict)
    repeats: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for answer in answers:
        name = answer.reader.get_username()
        one = by_reader.setdefault(name, ReaderResult(name))
        one.says.append(answer.says_synthetic)
        one.truth.append(answer.field.synthetic)
        if answer.milliseconds is not None:
            one.milliseconds.append(answer.milliseconds)
        said[name][answer.field_id] = answer.says_synthetic
        if answer.field.repeats_id is not None:
            repeats[name].append((answer.field_id, answer.field.repeats_id))
    for name, one in by_reader.items():
        one.twice = [(said[name][a], said[name][b]) for a, b in repeats[name] if b in said[name]]
    found = list(by_reader.values())
    if len(found) > 1:
        found.append(
            ReaderResult(
                "",
                *(
                    [value for one in found for value in getattr(one, name)]
                    for name in ("says", "truth", "milliseconds", "twice")
                ),
            )
        )
    return found


def csv_rows(study: Study) -> list[list[Any]]:
    """Return a header and one row per answer."""
    rows: list[list[Any]] = [
        [
            "study",
            "field",
            "synthetic",
            "repeats",
            "reader",
            "says_synthetic",
            "confidence",
            "milliseconds",
            "answered_at",
        ]
    ]
    answers = StudyAnswer.objects.filter(field__study=study).select_related("field__repeats", "reader").order_by("pk")
    for answer in answers:
        at = answer.field
        rows.append(
            [
                *(study.name, at.code, at.synthetic, at.repeats.code if at.repeats else ""),
                *(answer.reader.get_username(), answer.says_synthetic, answer.confidence, answer.milliseconds),
                answer.created_at.isoformat(),
            ]
        )
    return rows
