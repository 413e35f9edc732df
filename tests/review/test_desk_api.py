"""The comparison desk over HTTP: tiles of cells, edits, windows, alignments, drafts."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from accounts.models import User
from annotation.models import PatchPrediction
from review import selectors
from review.models import Alignment, CellEdit, CellScore, Review, ScoringSettings, VerdictDraft
from review.selectors import calibration_slide, cell_tile, finished_score
from tests.conftest import SiteClient
from tests.factories import make_case, make_patch, make_slide
from tests.review.conftest import Pair, make_score, store_cells
from viewer.models import Slide

ClientOf = Callable[[User], SiteClient]


@pytest.fixture
def score(counted_pair: Pair) -> CellScore:
    found = finished_score(counted_pair.synthetic)
    assert found is not None
    return found


def decoded(tile: bytes) -> dict[str, Any]:
    listed, total, positive = np.frombuffer(tile, "<u4", 3).tolist()
    columns = {"listed": listed, "total": total, "positive": positive, "index": np.frombuffer(tile, "<u4", listed, 12)}
    for place, name in enumerate(("x", "y", "area", "dab"), 1):
        columns[name] = np.frombuffer(tile, "<f4", listed, 12 + 4 * listed * place)
    columns["is_positive"] = np.frombuffer(tile, np.uint8, listed, 12 + 20 * listed)
    assert len(tile) == 12 + 21 * listed
    return columns


def test_a_tile_lists_its_cells_as_columns(score: CellScore) -> None:
    tile = decoded(cell_tile(score, 0, 0, 0))
    assert (tile["listed"], tile["total"], tile["positive"]) == (6, 6, 3)
    assert tile["x"].tolist() == [100.0, 120.0, 90.0, 140.0, 700.0, 650.0]
    assert tile["is_positive"].tolist() == [1, 0, 0, 1, 0, 1]
    assert decoded(cell_tile(score, 0, 1, 0))["total"] == 0


def test_tiles_share_no_cell_and_lose_none(pair: Pair) -> None:
    places = np.random.default_rng(0).uniform(0, 5000, (3000, 2))
    score = store_cells(make_score(pair.real), [(x, y, False) for x, y in places.tolist()])
    found = [decoded(cell_tile(score, 0, column, row))["index"] for column in range(5) for row in range(5)]
    assert sorted(np.concatenate(found).tolist()) == list(range(3000))
    assert decoded(cell_tile(score, 3, 0, 0))["total"] == 3000


def test_a_crowded_tile_lists_an_even_choice_that_stays(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    places = np.random.default_rng(0).uniform(0, 1000, (4000, 2))
    score = store_cells(make_score(pair.real), [(x, y, x < 300) for x, y in places.tolist()])
    monkeypatch.setattr(selectors.cells, "MOST_CELLS_PER_TILE", 1000)
    tile = decoded(cell_tile(score, 0, 0, 0))
    assert (tile["listed"], tile["total"]) == (1000, 4000)
    assert tile["is_positive"].mean() == pytest.approx(tile["positive"] / 4000, abs=0.03)
    assert cell_tile(score, 0, 0, 0) == cell_tile(score, 0, 0, 0)


def test_a_tile_is_for_members_and_may_be_kept(
    client_of: ClientOf, clinician: User, outsider: User, score: CellScore
) -> None:
    address = f"/api/v1/scores/{score.pk}/tiles/0/0_0/"
    answer = client_of(clinician).get(address)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/octet-stream")
    assert "immutable" in answer.headers["Cache-Control"]
    assert client_of(outsider).get(address).status_code == 404
    assert client_of(clinician).get(f"/api/v1/scores/{score.pk}/tiles/13/0_0/").status_code == 404


def test_an_edit_over_the_api_answers_with_the_new_numbers(
    client_of: ClientOf, clinician: User, score: CellScore
) -> None:
    client, address = client_of(clinician), f"/api/v1/scores/{score.pk}/edits/"
    kept = client.post(address, {"uuid": str(uuid4()), "action": "flip", "cell": 0}, format="json")
    assert kept.status_code == 201
    assert kept.json()["score"]["reader"] == {
        "positive": 2,
        "negative": 4,
        "cells": 6,
        "ratio": pytest.approx(1 / 3),
        "interval": kept.json()["score"]["reader"]["interval"],
        "edits": 1,
    }
    assert kept.json()["score"]["positive"] == 3
    undone = {"uuid": str(uuid4()), "action": "undo", "edit": kept.json()["edit"]["id"]}
    assert client.post(address, undone, format="json").json()["score"]["reader"]["positive"] == 3
    assert [row["action"] for row in client.get(address).json()] == ["undo"]
    assert [row["action"] for row in client.get(f"{address}?all=1").json()] == ["flip", "undo"]


@pytest.mark.parametrize("member", ["pathologist", "lead", "site_admin"])
def test_who_is_no_clinician_changes_nothing(
    client_of: ClientOf, request: pytest.FixtureRequest, counted_pair: Pair, score: CellScore, member: str
) -> None:
    client = client_of(request.getfixturevalue(member))
    edit = {"uuid": str(uuid4()), "action": "flip", "cell": 0}
    points = [[100, 100, 110, 95], [700, 120, 710, 115]]
    alignment = {"fixed": counted_pair.source.pk, "moving": counted_pair.real.pk, "points": points, "seen": 1}
    asked = [
        client.post(f"/api/v1/scores/{score.pk}/edits/", edit, format="json"),
        client.post("/api/v1/alignments/", alignment, format="json"),
        client.put("/api/v1/drafts/", {"slide": counted_pair.synthetic.pk, "comment": "x"}, format="json"),
    ]
    assert [answer.status_code for answer in asked] == [403, 403, 403]
    assert (CellEdit.objects.count(), Alignment.objects.count(), VerdictDraft.objects.count()) == (0, 1, 0)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"action": "flip"},
        {"uuid": "no", "action": "flip", "cell": 0},
        {"uuid": str(uuid4()), "action": "undo"},
        {"uuid": str(uuid4()), "action": "paint", "cell": 0},
        {"uuid": str(uuid4()), "action": "add", "x": 10.0},
    ],
)
def test_a_malformed_edit_is_refused(
    client_of: ClientOf, clinician: User, score: CellScore, sent: dict[str, Any]
) -> None:
    assert client_of(clinician).post(f"/api/v1/scores/{score.pk}/edits/", sent, format="json").status_code == 400
    assert not CellEdit.objects.exists()


def test_counts_of_a_drawn_region_and_of_all(client_of: ClientOf, clinician: User, score: CellScore) -> None:
    client, address = client_of(clinician), f"/api/v1/scores/{score.pk}/summary/"
    assert client.get(address).json()["machine"]["cells"] == 6
    triangle = client.get(address, {"scope": "region", "corners": "80,90 160,90 160,170"}).json()
    assert (triangle["scope"], triangle["machine"]["cells"], triangle["machine"]["positive"]) == ("region", 3, 2)
    empty = client.get(address, {"scope": "region", "corners": "400,400 410,400 410,410"}).json()
    assert (empty["machine"]["ratio"], empty["machine"]["interval"]) == (None, None)


@pytest.mark.parametrize("corners", ["80,90 160,90", "80,90 160,90 9000,170", "a,b c,d e,f", ""])
def test_a_region_that_is_none_or_lies_off_the_slide_is_refused(
    client_of: ClientOf, clinician: User, score: CellScore, corners: str
) -> None:
    answer = client_of(clinician).get(f"/api/v1/scores/{score.pk}/summary/", {"scope": "region", "corners": corners})
    assert answer.status_code == 400


def test_cells_inside_tumour_patches_only(
    client_of: ClientOf, clinician: User, counted_pair: Pair, score: CellScore
) -> None:
    client, address = client_of(clinician), f"/api/v1/scores/{score.pk}/summary/?scope=tumor"
    refused = client.get(address)
    assert refused.status_code == 400 and "No classifier has looked at" in refused.json()["message"]
    for column, probability in ((0, 0.9), (1, 0.2)):
        patch = make_patch(counted_pair.synthetic, column, 0, size_l0=400)
        PatchPrediction.objects.create(
            patch=patch,
            checkpoint_sha256="ab" * 32,
            probability=probability,
            best_x_l0=0,
            best_y_l0=0,
            instance_probabilities=b"",
        )
    assert client.get(address).json()["machine"]["cells"] == 4


def test_windows_and_hot_spots_are_of_synthetic_slides(
    client_of: ClientOf, clinician: User, counted_pair: Pair
) -> None:
    client = client_of(clinician)
    window = {"slide": counted_pair.synthetic.pk, "x": 115, "y": 125, "side_um": 50}
    assert client.get("/api/v1/windows/", window).json()["synthetic"]["machine"]["cells"] == 4
    assert client.get("/api/v1/windows/", {**window, "slide": counted_pair.real.pk}).status_code == 400
    assert client.get("/api/v1/windows/", {**window, "side_um": 1}).status_code == 400
    assert client.get("/api/v1/hot-spots/", {"slide": counted_pair.synthetic.pk}).json() == []


def test_an_alignment_is_corrected_over_the_api(client_of: ClientOf, clinician: User, counted_pair: Pair) -> None:
    points = [[100, 100, 110, 95], [700, 120, 710, 115]]
    sent = {"fixed": counted_pair.source.pk, "moving": counted_pair.real.pk, "points": points, "seen": 1}
    kept = client_of(clinician).post("/api/v1/alignments/", sent, format="json")
    assert (kept.status_code, kept.json()["version"], kept.json()["by"]) == (201, 2, "clinician")
    again = client_of(clinician).post("/api/v1/alignments/", sent, format="json")
    assert again.status_code == 409
    other = make_slide(make_case(counted_pair.source.project), "KI67")
    crossed = client_of(clinician).post("/api/v1/alignments/", {**sent, "moving": other.pk}, format="json")
    assert crossed.status_code == 400
    assert Alignment.objects.count() == 2


def test_a_draft_is_saved_signed_and_reopened_over_the_api(
    client_of: ClientOf, clinician: User, counted_pair: Pair
) -> None:
    client, slide = client_of(clinician), counted_pair.synthetic.pk
    draft = client.put("/api/v1/drafts/", {"slide": slide, "comment": "So far", "seen": None}, format="json")
    assert (draft.status_code, draft.json()["revision"]) == (200, 1)
    assert client.put("/api/v1/drafts/", {"slide": slide, "seen": None}, format="json").status_code == 409
    uuid = str(uuid4())
    signature = {"slide": slide, "uuid": uuid, "verdict": "usable", "reasons": ["colour"], "confidence": 3}
    first, second = (client.post("/api/v1/reviews/", signature, format="json") for _ in range(2))
    assert (first.status_code, first.json()) == (201, second.json())
    review = first.json()["id"]
    assert client.post(f"/api/v1/reviews/{review}/reopen/", {}, format="json").status_code == 400
    reopened = client.post(f"/api/v1/reviews/{review}/reopen/", {"reason": "Looked again."}, format="json")
    assert reopened.json()["reopened"]["reason"] == "Looked again."
    assert Review.objects.count() == 1


def test_the_reference_slide_lends_its_calibration_where_a_case_has_no_real_one(
    lone_synthetic: Slide, pair: Pair
) -> None:
    assert calibration_slide(lone_synthetic) == lone_synthetic
    ScoringSettings.objects.create(project=lone_synthetic.project, reference_slide=pair.real)
    assert calibration_slide(lone_synthetic) == pair.real
    ScoringSettings.objects.update(reference_slide=pair.source)
    assert calibration_slide(lone_synthetic) == lone_synthetic
