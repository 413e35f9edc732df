import threading
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.errors import ApplicationError, Conflict
from accounts.models import Project, Role, User
from review.models import Review, VerdictDraft, VerdictReopening
from review.selectors import standing_verdict
from review.services import reopen_verdict, save_draft, sign_verdict
from tests.factories import add_member, make_user
from tests.review.conftest import Pair, make_score
from viewer.models import Slide

PIN = {"x": 10.0, "y": 20.0, "kind": "lost", "note": "A nucleus."}
JUDGEMENT: dict[str, Any] = {
    "reasons": ["lost_nuclei", "seams"],
    "confidence": 4,
    "pins": [PIN],
    "window": {"x": 400.0, "y": 300.0, "side_um": 200.0},
}


def test_a_verdict_keeps_reasons_pins_confidence_and_the_numbers_of_this_moment(pair: Pair, clinician: User) -> None:
    make_score(pair.synthetic, positive=30, negative=70)
    review = sign_verdict(pair.synthetic, clinician, "minor_flaws", "Pale.", **JUDGEMENT)
    review.refresh_from_db()
    assert (review.reasons, review.confidence, review.pins, review.window) == (
        ["lost_nuclei", "seams"],
        4,
        [PIN],
        {"x": 400.0, "y": 300.0, "side_um": 200.0},
    )
    assert review.counts["synthetic"]["machine"]["ratio"] == 0.3
    assert review.counts["synthetic"]["reader"] is None
    assert "real" not in review.counts


def test_signing_twice_writes_one_verdict(pair: Pair, clinician: User) -> None:
    uuid = UUID(int=1)
    first = sign_verdict(pair.synthetic, clinician, "usable", uuid=uuid)
    assert sign_verdict(pair.synthetic, clinician, "usable", uuid=uuid) == first
    with pytest.raises(Conflict, match="Reopen that verdict first"):
        sign_verdict(pair.synthetic, clinician, "usable", uuid=UUID(int=2))
    assert Review.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_signatures_at_once_write_one_verdict(pair: Pair, clinician: User) -> None:
    together = threading.Barrier(2, timeout=20)
    outcomes: list[str] = []

    def sign() -> None:
        together.wait()
        try:
            sign_verdict(pair.synthetic, clinician, "usable", uuid=uuid4())
            outcomes.append("signed")
        except Conflict:
            outcomes.append("told")
        finally:
            connection.close()

    hands = [threading.Thread(target=sign) for _ in range(2)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(30)
    assert sorted(outcomes) == ["signed", "told"]
    assert Review.objects.count() == 1


def test_the_database_refuses_two_verdicts_of_one_round(pair: Pair, clinician: User) -> None:
    sign_verdict(pair.synthetic, clinician, "usable")
    with pytest.raises(IntegrityError, match="review_once_per_round"), transaction.atomic():
        Review.objects.create(slide=pair.synthetic, slide_version="x", reader=clinician, verdict="usable")
    assert Review.objects.count() == 1


def test_reopening_keeps_the_verdict_on_record_and_makes_it_the_draft(pair: Pair, clinician: User) -> None:
    review = sign_verdict(pair.synthetic, clinician, "minor_flaws", "Pale.", **JUDGEMENT)
    reopening = reopen_verdict(review, clinician, "  Seen on a better screen. ")
    assert (reopening.by, reopening.reason) == (clinician, "Seen on a better screen.")
    draft = VerdictDraft.objects.get()
    assert (draft.verdict, draft.comment, draft.reasons, draft.pins) == (
        "minor_flaws",
        "Pale.",
        ["lost_nuclei", "seams"],
        [PIN],
    )
    assert standing_verdict(pair.synthetic, clinician) is None
    second = sign_verdict(pair.synthetic, clinician, "usable")
    assert (review.round, second.round, Review.objects.count()) == (1, 2, 2)
    assert not VerdictDraft.objects.exists()


def test_a_verdict_is_reopened_once_by_its_reader_with_a_reason(pair: Pair, clinician: User, project: Project) -> None:
    other = add_member(make_user("other"), project, Role.CLINICIAN)
    review = sign_verdict(pair.synthetic, clinician, "usable")
    with pytest.raises(ApplicationError, match="This verdict is clinician's"):
        reopen_verdict(review, other, "I disagree.")
    with pytest.raises(ApplicationError, match="Say why"):
        reopen_verdict(review, clinician, "  ")
    assert not VerdictReopening.objects.exists()
    reopen_verdict(review, clinician, "Looked again.")
    with pytest.raises(Conflict, match="reopened already"):
        reopen_verdict(review, clinician, "Looked again.")
    assert VerdictReopening.objects.count() == 1


def test_a_replaced_slide_is_judged_anew(pair: Pair, clinician: User) -> None:
    sign_verdict(pair.synthetic, clinician, "usable")
    Slide.objects.filter(pk=pair.synthetic.pk).update(version="000000000000")
    assert sign_verdict(pair.synthetic, clinician, "not_usable", "Blurred.").round == 2


def test_a_draft_is_kept_and_gone_once_signed(pair: Pair, clinician: User) -> None:
    draft = save_draft(pair.synthetic, clinician, {"verdict": "usable", "comment": "So far"}, None)
    assert draft.revision == 1
    again = save_draft(pair.synthetic, clinician, {"comment": "So far good"}, 1)
    assert (again.pk, again.revision, again.verdict, again.comment) == (draft.pk, 2, "usable", "So far good")
    sign_verdict(pair.synthetic, clinician, "usable")
    assert not VerdictDraft.objects.exists()


def test_a_draft_that_another_tab_has_changed_is_not_overwritten(pair: Pair, clinician: User) -> None:
    save_draft(pair.synthetic, clinician, {"comment": "one"}, None)
    for seen in (None, 2):
        with pytest.raises(Conflict, match="changed in another window"):
            save_draft(pair.synthetic, clinician, {"comment": "two"}, seen)
    assert VerdictDraft.objects.get().comment == "one"


def test_there_is_no_draft_beside_a_standing_verdict(pair: Pair, clinician: User) -> None:
    sign_verdict(pair.synthetic, clinician, "usable")
    with pytest.raises(Conflict, match="You signed “usable”"):
        save_draft(pair.synthetic, clinician, {"comment": "more"}, None)
    assert not VerdictDraft.objects.exists()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"reasons": ["ugly"]}, "“ugly” is no reason"),
        ({"pins": [{**PIN, "kind": "star"}]}, "“star” is no kind of pin"),
        ({"pins": [{**PIN, "x": 800.0}]}, "outside of the slide"),
        ({"pins": [PIN] * 201}, "at most 200"),
    ],
)
def test_a_judgement_that_means_nothing_is_refused(
    pair: Pair, clinician: User, values: dict[str, Any], told: str
) -> None:
    with pytest.raises(ApplicationError, match=told):
        sign_verdict(pair.synthetic, clinician, "usable", **values)
    with pytest.raises(ApplicationError, match=told):
        save_draft(pair.synthetic, clinician, values, None)
    assert not Review.objects.exists() and not VerdictDraft.objects.exists()


@pytest.mark.parametrize(
    ("verdict", "reasons", "comment", "told"),
    [
        ("not_usable", [], "  ", "Say what is wrong with the slide"),
        ("minor_flaws", [], "", "Say what is wrong with the slide"),
        ("usable", ["other"], "", "write what it is"),
        ("not_usable", ["other", "seams"], "", "write what it is"),
    ],
)
def test_a_flaw_that_nobody_explains_is_not_signed(
    pair: Pair, clinician: User, verdict: str, reasons: list[str], comment: str, told: str
) -> None:
    save_draft(pair.synthetic, clinician, {"verdict": verdict, "reasons": reasons, "comment": comment}, None)
    with pytest.raises(ApplicationError, match=told):
        sign_verdict(pair.synthetic, clinician, verdict, comment, reasons=reasons)
    assert (Review.objects.count(), VerdictDraft.objects.get().revision) == (0, 1)
