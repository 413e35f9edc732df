from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Role, User
from annotation.models import Adjudication, LargePatch, Reading, WeakLabel
from annotation.selectors import consensus_labels
from annotation.services import assign, change_reading_settings, finish_reading
from tests.annotation.conftest import give, payload
from tests.conftest import SiteClient
from tests.factories import add_member, make_user
from viewer.models import Slide

ClientOf = Callable[[User], SiteClient]


def read_all(slide: Slide, reader: User, *values: str) -> None:
    for patch, value in zip(slide.patches.filter(offered=True).order_by("column"), values, strict=True):
        give(patch, value, reader)
    finish_reading(slide, reader)


def test_a_lead_assigns_a_slide_and_takes_it_back(
    client_of: ClientOf, lead: User, pathologist: User, gridded_slide: Slide
) -> None:
    client = client_of(lead)
    body = {"slide": gridded_slide.pk, "reader": "pathologist", "part": "all"}
    answer = client.post("/api/v1/readings/", body, format="json")
    assert answer.status_code == 201
    assert (Reading.objects.get().reader, Reading.objects.get().assigned_by) == (pathologist, lead)
    assert client.post("/api/v1/readings/", body, format="json").status_code == 201
    assert Reading.objects.count() == 1
    [row] = client.get(f"/api/v1/readings/?project={gridded_slide.project.slug}").json()["results"]
    assert (row["reader"], row["part"], row["done_at"]) == ("pathologist", "all", None)
    assert client.delete(f"/api/v1/readings/{row['id']}/").status_code == 204
    assert Reading.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"reader": "nobody"}, 400, "no member"),
        ({"reader": "clinician"}, 400, "no pathologist"),
        ({"part": "half"}, 400, "part"),
        ({"slide": 10**9}, 404, ""),
    ],
)
def test_an_assignment_that_cannot_be_is_refused(
    client_of: ClientOf,
    lead: User,
    clinician: User,
    pathologist: User,
    gridded_slide: Slide,
    changes: Any,
    status: int,
    told: str,
) -> None:
    body = {"slide": gridded_slide.pk, "reader": "pathologist", "part": "all", **changes}
    answer = client_of(lead).post("/api/v1/readings/", body, format="json")
    assert answer.status_code == status
    assert told in answer.json()["message"]
    assert Reading.objects.count() == 0


@pytest.mark.parametrize(("member", "status"), [("pathologist", 403), ("clinician", 403), ("outsider", 404)])
def test_only_leads_assign(
    client_of: ClientOf,
    request: pytest.FixtureRequest,
    pathologist: User,
    gridded_slide: Slide,
    member: str,
    status: int,
) -> None:
    body = {"slide": gridded_slide.pk, "reader": "pathologist"}
    client = client_of(request.getfixturevalue(member))
    assert client.post("/api/v1/readings/", body, format="json").status_code == status
    assert client.get(f"/api/v1/readings/?project={gridded_slide.project.slug}").status_code == status
    assert Reading.objects.count() == 0


def test_a_slide_is_done_when_its_reader_says_so_and_reviewed_when_the_lead_does(
    client_of: ClientOf, lead: User, pathologist: User, gridded_slide: Slide
) -> None:
    reading = assign(gridded_slide, pathologist, "all", lead)
    reader, boss = client_of(pathologist), client_of(lead)
    early = reader.post(f"/api/v1/slides/{gridded_slide.pk}/finish/")
    assert (early.status_code, Reading.objects.get().done_at) == (409, None)
    assert "2 patches have no label yet" in early.json()["message"]
    assert boss.patch(f"/api/v1/readings/{reading.pk}/", {"state": "reviewed"}, format="json").status_code == 409
    read_all(gridded_slide, pathologist, "tumor", "normal")
    assert reader.patch(f"/api/v1/readings/{reading.pk}/", {"state": "reviewed"}, format="json").status_code == 403
    answer = boss.patch(f"/api/v1/readings/{reading.pk}/", {"state": "reviewed"}, format="json").json()
    assert (answer["reviewed_by"], answer["done_at"] is not None) == ("lead", True)
    reader.patch(f"/api/v1/readings/{reading.pk}/", {"state": "open"}, format="json")
    reading.refresh_from_db()
    assert (reading.done_at, reading.reviewed_at, reading.reviewed_by) == (None, None, None)


def test_the_same_patches_are_read_twice_by_every_second_reader(
    client_of: ClientOf, lead: User, pathologist: User, second: User, gridded_slide: Slide
) -> None:
    change_reading_settings(gridded_slide.project, double_share=0.5)
    assign(gridded_slide, pathologist, "all", lead)
    assign(gridded_slide, second, "shared", lead)
    first, other = (
        payload(client_of(pathologist), gridded_slide).json(),
        payload(client_of(second), gridded_slide).json(),
    )
    assert len(first["queue"]) == 2
    assert len(other["queue"]) == 1
    assert other["counts"]["total"] == 1
    give(gridded_slide.patches.get(pk=other["queue"][0]), "tumor", second)
    answer = client_of(lead).patch(
        f"/api/v1/projects/{gridded_slide.project.slug}/reading-settings/", {"double_share": 1.0}, format="json"
    )
    assert answer.status_code == 409
    assert payload(client_of(second), gridded_slide).json()["queue"] == other["queue"]


def test_readers_see_nothing_of_each_other_until_both_are_done(
    client_of: ClientOf, pathologist: User, second: User, two_readers: Slide
) -> None:
    patch = two_readers.patches.get(column=0)
    client = client_of(pathologist)
    client_of(second).post(
        f"/api/v1/patches/{patch.pk}/remarks/",
        {"kind": "comment", "text": "mitoses", "uuid": str(uuid4())},
        format="json",
    )
    read_all(two_readers, second, "tumor", "normal")

    def seen() -> tuple[set[str], int]:
        history = client.get(f"/api/v1/patches/{patch.pk}/labels/").json()["results"]
        return {row["reader"] for row in history}, len(client.get(f"/api/v1/patches/{patch.pk}/remarks/").json())

    assert payload(client, two_readers).json()["blinded"] is True
    assert seen() == (set(), 0)
    read_all(two_readers, pathologist, "normal", "normal")
    assert seen() == ({"pathologist", "second"}, 1)
    assert payload(client, two_readers).json()["blinded"] is False


def test_a_lead_who_reads_a_slide_is_blinded_like_any_reader(
    client_of: ClientOf, lead: User, pathologist: User, gridded_slide: Slide
) -> None:
    add_member(lead, gridded_slide.project, Role.PATHOLOGIST)
    for reader in (lead, pathologist):
        assign(gridded_slide, reader, "all", lead)
    patch = gridded_slide.patches.get(column=0)
    give(patch, "tumor", pathologist)
    assert client_of(lead).get(f"/api/v1/patches/{patch.pk}/labels/").json()["results"] == []


def test_who_is_not_assigned_does_not_label_where_that_is_asked_for(
    client_of: ClientOf, lead: User, pathologist: User, patch: LargePatch
) -> None:
    change_reading_settings(patch.slide.project, assigned_only=True)
    client = client_of(pathologist)
    body = {"value": "tumor", "uuid": str(uuid4()), "seen": None}
    answer = client.put(f"/api/v1/patches/{patch.pk}/label/", body, format="json")
    assert answer.status_code == 400
    assert "not assigned to you" in answer.json()["message"]
    assert payload(client, patch.slide).json()["can_label"] is False
    assert WeakLabel.objects.count() == 0
    assign(patch.slide, pathologist, "all", lead)
    assert client.put(f"/api/v1/patches/{patch.pk}/label/", body, format="json").status_code == 200


def adjudication(patch: LargePatch, **changes: Any) -> dict[str, Any]:
    ids = list(WeakLabel.objects.filter(patch=patch).values_list("pk", flat=True))
    return {
        "value": "tumor",
        "uuid": str(uuid4()),
        "label_ids": ids,
        "seen": None,
        "comment": "looked again",
        **changes,
    }


def test_a_lead_settles_what_readers_disagree_on_and_the_consensus_follows_the_rule(
    client_of: ClientOf, lead: User, pathologist: User, second: User, two_readers: Slide
) -> None:
    client, patch = client_of(lead), two_readers.patches.get(column=0)
    read_all(two_readers, pathologist, "tumor", "normal")
    assert client.get(f"/api/v1/slides/{two_readers.pk}/disagreements/").status_code == 403
    read_all(two_readers, second, "normal", "normal")
    [row] = client.get(f"/api/v1/slides/{two_readers.pk}/disagreements/").json()
    assert (row["patch"], {one["reader"]: one["value"] for one in row["labels"]}) == (
        patch.pk, {"pathologist": "tumor", "second": "normal"},
    )  # fmt: skip
    body = adjudication(patch)
    assert client.put(f"/api/v1/patches/{patch.pk}/adjudication/", body, format="json").status_code == 200
    assert client.put(f"/api/v1/patches/{patch.pk}/adjudication/", body, format="json").status_code == 200
    assert Adjudication.objects.count() == 1
    other = two_readers.patches.get(column=1).pk
    assert set(consensus_labels(two_readers.project)) == {other}
    change_reading_settings(two_readers.project, consensus="adjudicated")
    settled = consensus_labels(two_readers.project)
    assert {pk: (one.value, one.rule) for pk, one in settled.items()} == {
        patch.pk: ("tumor", "adjudicated"), other: ("normal", "single"),
    }  # fmt: skip


@pytest.mark.parametrize("changes", [{"label_ids": [1]}, {"seen": 7}])
def test_an_adjudicator_who_saw_other_labels_is_told_to_look_again(
    client_of: ClientOf, lead: User, pathologist: User, second: User, two_readers: Slide, changes: Any
) -> None:
    read_all(two_readers, pathologist, "tumor", "normal")
    read_all(two_readers, second, "normal", "normal")
    patch = two_readers.patches.get(column=0)
    answer = client_of(lead).put(
        f"/api/v1/patches/{patch.pk}/adjudication/", adjudication(patch, **changes), format="json"
    )
    assert answer.status_code == 409
    assert Adjudication.objects.count() == 0


def test_readers_do_not_judge_their_own_slide_but_a_named_adjudicator_does(
    client_of: ClientOf, lead: User, pathologist: User, second: User, two_readers: Slide
) -> None:
    read_all(two_readers, pathologist, "tumor", "normal")
    read_all(two_readers, second, "normal", "normal")
    judge = add_member(make_user("judge"), two_readers.project, Role.PATHOLOGIST)
    address = f"/api/v1/slides/{two_readers.pk}/disagreements/"
    assert client_of(judge).get(address).status_code == 403
    assign(two_readers, judge, "adjudicator", lead)
    assert client_of(judge).get(address).status_code == 200
    assert client_of(pathologist).get(address).status_code == 403
    assert client_of(judge).get(f"/slides/{two_readers.pk}/disagreement/").status_code == 200
