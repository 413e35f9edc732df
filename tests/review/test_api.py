from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from review import selectors
from review.models import CellScore, Review
from tests.conftest import SiteClient
from tests.factories import make_slide, make_synthetic_slide
from tests.review.conftest import Pair, make_score, queued

ClientOf = Callable[[User], SiteClient]
State = CellScore.State


def post(client: SiteClient, address: str, **data: Any) -> Any:
    return client.post(f"/api/v1/{address}/", data, format="json")


def test_a_clinician_asks_for_a_count_and_follows_it(
    client_of: ClientOf,
    clinician: User,
    pair: Pair,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = client_of(clinician)
    with django_capture_on_commit_callbacks(execute=True):
        asked = post(client, "scores", slide=pair.real.pk)
    assert asked.status_code == 201
    assert (asked.json()["state"], asked.json()["ratio"], asked.json()["calibrated_on"]) == (
        "queued",
        None,
        pair.real.pk,
    )
    score = client.get(f"/api/v1/scores/{asked.json()['id']}/").json()
    assert (score["state"], score["progress"]) == ("done", 1.0)
    assert score["cells"] == score["positive"] + score["negative"] > 300
    assert score["ratio"] == score["positive"] / score["cells"]
    assert score["interval"][0] < score["ratio"] < score["interval"][1]
    assert (score["grade"], score["reader"], score["least_cells"]) == (None, None, 500)
    assert [row["dab_threshold"] for row in score["sensitivity"]] == [0.1, 0.2, 0.3]
    assert score["parameters"]["dab_threshold"] == score["parameters"]["dab_threshold_calibrated"]


def test_a_pair_is_asked_for_at_once(client_of: ClientOf, clinician: User, pair: Pair) -> None:
    asked = post(client_of(clinician), "scores", slide=pair.synthetic.pk, pair=True)
    assert asked.status_code == 201
    assert asked.json()["slide"] == pair.synthetic.pk
    assert list(CellScore.objects.order_by("pk").values_list("slide", "calibrated_on")) == [
        (pair.real.pk, pair.real.pk),
        (pair.synthetic.pk, pair.real.pk),
    ]


def test_cells_in_a_window_are_lists_of_equal_length(
    client_of: ClientOf,
    clinician: User,
    pair: Pair,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = client_of(clinician)
    with django_capture_on_commit_callbacks(execute=True):
        score = post(client, "scores", slide=pair.real.pk).json()
    address = f"/api/v1/scores/{score['id']}/cells/"
    everything = client.get(address, {"x": 0, "y": 0, "width": 800, "height": 800}).json()
    assert set(everything) == {"count", "capped", "x", "y", "area_um2", "dab", "positive"}
    assert everything["count"] == len(everything["x"]) == len(everything["positive"]) > 300
    assert everything["capped"] is False
    assert sum(everything["positive"]) == client.get(f"/api/v1/scores/{score['id']}/").json()["positive"]
    window = client.get(address, {"x": 100, "y": 100.5, "width": 200, "height": 200}).json()
    assert 0 < window["count"] < everything["count"]
    assert all(100 <= x < 300 for x in window["x"]) and all(100.5 <= y < 300.5 for y in window["y"])
    monkeypatch.setattr(selectors.cells, "MOST_CELLS", 50)
    capped = client.get(address, {"x": 0, "y": 0, "width": 800, "height": 800}).json()
    assert (capped["count"], capped["capped"], len(capped["x"])) == (everything["count"], True, 50)


@pytest.mark.parametrize(
    "window", [{}, {"x": 0, "y": 0, "width": 10}, {"x": "a", "y": 0, "width": 1, "height": 1}, {"width": -1}]
)
def test_a_window_names_its_rectangle(client_of: ClientOf, clinician: User, pair: Pair, window: dict[str, Any]) -> None:
    score = make_score(pair.real)
    answer = client_of(clinician).get(f"/api/v1/scores/{score.pk}/cells/", window)
    assert answer.status_code == 400


def test_cells_of_a_running_count_are_refused_with_its_state(client_of: ClientOf, clinician: User, pair: Pair) -> None:
    score = queued(pair.real)
    answer = client_of(clinician).get(f"/api/v1/scores/{score.pk}/cells/?x=0&y=0&width=9&height=9")
    assert answer.status_code == 409
    assert answer.json()["extra"] == {"state": "queued"}


@pytest.mark.parametrize("member", ["pathologist", "lead", "site_admin"])
def test_who_is_no_clinician_does_not_count(
    client_of: ClientOf, request: pytest.FixtureRequest, pair: Pair, member: str
) -> None:
    client = client_of(request.getfixturevalue(member))
    assert post(client, "scores", slide=pair.real.pk).status_code == 403
    assert not CellScore.objects.exists()


def test_scores_of_a_slide_are_listed_newest_first_for_every_member(
    client_of: ClientOf, pathologist: User, pair: Pair
) -> None:
    older, newer = make_score(pair.real), make_score(pair.real, positive=1)
    make_score(pair.synthetic)
    answer = client_of(pathologist).get(f"/api/v1/scores/?slide={pair.real.pk}").json()
    assert [row["id"] for row in answer["results"]] == [newer.pk, older.pk]
    assert client_of(pathologist).get("/api/v1/scores/").status_code == 400


def test_outsiders_do_not_learn_of_scores_and_verdicts(
    client_of: ClientOf, outsider: User, clinician: User, pair: Pair
) -> None:
    score = make_score(pair.real)
    client = client_of(outsider)
    for address in (
        f"scores/?slide={pair.real.pk}",
        f"scores/{score.pk}/",
        f"scores/{score.pk}/cells/?x=0&y=0&width=9&height=9",
        f"reviews/?slide={pair.synthetic.pk}",
        "scores/4711/",
    ):
        assert client.get(f"/api/v1/{address}").status_code == 404
    assert post(client, "scores", slide=pair.real.pk).status_code == 404
    assert post(client, "reviews", slide=pair.synthetic.pk, verdict="usable").status_code == 404
    assert CellScore.objects.count() == 1
    assert not Review.objects.exists()


def test_scores_of_an_unpublished_slide_are_for_leads_only(
    client_of: ClientOf, clinician: User, lead: User, pair: Pair
) -> None:
    hidden = make_synthetic_slide(pair.source)
    score = make_score(hidden)
    assert client_of(lead).get(f"/api/v1/scores/{score.pk}/").status_code == 200
    assert client_of(clinician).get(f"/api/v1/scores/{score.pk}/").status_code == 403
    assert post(client_of(clinician), "scores", slide=hidden.pk).status_code == 403
    assert post(client_of(clinician), "reviews", slide=hidden.pk, verdict="usable").status_code == 403
    assert CellScore.objects.count() == 1
    assert not Review.objects.exists()


def test_an_h_and_e_slide_offered_for_counting_is_refused_with_the_reason(
    client_of: ClientOf, clinician: User, pair: Pair
) -> None:
    answer = post(client_of(clinician), "scores", slide=pair.source.pk)
    assert answer.status_code == 400
    assert "which H&E does not have" in answer.json()["message"]
    assert not CellScore.objects.exists()


@pytest.mark.parametrize("region", [[0, 0, 801, 10], [0, 0, 10], "all", [0, 0, 1.5, 1], [0, 0, -5, 5]])
def test_a_region_that_is_none_is_refused(client_of: ClientOf, clinician: User, pair: Pair, region: Any) -> None:
    answer = post(client_of(clinician), "scores", slide=pair.real.pk, region=region)
    assert answer.status_code == 400
    assert not CellScore.objects.exists()


def test_another_stain_is_counted_without_ki67_words(client_of: ClientOf, clinician: User, pair: Pair) -> None:
    score = make_score(make_slide(pair.source.case, "SYN"))
    answer = client_of(clinician).get(f"/api/v1/scores/{score.pk}/").json()
    assert (answer["ratio"], answer["grade"], answer["grade_note"]) == (0.2, None, "")


def test_a_clinician_signs_a_verdict(client_of: ClientOf, clinician: User, pathologist: User, pair: Pair) -> None:
    answer = post(client_of(clinician), "reviews", slide=pair.synthetic.pk, verdict="minor_flaws", comment="Pale.")
    assert answer.status_code == 201
    review = Review.objects.get()
    assert answer.json() == {
        "id": review.pk,
        "reader": "clinician",
        "verdict": "minor_flaws",
        "verdict_name": "minor flaws",
        "reasons": [],
        "confidence": None,
        "pins": [],
        "window": None,
        "counts": {},
        "comment": "Pale.",
        "round": 1,
        "created_at": review.created_at.isoformat(),
        "reopened": None,
    }
    listed = client_of(pathologist).get(f"/api/v1/reviews/?slide={pair.synthetic.pk}").json()["results"]
    assert listed == [answer.json()]


@pytest.mark.parametrize("member", ["pathologist", "lead", "site_admin"])
def test_who_is_no_clinician_signs_nothing(
    client_of: ClientOf, request: pytest.FixtureRequest, pair: Pair, member: str
) -> None:
    client = client_of(request.getfixturevalue(member))
    assert post(client, "reviews", slide=pair.synthetic.pk, verdict="usable").status_code == 403
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    ("signed", "told"),
    [
        ({"verdict": "splendid"}, "expected one of usable, minor_flaws, not_usable"),
        ({}, "verdict"),
        ({"verdict": "usable", "comment": "x" * 10_001}, "comment"),
    ],
)
def test_a_malformed_verdict_is_refused(
    client_of: ClientOf, clinician: User, pair: Pair, signed: dict[str, Any], told: str
) -> None:
    answer = post(client_of(clinician), "reviews", slide=pair.synthetic.pk, **signed)
    assert answer.status_code == 400
    assert told in answer.json()["message"]
    assert not Review.objects.exists()


def test_a_real_slide_gets_no_verdict(client_of: ClientOf, clinician: User, pair: Pair) -> None:
    answer = post(client_of(clinician), "reviews", slide=pair.real.pk, verdict="usable")
    assert answer.status_code == 400
    assert not Review.objects.exists()
