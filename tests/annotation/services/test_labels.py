import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from accounts.errors import ApplicationError, Conflict
from accounts.models import Role, User
from annotation.models import LargePatch, WeakLabel
from annotation.selectors import current_labels
from annotation.services import label_patch
from tests.annotation.conftest import give
from tests.factories import add_member, make_patch, make_synthetic_slide, make_user
from viewer.models import Slide


def at_once(*calls: Callable[[], WeakLabel]) -> list[WeakLabel | Exception]:
    """Run calls in threads of their own, released together; return what each returned or raised."""
    together = threading.Barrier(len(calls), timeout=20)
    outcomes: list[WeakLabel | Exception] = []

    def run(call: Callable[[], WeakLabel]) -> None:
        together.wait()
        try:
            outcomes.append(call())
        except Exception as error:
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(outcomes) == len(calls)
    return outcomes


def test_a_label_is_one_row_with_who_what_and_how(patch: LargePatch, pathologist: User) -> None:
    uuid = uuid4()
    label = label_patch(patch, "tumor", pathologist, uuid, None, milliseconds=850, route="key")
    assert list(
        WeakLabel.objects.values_list("pk", "patch", "reader", "value", "uuid", "replaces", "milliseconds")
    ) == [(label.pk, patch.pk, pathologist.pk, "tumor", uuid, None, 850)]
    assert label.route == "key"


def test_a_relabelled_patch_keeps_its_history(patch: LargePatch, pathologist: User) -> None:
    first = give(patch, "normal", pathologist)
    second = give(patch, "tumor", pathologist)
    assert current_labels(patch.slide, pathologist) == {patch.pk: second}
    assert list(patch.labels.values_list("value", "replaces")) == [("normal", None), ("tumor", first.pk)]


def test_a_withdrawn_first_label_can_be_given_again(patch: LargePatch, pathologist: User) -> None:
    for value in ["tumor", None, "normal"]:
        give(patch, value, pathologist)
    assert [row.value for row in patch.labels.all()] == ["tumor", None, "normal"]


def test_a_repeat_of_a_uuid_returns_the_first_answer_and_writes_nothing(patch: LargePatch, pathologist: User) -> None:
    uuid = uuid4()
    first = label_patch(patch, "tumor", pathologist, uuid, None)
    assert label_patch(patch, "tumor", pathologist, uuid, None) == first
    assert WeakLabel.objects.count() == 1


def test_a_repeat_is_recognised_even_when_another_label_stands_by_now(patch: LargePatch, pathologist: User) -> None:
    uuid = uuid4()
    first = label_patch(patch, "tumor", pathologist, uuid, None)
    later = give(patch, "normal", pathologist)
    assert label_patch(patch, "tumor", pathologist, uuid, None) == first
    assert current_labels(patch.slide, pathologist)[patch.pk] == later
    assert WeakLabel.objects.count() == 2


def test_a_repeat_writes_the_label_when_the_first_request_died_before_it_was_stored(
    patch: LargePatch, pathologist: User
) -> None:
    uuid = uuid4()
    with pytest.raises(ConnectionError), transaction.atomic():
        label_patch(patch, "tumor", pathologist, uuid, None)
        raise ConnectionError
    assert WeakLabel.objects.count() == 0
    assert label_patch(patch, "tumor", pathologist, uuid, None).value == "tumor"
    assert WeakLabel.objects.count() == 1


def test_a_uuid_that_names_another_value_is_refused(patch: LargePatch, pathologist: User) -> None:
    uuid = uuid4()
    first = label_patch(patch, "tumor", pathologist, uuid, None)
    with pytest.raises(Conflict, match="already names another decision") as refusal:
        label_patch(patch, "normal", pathologist, uuid, None)
    assert refusal.value.extra == {"current": {"id": first.pk, "value": "tumor"}}
    assert list(WeakLabel.objects.all()) == [first]


def test_a_uuid_that_names_another_patch_is_refused(patch: LargePatch, pathologist: User) -> None:
    uuid = uuid4()
    first = label_patch(patch, "tumor", pathologist, uuid, None)
    other = patch.slide.patches.get(column=1)
    with pytest.raises(Conflict, match="already names another decision") as refusal:
        label_patch(other, "tumor", pathologist, uuid, None)
    assert refusal.value.extra == {"current": None}
    assert list(WeakLabel.objects.all()) == [first]


def test_two_readers_may_use_the_same_uuid(patch: LargePatch, pathologist: User) -> None:
    colleague = add_member(make_user(), patch.slide.project, Role.PATHOLOGIST)
    uuid = uuid4()
    label_patch(patch, "tumor", pathologist, uuid, None)
    label_patch(patch, "normal", colleague, uuid, None)
    assert WeakLabel.objects.count() == 2


def test_a_label_that_was_not_seen_is_not_overwritten(patch: LargePatch, pathologist: User) -> None:
    first = label_patch(patch, "tumor", pathologist, uuid4(), None)
    with pytest.raises(Conflict) as refusal:
        label_patch(patch, "normal", pathologist, uuid4(), None)
    assert refusal.value.status == 409
    assert refusal.value.extra == {"current": {"id": first.pk, "value": "tumor"}}
    assert list(WeakLabel.objects.all()) == [first]


def test_a_label_seen_that_never_stood_is_refused(patch: LargePatch, pathologist: User) -> None:
    with pytest.raises(Conflict) as refusal:
        label_patch(patch, "normal", pathologist, uuid4(), 4711)
    assert refusal.value.extra == {"current": None}
    assert WeakLabel.objects.count() == 0


def test_a_value_that_does_not_exist_is_refused_with_the_allowed_ones(patch: LargePatch, pathologist: User) -> None:
    with pytest.raises(ApplicationError, match="expected one of tumor, normal, unsure, exclude, or null"):
        label_patch(patch, "tumour", pathologist, uuid4(), None)
    assert WeakLabel.objects.count() == 0


def test_a_patch_with_too_little_tissue_is_not_labelled(gridded_slide: Slide, pathologist: User) -> None:
    with pytest.raises(ApplicationError, match="not offered"):
        label_patch(gridded_slide.patches.get(column=2), "tumor", pathologist, uuid4(), None)
    assert WeakLabel.objects.count() == 0


def test_a_patch_of_a_synthetic_slide_is_not_labelled(gridded_slide: Slide, pathologist: User) -> None:
    patch = make_patch(make_synthetic_slide(gridded_slide, published=True))
    with pytest.raises(ApplicationError, match="not offered"):
        label_patch(patch, "tumor", pathologist, uuid4(), None)
    assert WeakLabel.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_patch_that_is_gone_is_told_apart_from_a_fault(patch: LargePatch, pathologist: User) -> None:
    LargePatch.objects.filter(pk=patch.pk).delete()
    with pytest.raises(Conflict, match="laid anew"):
        label_patch(patch, "tumor", pathologist, uuid4(), None)
    assert WeakLabel.objects.count() == 0


def test_a_page_open_for_weeks_does_not_cost_its_reader_the_label(patch: LargePatch, pathologist: User) -> None:
    label = label_patch(patch, "tumor", pathologist, uuid4(), None, milliseconds=10**12)
    assert label.milliseconds == 2**31 - 1


@pytest.mark.django_db(transaction=True)
def test_of_two_tabs_at_once_one_label_stands_and_the_other_tab_is_told(patch: LargePatch, pathologist: User) -> None:
    for _round in range(10):
        seen = WeakLabel.objects.order_by("-pk").values_list("pk", flat=True).first()
        before = WeakLabel.objects.count()

        def tab(value: str, seen: int | None = seen) -> Callable[[], WeakLabel]:
            return lambda: label_patch(patch, value, pathologist, uuid4(), seen)

        outcomes = at_once(tab("tumor"), tab("normal"))
        [written] = [outcome for outcome in outcomes if isinstance(outcome, WeakLabel)]
        [told] = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
        assert told.extra == {"current": {"id": written.pk, "value": written.value}}
        assert WeakLabel.objects.count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_the_same_request_sent_six_times_at_once_is_written_once(patch: LargePatch, pathologist: User) -> None:
    uuid = uuid4()
    outcomes = at_once(*[lambda: label_patch(patch, "tumor", pathologist, uuid, None)] * 6)
    assert {outcome.pk for outcome in outcomes if isinstance(outcome, WeakLabel)} == {WeakLabel.objects.get().pk}
    assert all(isinstance(outcome, WeakLabel) for outcome in outcomes)


@pytest.mark.django_db(transaction=True)
def test_one_uuid_sent_for_two_patches_at_once_is_written_for_one(patch: LargePatch, pathologist: User) -> None:
    def send(target: LargePatch, uuid: UUID) -> Callable[[], WeakLabel]:
        return lambda: label_patch(target, "tumor", pathologist, uuid, None)

    for row in range(1, 6):
        patches = make_patch(patch.slide, 0, row), make_patch(patch.slide, 1, row)
        uuid = uuid4()
        outcomes = at_once(*[send(target, uuid) for target in patches])
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "WeakLabel"]
        assert WeakLabel.objects.filter(uuid=uuid).count() == 1


@pytest.mark.django_db(transaction=True)
def test_several_readers_at_once_each_get_their_row(patch: LargePatch, pathologist: User) -> None:
    readers = [pathologist, *[add_member(make_user(), patch.slide.project, Role.PATHOLOGIST) for _ in range(4)]]

    def send(reader: User) -> Callable[[], WeakLabel]:
        return lambda: label_patch(patch, "tumor", reader, uuid4(), None)

    outcomes = at_once(*[send(reader) for reader in readers])
    assert all(isinstance(outcome, WeakLabel) for outcome in outcomes)
    assert set(WeakLabel.objects.values_list("reader", flat=True)) == {reader.pk for reader in readers}


def test_current_labels_are_the_last_row_of_each_reader_and_patch(gridded_slide: Slide, pathologist: User) -> None:
    colleague = add_member(make_user(), gridded_slide.project, Role.PATHOLOGIST)
    patches = list(gridded_slide.patches.filter(offered=True))
    for step, value in enumerate(["tumor", "normal", None, "unsure", "tumor", None, "exclude", "normal"]):
        give(patches[step % 2], value, pathologist)
        give(patches[step % 3 % 2], value, colleague)
    for reader in (pathologist, colleague):
        last = {row.patch_id: row for row in WeakLabel.objects.filter(reader=reader).order_by("pk")}
        assert current_labels(gridded_slide, reader) == last
