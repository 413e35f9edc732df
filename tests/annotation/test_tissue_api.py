"""What Otsu's threshold dropped is brought in, and the other way round: with history, undo and refusals."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from annotation.models import LargePatch, Overrule, WeakLabel
from annotation.selectors import consensus_labels
from tests.annotation.conftest import give, payload
from tests.conftest import SiteClient
from tests.factories import make_patch
from viewer.models import Slide

ClientOf = Callable[[User], SiteClient]


def said(client: SiteClient, slide: Slide, patches: list[LargePatch], offered: bool, **how: Any) -> Any:
    body = {"patches": [patch.pk for patch in patches], "offered": offered, "uuid": str(uuid4()), **how}
    return client.put(f"/api/v1/slides/{slide.pk}/tissue/", body, format="json")


def offered(slide: Slide) -> list[bool]:
    return list(slide.patches.order_by("column").values_list("offered", flat=True))


def test_a_patch_is_brought_in_and_left_out_with_its_history(
    client_of: ClientOf, pathologist: User, gridded_slide: Slide
) -> None:
    dropped = gridded_slide.patches.get(column=2)
    client = client_of(pathologist)
    for offered in (True, True, False):
        body = {"patches": [dropped.pk], "offered": offered}
        assert client.put(f"/api/v1/slides/{gridded_slide.pk}/tissue/", body, format="json").status_code == 200
    assert list(Overrule.objects.values_list("patch", "offered")) == [(dropped.pk, True), (dropped.pk, False)]
    dropped.refresh_from_db()
    assert (dropped.offered, dropped.by_otsu) == (False, False)
    history = client.get(f"/api/v1/patches/{dropped.pk}/overrules/").json()
    assert [(row["by"], row["offered"], row["act"]) for row in history] == [
        ("pathologist", True, "overrule"),
        ("pathologist", False, "overrule"),
    ]


def test_a_label_on_a_patch_that_was_left_out_does_not_count_but_stays(
    client_of: ClientOf, pathologist: User, patch: LargePatch
) -> None:
    give(patch, "tumor", pathologist)
    body = {"patches": [patch.pk], "offered": False}
    client_of(pathologist).put(f"/api/v1/slides/{patch.slide_id}/tissue/", body, format="json")
    assert consensus_labels(patch.slide.project) == {}
    assert WeakLabel.objects.count() == 1


def test_a_patch_of_another_slide_is_not_overruled(
    client_of: ClientOf, clinician: User, pathologist: User, gridded_slide: Slide
) -> None:
    foreign = make_patch()
    body = {"patches": [foreign.pk], "offered": False}
    address = f"/api/v1/slides/{gridded_slide.pk}/tissue/"
    assert client_of(pathologist).put(address, body, format="json").status_code == 400
    own = {"patches": [gridded_slide.patches.get(column=0).pk], "offered": False}
    assert client_of(clinician).put(address, own, format="json").status_code == 403
    assert not Overrule.objects.exists()
    assert gridded_slide.patches.filter(offered=True).count() == 2


def test_a_bringing_in_is_undone_and_said_again_as_one_step_among_the_labels(
    client_of: ClientOf, pathologist: User, gridded_slide: Slide
) -> None:
    client, patches = client_of(pathologist), list(gridded_slide.patches.order_by("column"))
    give(patches[0], "tumor", pathologist)
    step = str(uuid4())
    assert said(client, gridded_slide, [patches[2]], True, step=step).json() == {"changed": [patches[2].pk]}
    give(patches[1], "normal", pathologist)
    steps = payload(client, gridded_slide).json()["steps"]["undo"]
    assert [one["kind"] for one in steps] == ["label", "tissue", "label"]
    assert steps[1] == {"kind": "tissue", "step": step, "offered": True, "patches": [patches[2].pk]}
    assert said(client, gridded_slide, [patches[2]], False, act="undo", step=step).status_code == 200
    assert offered(gridded_slide) == [True, True, False]
    redo = payload(client, gridded_slide).json()["steps"]["redo"]
    assert [one["step"] for one in redo] == [step]
    assert said(client, gridded_slide, [patches[2]], True, act="redo", step=step).status_code == 200
    assert offered(gridded_slide) == [True, True, True]
    acts = [row["act"] for row in client.get(f"/api/v1/patches/{patches[2].pk}/overrules/").json()]
    assert acts == ["overrule", "undo", "redo"]


def test_two_decisions_on_one_patch_are_taken_back_one_after_the_other(
    client_of: ClientOf, pathologist: User, gridded_slide: Slide
) -> None:
    client, patches = client_of(pathologist), [gridded_slide.patches.get(column=2)]
    first, second = str(uuid4()), str(uuid4())
    assert said(client, gridded_slide, patches, True, step=first).status_code == 200
    assert said(client, gridded_slide, patches, False, step=second).status_code == 200
    assert said(client, gridded_slide, patches, False, act="undo", step=first).status_code == 409
    assert said(client, gridded_slide, patches, True, act="undo", step=second).status_code == 200
    assert said(client, gridded_slide, patches, False, act="undo", step=first).status_code == 200
    assert [one["step"] for one in payload(client, gridded_slide).json()["steps"]["redo"]] == [second, first]


def test_a_decision_sent_twice_is_written_once(client_of: ClientOf, pathologist: User, gridded_slide: Slide) -> None:
    client, uuid = client_of(pathologist), str(uuid4())
    dropped = gridded_slide.patches.get(column=2)
    first = said(client, gridded_slide, [dropped], True, uuid=uuid)
    assert said(client, gridded_slide, [dropped], False).status_code == 200
    assert said(client, gridded_slide, [dropped], True, uuid=uuid).json() == first.json()
    assert offered(gridded_slide) == [True, True, False]
    assert said(client, gridded_slide, [dropped], False, uuid=uuid).status_code == 409
    assert Overrule.objects.count() == 2


@pytest.mark.parametrize("act", ["undo", "redo"])
def test_what_somebody_else_decided_since_is_not_taken_back(
    client_of: ClientOf, pathologist: User, second: User, gridded_slide: Slide, act: str
) -> None:
    patches, step = list(gridded_slide.patches.order_by("column")), str(uuid4())
    client = client_of(pathologist)
    said(client, gridded_slide, [patches[1], patches[2]], True, step=step)
    said(client_of(second), gridded_slide, [patches[2]], False)
    answer = said(client, gridded_slide, [patches[2]], act == "redo", act=act, step=step)
    assert answer.status_code == 409
    assert answer.json()["extra"]["conflicts"] == [{"patch": patches[2].pk, "offered": False, "by": "second"}]
    assert offered(gridded_slide) == [True, True, False]
    assert Overrule.objects.count() == 2
    assert payload(client, gridded_slide).json()["steps"]["undo"] == []


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"act": "undo"}, "step"),
        ({"act": "forget"}, "act"),
        ({"uuid": "7"}, "uuid"),
        ({"patches": []}, "patches"),
        ({"offered": "so"}, "offered"),
    ],
)
def test_a_decision_that_cannot_be_changes_nothing(
    client_of: ClientOf, pathologist: User, gridded_slide: Slide, body: dict[str, Any], named: str
) -> None:
    patch = gridded_slide.patches.get(column=0)
    wanted = {"patches": [patch.pk], "offered": False, **body}
    answer = client_of(pathologist).put(f"/api/v1/slides/{gridded_slide.pk}/tissue/", wanted, format="json")
    assert answer.status_code == 400
    assert named in str(answer.json())
    assert offered(gridded_slide) == [True, True, False]
    assert Overrule.objects.count() == 0


def test_an_outsider_does_not_see_who_overruled(client_of: ClientOf, outsider: User, gridded_slide: Slide) -> None:
    patch = gridded_slide.patches.get(column=0)
    assert client_of(outsider).get(f"/api/v1/patches/{patch.pk}/overrules/").status_code == 404
