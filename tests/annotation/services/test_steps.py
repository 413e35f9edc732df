from uuid import uuid4

import pytest

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from annotation.models import LargePatch, WeakLabel
from annotation.selectors import current_labels, undo_history
from annotation.services import PatchWrite, label_patch, label_patches
from tests.annotation.conftest import give
from tests.factories import make_patch
from viewer.models import Slide


def write(patch: LargePatch, value: str | None, seen: int | None = None) -> PatchWrite:
    return PatchWrite(patch.pk, value, uuid4(), seen)


def values(slide: Slide, reader: User) -> list[str | None]:
    current = current_labels(slide, reader)
    return [current[patch.pk].value if patch.pk in current else None for patch in slide.patches.order_by("column")]


@pytest.fixture
def patches(gridded_slide: Slide) -> list[LargePatch]:
    return list(gridded_slide.patches.filter(offered=True).order_by("column"))


def test_many_patches_are_labelled_in_one_step(
    gridded_slide: Slide, patches: list[LargePatch], pathologist: User
) -> None:
    step = uuid4()
    rows = label_patches(
        gridded_slide, [write(patch, "tumor") for patch in patches], pathologist, step=step, route="mouse"
    )
    assert [(row.patch_id, row.value, row.step, row.route) for row in rows] == [
        (patch.pk, "tumor", step, "mouse") for patch in patches
    ]
    assert WeakLabel.objects.count() == 2


def test_a_step_sent_twice_is_written_once(gridded_slide: Slide, patches: list[LargePatch], pathologist: User) -> None:
    writes = [write(patch, "normal") for patch in patches]
    first = label_patches(gridded_slide, writes, pathologist, step=uuid4())
    assert label_patches(gridded_slide, writes, pathologist, step=uuid4()) == first
    assert WeakLabel.objects.count() == 2


def test_one_patch_that_was_labelled_elsewhere_holds_the_whole_step_and_is_named(
    gridded_slide: Slide, patches: list[LargePatch], pathologist: User
) -> None:
    standing = give(patches[1], "exclude", pathologist)
    with pytest.raises(Conflict) as refusal:
        label_patches(gridded_slide, [write(patch, "tumor") for patch in patches], pathologist, step=uuid4())
    assert refusal.value.extra == {
        "conflicts": [{"patch": patches[1].pk, "current": {"id": standing.pk, "value": "exclude"}}]
    }
    assert list(WeakLabel.objects.all()) == [standing]


def test_a_patch_of_another_slide_holds_the_whole_step(
    gridded_slide: Slide, patches: list[LargePatch], pathologist: User
) -> None:
    with pytest.raises(ApplicationError, match="is not one of"):
        label_patches(gridded_slide, [write(patches[0], "tumor"), write(make_patch(), "tumor")], pathologist)
    assert WeakLabel.objects.count() == 0


def test_a_patch_that_is_left_out_holds_the_whole_step(
    gridded_slide: Slide, patches: list[LargePatch], pathologist: User
) -> None:
    left_out = gridded_slide.patches.get(offered=False)
    with pytest.raises(ApplicationError, match="not offered"):
        label_patches(gridded_slide, [write(patches[0], "tumor"), write(left_out, "tumor")], pathologist)
    assert WeakLabel.objects.count() == 0


def test_a_patch_twice_in_one_step_is_refused(
    gridded_slide: Slide, patches: list[LargePatch], pathologist: User
) -> None:
    with pytest.raises(ApplicationError, match="twice"):
        label_patches(gridded_slide, [write(patches[0], "tumor"), write(patches[0], "normal")], pathologist)
    assert WeakLabel.objects.count() == 0


def test_an_undo_takes_the_step_back_to_what_each_patch_was(
    gridded_slide: Slide, patches: list[LargePatch], pathologist: User
) -> None:
    give(patches[0], "normal", pathologist)
    step = uuid4()
    current = current_labels(gridded_slide, pathologist)
    seen = [current[patch.pk].pk if patch.pk in current else None for patch in patches]
    rows = label_patches(
        gridded_slide,
        [write(patch, "tumor", last) for patch, last in zip(patches, seen, strict=True)],
        pathologist,
        step=step,
    )
    undo = [write(patch, before, row.pk) for patch, before, row in zip(patches, ["normal", None], rows, strict=True)]
    label_patches(gridded_slide, undo, pathologist, step=step, act="undo")
    assert values(gridded_slide, pathologist) == ["normal", None, None]
    assert [entry["step"] for entry in undo_history(gridded_slide, pathologist)["redo"]] == [str(step)]


def test_an_undo_that_would_give_another_value_is_refused(patch: LargePatch, pathologist: User) -> None:
    row = give(patch, "tumor", pathologist)
    with pytest.raises(ApplicationError, match="gives “no label”, and “exclude” was sent"):
        label_patch(patch, "exclude", pathologist, uuid4(), row.pk, act="undo", step=row.uuid)
    assert list(WeakLabel.objects.all()) == [row]


@pytest.mark.parametrize("act", ["undo", "redo"])
def test_there_is_nothing_to_take_back_of_a_step_that_does_not_stand(
    patch: LargePatch, pathologist: User, act: str
) -> None:
    row = give(patch, "tumor", pathologist)
    with pytest.raises(Conflict, match="nothing of this step"):
        label_patch(patch, None, pathologist, uuid4(), row.pk, act=act, step=uuid4())
    assert list(WeakLabel.objects.all()) == [row]


def test_a_redo_of_what_was_not_undone_is_refused(patch: LargePatch, pathologist: User) -> None:
    row = give(patch, "tumor", pathologist)
    with pytest.raises(Conflict, match="nothing of this step"):
        label_patch(patch, None, pathologist, uuid4(), row.pk, act="redo", step=row.uuid)


def test_steps_on_one_patch_are_taken_back_one_after_the_other_and_said_again(
    patch: LargePatch, pathologist: User
) -> None:
    first, second = give(patch, "tumor", pathologist), give(patch, "normal", pathologist)
    last = second
    for act, step, value in [
        ("undo", second, "tumor"),
        ("undo", first, None),
        ("redo", first, "tumor"),
        ("redo", second, "normal"),
    ]:
        last = label_patch(patch, value, pathologist, uuid4(), last.pk, act=act, step=step.uuid)
    assert [row.value for row in patch.labels.all()] == ["tumor", "normal", "tumor", None, "tumor", "normal"]


def test_a_restored_label_is_a_step_of_its_own(patch: LargePatch, pathologist: User) -> None:
    give(patch, "tumor", pathologist)
    second = give(patch, "normal", pathologist)
    label_patch(patch, "tumor", pathologist, uuid4(), second.pk, act="restore")
    steps = undo_history(patch.slide, pathologist)["undo"]
    assert [step["changes"][0]["after"] for step in steps] == ["tumor", "normal", "tumor"]
    assert steps[-1]["changes"] == [{"patch": patch.pk, "before": "normal", "after": "tumor"}]
