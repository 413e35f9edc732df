import threading
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.errors import ApplicationError, Conflict
from accounts.models import Project, Role, User
from review import selectors
from review.models import CellEdit, CellScore
from review.selectors import edited_cells, finished_score, reader_tally, standing_edits
from review.services import edit_cell, reopen_verdict, sign_verdict, undo_edit
from tests.factories import add_member, make_user
from tests.review.conftest import Pair, queued
from viewer.models import Slide


@pytest.fixture
def score(counted_pair: Pair) -> CellScore:
    found = finished_score(counted_pair.synthetic)
    assert found is not None
    return found


@pytest.fixture
def second_clinician(project: Project) -> User:
    return add_member(make_user("second"), project, Role.CLINICIAN)


def counts(score: CellScore) -> tuple[int, int]:
    tally = reader_tally(score)
    return (tally.positive, tally.negative) if tally else (score.positive or 0, score.negative or 0)


def test_adding_removing_and_flipping_moves_the_readers_counts_and_leaves_the_machine_s(
    score: CellScore, clinician: User
) -> None:
    assert counts(score) == (3, 3)
    edit_cell(score, clinician, uuid4(), "flip", cell_index=0)
    assert counts(score) == (2, 4)
    edit_cell(score, clinician, uuid4(), "remove", cell_index=1)
    assert counts(score) == (2, 3)
    edit_cell(score, clinician, uuid4(), "add", place=(400.0, 300.0), positive=True)
    assert counts(score) == (3, 3)
    score.refresh_from_db()
    assert (score.positive, score.negative) == (3, 3)
    payload = selectors.score_payload(score)
    assert (payload["positive"], payload["negative"]) == (3, 3)
    assert payload["reader"]["edits"] == 3


def test_the_cells_are_those_that_readers_left(score: CellScore, clinician: User) -> None:
    edit_cell(score, clinician, uuid4(), "remove", cell_index=0)
    edit_cell(score, clinician, uuid4(), "flip", cell_index=1)
    edit_cell(score, clinician, uuid4(), "add", place=(5.0, 400.0), positive=False)
    cells = edited_cells(score)
    assert cells.y.tolist() == sorted(cells.y.tolist())
    assert list(zip(cells.x.tolist(), cells.is_positive.tolist(), strict=True)) == [
        (120.0, True),
        (90.0, False),
        (140.0, True),
        (5.0, False),
        (700.0, False),
        (650.0, True),
    ]


def test_an_added_cell_can_be_flipped_and_removed(score: CellScore, clinician: User) -> None:
    added = edit_cell(score, clinician, uuid4(), "add", place=(400.0, 300.0), positive=False)
    flipped = edit_cell(score, clinician, uuid4(), "flip", seen=added.pk)
    assert counts(score) == (4, 3)
    edit_cell(score, clinician, uuid4(), "remove", seen=flipped.pk)
    assert counts(score) == (3, 3)
    assert [edit.present for edit in standing_edits(score)] == [False]


def test_undo_restores_what_was_before_and_can_itself_be_undone(score: CellScore, clinician: User) -> None:
    removed = edit_cell(score, clinician, uuid4(), "remove", cell_index=0)
    undone = undo_edit(score, clinician, uuid4(), removed.pk)
    assert counts(score) == (3, 3)
    assert (undone.action, undone.undoes, undone.present) == ("undo", removed, True)
    undo_edit(score, clinician, uuid4(), undone.pk)
    assert counts(score) == (2, 3)
    assert CellEdit.objects.count() == 3


def test_undoing_an_added_cell_takes_it_away(score: CellScore, clinician: User) -> None:
    added = edit_cell(score, clinician, uuid4(), "add", place=(400.0, 300.0), positive=True)
    undo_edit(score, clinician, uuid4(), added.pk)
    assert counts(score) == (3, 3)
    assert len(edited_cells(score).x) == 6


def test_the_same_edit_sent_twice_is_one_edit(score: CellScore, clinician: User) -> None:
    uuid = UUID(int=7)
    first = edit_cell(score, clinician, uuid, "flip", cell_index=0)
    assert edit_cell(score, clinician, uuid, "flip", cell_index=0) == first
    assert CellEdit.objects.count() == 1


def test_a_cell_that_somebody_else_has_changed_since_is_refused_with_what_it_is_now(
    score: CellScore, clinician: User, second_clinician: User
) -> None:
    theirs = edit_cell(score, clinician, uuid4(), "flip", cell_index=0)
    with pytest.raises(Conflict, match="clinician has changed this cell in the meantime") as refusal:
        edit_cell(score, second_clinician, uuid4(), "remove", cell_index=0)
    assert refusal.value.extra["edit"]["id"] == theirs.pk
    newer = edit_cell(score, clinician, uuid4(), "remove", seen=theirs.pk)
    with pytest.raises(Conflict, match="in the meantime"):
        edit_cell(score, second_clinician, uuid4(), "flip", seen=theirs.pk)
    with pytest.raises(Conflict, match="in the meantime"):
        undo_edit(score, clinician, uuid4(), theirs.pk)
    assert list(standing_edits(score)) == [newer]


def test_another_reader_s_edit_is_not_undone(score: CellScore, clinician: User, second_clinician: User) -> None:
    edit = edit_cell(score, clinician, uuid4(), "flip", cell_index=0)
    with pytest.raises(ApplicationError, match="This edit is clinician's"):
        undo_edit(score, second_clinician, uuid4(), edit.pk)
    assert CellEdit.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_readers_who_flip_one_cell_at_once_one_is_told(
    score: CellScore, clinician: User, second_clinician: User
) -> None:
    together = threading.Barrier(2, timeout=20)
    outcomes: list[str] = []

    def flip(reader: User) -> None:
        together.wait()
        try:
            edit_cell(score, reader, uuid4(), "flip", cell_index=2)
            outcomes.append("kept")
        except Conflict:
            outcomes.append("told")
        finally:
            connection.close()

    readers = [threading.Thread(target=flip, args=(reader,)) for reader in (clinician, second_clinician)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(30)
    assert sorted(outcomes) == ["kept", "told"]
    assert CellEdit.objects.count() == 1


def test_after_a_signature_nothing_is_edited_until_it_is_reopened(
    counted_pair: Pair, score: CellScore, clinician: User
) -> None:
    edit_cell(score, clinician, uuid4(), "flip", cell_index=0)
    review = sign_verdict(counted_pair.synthetic, clinician, "usable")
    with pytest.raises(Conflict, match="clinician signed a verdict on these counts"):
        edit_cell(score, clinician, uuid4(), "flip", cell_index=1)
    assert counts(score) == (2, 4)
    reopen_verdict(review, clinician, "One nucleus is a pigment.")
    edit_cell(score, clinician, uuid4(), "flip", cell_index=1)
    assert counts(score) == (3, 3)
    assert review.counts["synthetic"]["reader"]["positive"] == 2


def test_a_count_whose_slide_was_replaced_is_not_edited(counted_pair: Pair, score: CellScore, clinician: User) -> None:
    Slide.objects.filter(pk=counted_pair.synthetic.pk).update(version="000000000000")
    with pytest.raises(Conflict, match="replaced since these cells were counted"):
        edit_cell(score, clinician, uuid4(), "flip", cell_index=0)
    assert not CellEdit.objects.exists()


def test_a_count_under_way_has_nothing_to_edit(pair: Pair, clinician: User) -> None:
    with pytest.raises(Conflict, match="queued: there is nothing to edit yet"):
        edit_cell(queued(pair.real), clinician, uuid4(), "flip", cell_index=0)


@pytest.mark.parametrize(
    ("action", "values", "told"),
    [
        ("flip", {}, "Say which cell"),
        ("flip", {"cell_index": 6}, "has no cell 6"),
        ("flip", {"seen": 4711}, "no such cell"),
        ("paint", {"cell_index": 0}, "“paint” is no edit"),
        ("add", {}, "needs a place"),
        ("add", {"place": (400.0, 300.0)}, "needs a place"),
        ("add", {"place": (-1.0, 300.0), "positive": True}, "outside of what was counted"),
        ("add", {"place": (400.0, 800.0), "positive": True}, "outside of what was counted"),
    ],
)
def test_an_edit_that_means_nothing_is_refused(
    score: CellScore, clinician: User, action: str, values: dict[str, object], told: str
) -> None:
    with pytest.raises(ApplicationError, match=told):
        edit_cell(score, clinician, uuid4(), action, **values)  # type: ignore[arg-type]
    assert not CellEdit.objects.exists()


def test_a_removed_cell_is_not_changed_again(score: CellScore, clinician: User) -> None:
    removed = edit_cell(score, clinician, uuid4(), "remove", cell_index=0)
    with pytest.raises(ApplicationError, match="removed already"):
        edit_cell(score, clinician, uuid4(), "flip", seen=removed.pk)


def test_the_database_refuses_to_change_an_edit(score: CellScore, clinician: User) -> None:
    edit_cell(score, clinician, uuid4(), "flip", cell_index=0)
    with pytest.raises(IntegrityError, match="append-only: UPDATE refused"), transaction.atomic():
        CellEdit.objects.update(positive=True)
    with pytest.raises(IntegrityError, match="append-only: DELETE refused"), transaction.atomic():
        CellEdit.objects.all().delete()
    assert counts(score) == (2, 4)
