from collections.abc import Callable
from uuid import uuid4

import pytest

from accounts.models import Membership, Role, User
from annotation.models import LargePatch, Remark, WeakLabel
from tests.annotation.conftest import payload
from tests.conftest import SiteClient
from tests.factories import make_synthetic_slide
from viewer.models import Slide

ClientOf = Callable[[User], SiteClient]


@pytest.mark.parametrize(
    ("remark", "status"),
    [
        ({"kind": "shout"}, 400),
        ({"kind": "comment"}, 400),
        ({"kind": "flag", "text": "why"}, 400),
        ({"kind": "comment", "text": "x" * 2001}, 400),
        ({"kind": "comment", "text": "a\0b"}, 400),
    ],
)
def test_a_remark_that_cannot_be_is_refused(
    client_of: ClientOf, pathologist: User, patch: LargePatch, remark: dict[str, str], status: int
) -> None:
    body = {"uuid": str(uuid4()), **remark}
    answer = client_of(pathologist).post(f"/api/v1/patches/{patch.pk}/remarks/", body, format="json")
    assert answer.status_code == status
    assert Remark.objects.count() == 0


def test_a_remark_sent_twice_is_written_once(client_of: ClientOf, pathologist: User, patch: LargePatch) -> None:
    body = {"uuid": str(uuid4()), "kind": "flag"}
    address = f"/api/v1/patches/{patch.pk}/remarks/"
    first = client_of(pathologist).post(address, body, format="json")
    assert client_of(pathologist).post(address, body, format="json").json() == first.json()
    assert Remark.objects.count() == 1
    assert client_of(pathologist).post(address, {**body, "kind": "unflag"}, format="json").status_code == 409


def test_a_readers_wrong_clock_changes_no_order(client_of: ClientOf, pathologist: User, patch: LargePatch) -> None:
    client, seen = client_of(pathologist), None
    for value, clock in [("tumor", "2031-01-01T00:00:00Z"), ("normal", "1999-01-01T00:00:00Z")]:
        body = {"value": value, "uuid": str(uuid4()), "seen": seen, "decided_at": clock}
        seen = client.put(f"/api/v1/patches/{patch.pk}/label/", body, format="json").json()["id"]
    assert payload(client, patch.slide).json()["patches"][0]["label"] == "normal"
    first, second = WeakLabel.objects.order_by("pk")
    assert first.created_at < second.created_at
    assert (first.decided_at.year, second.decided_at.year) == (2031, 1999)


def test_a_step_after_the_role_was_taken_away_is_refused(
    client_of: ClientOf, pathologist: User, gridded_slide: Slide
) -> None:
    client = client_of(pathologist)
    Membership.objects.filter(user=pathologist).update(role=Role.CLINICIAN)
    writes = [
        {"patch": one.pk, "value": "tumor", "uuid": str(uuid4()), "seen": None} for one in gridded_slide.patches.all()
    ]
    body = {"step": str(uuid4()), "writes": writes}
    assert client.put(f"/api/v1/slides/{gridded_slide.pk}/labels/", body, format="json").status_code == 403
    assert WeakLabel.objects.count() == 0


def test_labels_on_a_slide_that_is_gone_or_synthetic_find_nothing(
    client_of: ClientOf, pathologist: User, gridded_slide: Slide
) -> None:
    synthetic = make_synthetic_slide(gridded_slide, published=True)
    writes = [{"patch": 1, "value": "tumor", "uuid": str(uuid4()), "seen": None}]
    body = {"step": str(uuid4()), "writes": writes}
    for pk in (synthetic.pk, 10**9):
        assert client_of(pathologist).put(f"/api/v1/slides/{pk}/labels/", body, format="json").status_code == 404
    assert WeakLabel.objects.count() == 0
