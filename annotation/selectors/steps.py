"""Rebuild what can be undone and redone from the history, so that undo survives the page."""

from typing import Any
from uuid import UUID

from accounts.models import User
from annotation.models import WeakLabel
from viewer.models import Slide

Change = dict[str, Any]  # patch, before, after
Step = dict[str, Any]  # step and its changes


def undo_history(slide: Slide, reader: User) -> dict[str, list[Step]]:
    """Return the reader's steps on a slide that can be undone and redone, the next one last. One query.

    A label or a restored label is a step; rows that were decided together share one. A new step ends what could be
    redone. Every row is walked, so the way back has no end.
    """
    rows = WeakLabel.objects.filter(patch__slide=slide, reader=reader).order_by("pk")
    undo: dict[UUID, Step] = {}
    redo: dict[UUID, Step] = {}
    values: dict[int, str | None] = {}
    for pk, patch_id, value, act, step, uuid in rows.values_list("pk", "patch_id", "value", "act", "step", "uuid"):
        del pk
        key = step or uuid
        if act == WeakLabel.Act.UNDO:
            _move(undo, redo, key)
        elif act == WeakLabel.Act.REDO:
            _move(redo, undo, key)
        else:
            redo.clear()
            undo.setdefault(key, {"step": str(key), "changes": []})["changes"].append(
                {"patch": patch_id, "before": values.get(patch_id), "after": value}
            )
        values[patch_id] = value
    return {"undo": list(undo.values()), "redo": list(redo.values())}


def _move(source: dict[UUID, Step], target: dict[UUID, Step], key: UUID) -> None:
    # The second and later rows of a step find it moved already.
    if (moved := source.pop(key, None)) is not None:
        target[key] = moved
