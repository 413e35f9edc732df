from collections.abc import Callable

import pytest

from accounts.models import User
from annotation.services import Prediction, assign, record_predictions
from tests.annotation.conftest import SHA, payload
from tests.conftest import SiteClient
from viewer.models import Slide

ClientOf = Callable[[User], SiteClient]


def test_patches_come_in_the_order_asked_for(client_of: ClientOf, pathologist: User, scored: Slide) -> None:
    scored.patches.update(offered=True)
    ids = list(scored.patches.order_by("column").values_list("pk", flat=True))
    client = client_of(pathologist)
    assert payload(client, scored).json()["queue"] == ids
    shuffled = payload(client, scored, "random:5").json()["queue"]
    assert sorted(shuffled) == sorted(ids)
    assert shuffled == payload(client, scored, "random:5").json()["queue"]
    assert payload(client, scored, f"uncertain:{SHA}").json()["queue"][0] == ids[1]


@pytest.mark.parametrize(
    ("order", "told"),
    [("alphabet", "is no order"), ("random:x", "is no order"), (f"uncertain:{'cd' * 32}", "has not scored")],
)
def test_an_order_that_cannot_be_is_refused(
    client_of: ClientOf, pathologist: User, scored: Slide, order: str, told: str
) -> None:
    answer = payload(client_of(pathologist), scored, order)
    assert answer.status_code == 400
    assert told in answer.json()["message"]
    assert client_of(pathologist).get(f"/slides/{scored.pk}/label/?order={order}").status_code == 400


def test_no_model_is_seen_in_blinded_work(
    client_of: ClientOf, lead: User, pathologist: User, second: User, scored: Slide
) -> None:
    client = client_of(pathologist)
    view = client.get(f"/api/v1/slides/{scored.pk}/model-view/").json()
    assert (view["checkpoint"], view["instances_across"], len(view["patches"])) == (SHA, 8, 3)
    for reader in (pathologist, second):
        assign(scored, reader, "all", lead)
    assert payload(client, scored).json()["checkpoints"] == []
    for address in (f"slides/{scored.pk}/model-view/", f"slides/{scored.pk}/labelling/?order=uncertain:{SHA}"):
        answer = client.get(f"/api/v1/{address}")
        assert answer.status_code == 400
        assert "read blinded" in answer.json()["message"]


def test_an_order_rests_on_the_checkpoint_that_the_reader_chose(
    client_of: ClientOf, pathologist: User, scored: Slide
) -> None:
    first, second = scored.patches.order_by("column")[:2]
    newer = "cd" * 32
    record_predictions(
        scored,
        newer,
        [Prediction(first.pk, 0.5, 0, 0, bytes(64)), Prediction(second.pk, 0.9, 0, 0, bytes(64))],
        "Run 9 · epoch 2",
    )
    client = client_of(pathologist)
    assert payload(client, scored).json()["checkpoints"] == [
        {"sha256": SHA, "name": "Run 3 · epoch 7"},
        {"sha256": newer, "name": "Run 9 · epoch 2"},
    ]
    assert payload(client, scored, f"uncertain:{SHA}").json()["queue"][0] == second.pk
    assert payload(client, scored, f"uncertain:{newer}").json()["queue"][0] == first.pk
    view = client.get(f"/api/v1/slides/{scored.pk}/model-view/?checkpoint={SHA}").json()
    assert [one["probability"] for one in view["patches"]] == [0.9, 0.5, 0.1]
