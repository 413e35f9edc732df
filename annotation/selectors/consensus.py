"""Make one label of several, by the project's rule."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import NamedTuple

from accounts.models import Project
from annotation.models import Adjudication, Label, ReadingSettings
from annotation.selectors.labels import standing_labels
from viewer.models import Slide

Rule = ReadingSettings.Rule
Given = list[tuple[str, int]]  # value and id of each reader's standing label


class Consensus(NamedTuple):
    """What the readers of one patch agree on, with the rows that say so and the rule that made it one label."""

    value: str
    label_ids: list[int]
    rule: str = Rule.SINGLE.value


def consensus_rule(project: Project) -> str:
    """Return the project's rule; all who labelled must agree where nobody chose another."""
    chosen = ReadingSettings.objects.filter(project=project).values_list("consensus", flat=True).first()
    return str(chosen or Rule.SINGLE)


def consensus_labels(project: Project, rule: str | None = None) -> dict[int, Consensus]:
    """Return, by patch, tumor or normal where the rule finds it; the project's own rule unless another is named.

    `single` wants all readers' current labels to agree, `majority` more than half of them, `adjudicated` takes an
    adjudicator's word before any other. Unsure and excluded count as labels, withdrawn ones and patches that are left
    out do not.
    """
    rule = rule or consensus_rule(project)
    if rule not in _DECIDE:
        expected = ", ".join(_DECIDE)
        raise ValueError(f"The consensus rule {rule!r} does not exist; expected one of {expected}.")
    of_project = {
        "patch__slide__case__project": project,
        "patch__slide__origin": Slide.Origin.REAL,
        "patch__offered": True,
    }
    given: dict[int, Given] = defaultdict(list)
    labels = standing_labels().filter(value__isnull=False, **of_project).order_by("pk")
    for patch_id, value, label_id in labels.values_list("patch_id", "value", "pk"):
        given[patch_id].append((str(value), label_id))
    agreed = {patch_id: _DECIDE[rule](rows) for patch_id, rows in given.items()}
    if rule == Rule.ADJUDICATED:
        for decision in Adjudication.objects.filter(**of_project).order_by("pk"):
            agreed[decision.patch_id] = Consensus(decision.value, list(decision.label_ids), Rule.ADJUDICATED.value)
    classes = {Label.TUMOR, Label.NORMAL}
    return {patch_id: one for patch_id, one in agreed.items() if one is not None and one.value in classes}


def _unanimous(rows: Given) -> Consensus | None:
    values = {value for value, _label_id in rows}
    return Consensus(values.pop(), [label_id for _value, label_id in rows]) if len(values) == 1 else None


def _majority(rows: Given) -> Consensus | None:
    [(value, votes)] = Counter(value for value, _label_id in rows).most_common(1)
    if 2 * votes <= len(rows):
        return None
    return Consensus(value, [label_id for said, label_id in rows if said == value], Rule.MAJORITY.value)


_DECIDE: dict[str, Callable[[Given], Consensus | None]] = {
    Rule.SINGLE.value: _unanimous,
    Rule.MAJORITY.value: _majority,
    Rule.ADJUDICATED.value: _unanimous,
}
