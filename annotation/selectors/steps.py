"""Rebuild what can be undone and redone from the history, so that undo survives the page."""

from collections import deque
from typing import Any
from uuid import UUID

from accounts.models import User
from annotation.models import Overrule, WeakLabel
from viewer.models import Slide

Step = dict[str, Any]  # kind and step; changes of labels, or patches and whether they were offered
Steps = dict[UUID, Step]


def undo_history(slide: Slide, reader: User) -> dict[str, list[Step]]:
    """Return the reader's steps on a slide that can be undone and redone, the next one last. Two queries.

    A label, a restored label or an overruling of the threshold is a step; rows that were decided together share one. A
    new step ends what could be redone. Every row is walked, so the way back has no end.
    """
    labels = WeakLabel.objects.filter(patch__slide=slide, reader=reader).order_by("pk")
    overrules = list(Overrule.objects.filter(patch__slide=slide).order_by("pk"))
    # Each comes after the label that the person had given last.
    said = [row for row in overrules if row.by_id == reader.pk]
    own = deque(sorted(said, key=lambda row: (row.after_id or 0, row.pk)))
    # What one said of a patch before somebody else did is not taken back.
    others = {row.patch_id: row.pk for row in overrules if row.by_id != reader.pk}
    undo: Steps = {}
    redo: Steps = {}
    values: dict[int, str | None] = {}
    for pk, patch_id, value, act, step, uuid in labels.values_list("pk", "patch_id", "value", "act", "step", "uuid"):
        while own and (own[0].after_id or 0) < pk:
            _walk_overrule(undo, redo, own.popleft(), others)
        key = step or uuid
        if not _went_back(undo, redo, act, key):
            changes = undo.setdefault(key, {"kind": "label", "step": str(key), "changes": []})["changes"]
            changes.append({"patch": patch_id, "before": values.get(patch_id), "after": value})
        values[patch_id] = value
    for row in own:
        _walk_overrule(undo, redo, row, others)
    return {"undo": list(undo.values()), "redo": list(redo.values())}


def _walk_overrule(undo: Steps, redo: Steps, row: Overrule, others: dict[int, int]) -> None:
    if not _went_back(undo, redo, row.act, row.step_key) and row.pk > others.get(row.patch_id, 0):
        step = {"kind": "tissue", "step": str(row.step_key), "offered": row.offered, "patches": []}
        undo.setdefault(row.step_key, step)["patches"].append(row.patch_id)


def _went_back(undo: Steps, redo: Steps, act: str, key: UUID) -> bool:
    """Move a step that was undone or redone; a new one ends what could be redone."""
    if act not in ("undo", "redo"):
        redo.clear()
        return False
    source, target = (undo, redo) if act == "undo" else (redo, undo)
    # The second and later rows of a step find it moved already.
    if (moved := source.pop(key, None)) is not None:
        target[key] = moved
    return True
