"""Whatever a reader does in whatever order, with answers lost and requests repeated, a simple model agrees."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.errors import ApplicationError
from accounts.models import User
from annotation.models import LargePatch, WeakLabel
from annotation.selectors import current_labels, undo_history
from annotation.services import PatchWrite, label_patches, overrule_tissue
from viewer.models import Slide

VALUES = ["tumor", "normal", "unsure", "exclude", None]
PATCHES = 3

label = st.tuples(st.just("label"), st.sets(st.integers(0, PATCHES - 1), min_size=1), st.sampled_from(VALUES))
tissue = st.tuples(st.just("tissue"), st.sets(st.integers(0, PATCHES - 1), min_size=1), st.booleans())
back: st.SearchStrategy[Any] = st.tuples(st.sampled_from(["undo", "redo"]), st.just(set()), st.none())
retry: st.SearchStrategy[Any] = st.tuples(st.just("retry"), st.just(set()), st.none())


ModelStep = list[tuple[int, Any, Any]]


@dataclass
class Model:
    """Current values, who is asked about, and two stacks of (patch, before, after)."""

    values: list[str | None] = field(default_factory=lambda: [None] * PATCHES)
    offered: list[bool] = field(default_factory=lambda: [True] * PATCHES)
    undo: list[ModelStep] = field(default_factory=list)
    redo: list[ModelStep] = field(default_factory=list)

    def label(self, patches: set[int], value: str | None) -> None:
        self.undo.append([(patch, self.values[patch], value) for patch in sorted(patches)])
        self.redo.clear()
        for patch in patches:
            self.values[patch] = value

    def tissue(self, patches: set[int], offered: bool) -> None:
        self.undo.append([(patch, not offered, offered) for patch in sorted(patches)])
        self.redo.clear()
        for patch in patches:
            self.offered[patch] = offered

    def back(self, act: str) -> None:
        source, target = (self.undo, self.redo) if act == "undo" else (self.redo, self.undo)
        if source:
            step = source.pop()
            target.append(step)
            for patch, before, after in step:
                now = before if act == "undo" else after
                if isinstance(now, bool):
                    self.offered[patch] = now
                else:
                    self.values[patch] = now


@dataclass
class Client:
    """A reader's page as the server sees it: it knows what stands, and repeats what it sent last."""

    slide: Slide
    patches: list[LargePatch]
    reader: User
    sent: list[Callable[[], object]] = field(default_factory=list)

    def send(self, act: str, step: UUID, wanted: dict[int, str | None]) -> None:
        current = current_labels(self.slide, self.reader)
        writes = [
            PatchWrite(pk, value, uuid4(), current[pk].pk if pk in current else None) for pk, value in wanted.items()
        ]
        self.say(lambda: label_patches(self.slide, writes, self.reader, act=act, step=step))

    def say(self, request: Callable[[], object]) -> None:
        request()
        self.sent.append(request)

    def tissue(self, act: str, step: UUID, patches: list[int], offered: bool) -> None:
        uuid = uuid4()
        self.say(lambda: overrule_tissue(self.slide, patches, offered, self.reader, uuid, step, act))

    def label(self, patches: set[int], value: str | None) -> None:
        self.send("label", uuid4(), {self.patches[patch].pk: value for patch in sorted(patches)})

    def back(self, act: str) -> None:
        stack = undo_history(self.slide, self.reader)[act]
        if stack and stack[-1]["kind"] == "tissue":
            step, offered = stack[-1], stack[-1]["offered"]
            self.tissue(act, UUID(step["step"]), step["patches"], offered if act == "redo" else not offered)
        elif stack:
            side = "before" if act == "undo" else "after"
            self.send(act, UUID(stack[-1]["step"]), {one["patch"]: one[side] for one in stack[-1]["changes"]})

    def retry(self, which: int) -> None:
        if self.sent:
            self.sent[which % len(self.sent)]()


def stacks(client: Client) -> dict[str, list[ModelStep]]:
    number = {patch.pk: place for place, patch in enumerate(client.patches)}

    def changes(step: dict[str, Any]) -> ModelStep:
        if step["kind"] == "tissue":
            return [(number[patch], not step["offered"], step["offered"]) for patch in step["patches"]]
        return [(number[one["patch"]], one["before"], one["after"]) for one in step["changes"]]

    history = undo_history(client.slide, client.reader)
    return {name: [changes(step) for step in steps] for name, steps in history.items()}


@pytest.fixture
def patches(gridded_slide: Slide) -> list[LargePatch]:
    gridded_slide.patches.update(offered=True)
    return list(gridded_slide.patches.select_related("slide__case__project").order_by("column"))


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=st.lists(st.tuples(st.one_of(label, tissue, back, retry), st.integers(0, 9)), max_size=14))
def test_any_interleaving_of_label_overrule_undo_redo_and_retry_gives_what_the_model_gives(
    gridded_slide: Slide, patches: list[LargePatch], pathologist: User, acts: list[Any]
) -> None:
    with transaction.atomic():
        client, model = Client(gridded_slide, patches, pathologist), Model()
        for (act, chosen, value), which in acts:
            if act == "label":
                asked = {patch for patch in chosen if model.offered[patch]}
                if asked:
                    client.label(asked, value)
                    model.label(asked, value)
            elif act == "tissue":
                differing = {patch for patch in chosen if model.offered[patch] != value}
                if differing:
                    client.tissue("overrule", uuid4(), [patches[patch].pk for patch in sorted(differing)], value)
                    model.tissue(differing, value)
            elif act == "retry":
                client.retry(which)
            else:
                client.back(act)
                model.back(act)
        current = current_labels(gridded_slide, pathologist)
        assert [current[one.pk].value if one.pk in current else None for one in patches] == model.values
        assert list(gridded_slide.patches.order_by("column").values_list("offered", flat=True)) == model.offered
        assert stacks(client) == {"undo": model.undo, "redo": model.redo}
        transaction.set_rollback(True)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    writes=st.lists(
        st.tuples(st.integers(0, PATCHES - 1), st.sampled_from(VALUES), st.sampled_from(["fresh", "stale"])),
        max_size=12,
    )
)
def test_of_two_tabs_only_what_was_decided_on_sight_of_the_standing_label_is_written(
    gridded_slide: Slide, patches: list[LargePatch], pathologist: User, writes: list[tuple[int, str | None, str]]
) -> None:
    with transaction.atomic():
        expected: dict[int, str | None] = {}
        ids: dict[int, list[int]] = {patch.pk: [] for patch in patches}
        for place, value, sight in writes:
            patch = patches[place]
            known = ids[patch.pk]
            seen = known[-1] if known and sight == "fresh" else None
            try:
                [row] = label_patches(gridded_slide, [PatchWrite(patch.pk, value, uuid4(), seen)], pathologist)
            except ApplicationError:
                assert known and sight == "stale"
                continue
            known.append(row.pk)
            expected[patch.pk] = value
        current = current_labels(gridded_slide, pathologist)
        assert {pk: row.value for pk, row in current.items()} == expected
        assert WeakLabel.objects.filter(reader=pathologist).count() == sum(len(known) for known in ids.values())
        transaction.set_rollback(True)
