import csv
import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Project, Role, User
from annotation.models import GridSettings, LargePatch, SlideGrid, WeakLabel
from tests.annotation.conftest import give
from tests.conftest import SiteClient
from tests.factories import add_member, make_case, make_patch, make_slide_without_mpp, make_synthetic_slide, make_user
from viewer.models import Slide

ClientOf = Callable[[User], SiteClient]


def put(client: SiteClient, patch_pk: int, **decision: Any) -> Any:
    decision = {"value": "tumor", "uuid": str(uuid4()), "seen": None, **decision}
    return client.put(f"/api/v1/patches/{patch_pk}/label/", decision, format="json")


def test_a_pathologist_labels_a_patch(client_of: ClientOf, pathologist: User, patch: LargePatch) -> None:
    answer = put(client_of(pathologist), patch.pk, milliseconds=640, route="key")
    label = WeakLabel.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "id": label.pk,
        "patch": patch.pk,
        "value": "tumor",
        "created_at": label.created_at.isoformat().replace("+00:00", "Z"),
    }
    assert (label.reader, label.milliseconds, label.route) == (pathologist, 640, "key")


def test_a_withdrawn_label_leaves_the_patch_to_be_labelled(
    client_of: ClientOf, pathologist: User, patch: LargePatch
) -> None:
    client = client_of(pathologist)
    first = put(client, patch.pk).json()
    answer = put(client, patch.pk, value=None, seen=first["id"])
    assert answer.status_code == 200
    assert answer.json()["value"] is None
    assert client.get(f"/api/v1/slides/{patch.slide_id}/labelling/").json()["counts"]["left"] == 2


def test_the_same_request_twice_gives_the_same_answer(
    client_of: ClientOf, pathologist: User, patch: LargePatch
) -> None:
    client, uuid = client_of(pathologist), str(uuid4())
    assert put(client, patch.pk, uuid=uuid).json() == put(client, patch.pk, uuid=uuid).json()
    assert WeakLabel.objects.count() == 1


def test_a_label_that_was_not_seen_gets_409_with_the_current_one(
    client_of: ClientOf, pathologist: User, patch: LargePatch
) -> None:
    standing = give(patch, "normal", pathologist)
    answer = put(client_of(pathologist), patch.pk)
    assert answer.status_code == 409
    assert answer.json()["extra"] == {"current": {"id": standing.pk, "value": "normal"}}
    assert list(WeakLabel.objects.all()) == [standing]


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        ({"value": "tumour"}, "expected tumor, normal, unsure, exclude, or null"),
        ({"value": ""}, "value"),
        ({"uuid": "not-a-uuid"}, "uuid"),
        ({"seen": "first"}, "seen"),
        ({"milliseconds": -5}, "milliseconds"),
        ({"route": "demo"}, "route"),
        ({"route": "telepathy"}, "route"),
    ],
)
def test_a_malformed_decision_is_refused_by_name_and_nothing_changes(
    client_of: ClientOf, pathologist: User, patch: LargePatch, decision: dict[str, Any], told: str
) -> None:
    answer = put(client_of(pathologist), patch.pk, **decision)
    assert answer.status_code == 400
    assert told in answer.json()["message"]
    assert WeakLabel.objects.count() == 0


@pytest.mark.parametrize("missing", ["value", "uuid", "seen"])
def test_a_decision_names_its_value_its_uuid_and_what_was_seen(
    client_of: ClientOf, pathologist: User, patch: LargePatch, missing: str
) -> None:
    decision = {"value": "tumor", "uuid": str(uuid4()), "seen": None}
    del decision[missing]
    answer = client_of(pathologist).put(f"/api/v1/patches/{patch.pk}/label/", decision, format="json")
    assert answer.status_code == 400
    assert missing in answer.json()["extra"]["fields"]
    assert WeakLabel.objects.count() == 0


def test_a_patch_of_another_project_does_not_exist(client_of: ClientOf, pathologist: User, patch: LargePatch) -> None:
    foreign = make_patch()
    assert put(client_of(pathologist), foreign.pk).status_code == 404
    assert put(client_of(pathologist), 10**30).status_code == 404
    assert WeakLabel.objects.count() == 0


def test_an_outsider_is_not_told_that_the_patch_exists(client_of: ClientOf, outsider: User, patch: LargePatch) -> None:
    assert put(client_of(outsider), patch.pk).status_code == 404
    assert client_of(outsider).get(f"/api/v1/patches/{patch.pk}/labels/").status_code == 404
    assert WeakLabel.objects.count() == 0


@pytest.mark.parametrize("member", ["lead", "clinician", "site_admin"])
def test_who_is_no_pathologist_does_not_label(
    client_of: ClientOf, request: pytest.FixtureRequest, patch: LargePatch, member: str
) -> None:
    assert put(client_of(request.getfixturevalue(member)), patch.pk).status_code == 403
    assert WeakLabel.objects.count() == 0


def test_a_reader_whose_role_was_taken_away_is_refused(
    client_of: ClientOf, pathologist: User, patch: LargePatch
) -> None:
    client = client_of(pathologist)
    first = put(client, patch.pk).json()
    Membership.objects.filter(user=pathologist).delete()
    assert put(client, patch.pk, value="normal", seen=first["id"]).status_code == 404
    assert WeakLabel.objects.get().value == "tumor"


def test_a_stranger_is_asked_to_sign_in(patch: LargePatch) -> None:
    assert put(SiteClient(), patch.pk).status_code == 401
    assert WeakLabel.objects.count() == 0


def test_a_patch_of_a_synthetic_slide_does_not_exist_for_labelling(
    client_of: ClientOf, pathologist: User, patch: LargePatch
) -> None:
    synthetic = make_patch(make_synthetic_slide(patch.slide, published=True))
    assert put(client_of(pathologist), synthetic.pk).status_code == 404
    assert WeakLabel.objects.count() == 0


def test_a_label_costs_six_queries(client_of: ClientOf, pathologist: User, patch: LargePatch) -> None:
    client = client_of(pathologist)
    put(client, patch.slide.patches.get(column=1).pk)
    with CaptureQueriesContext(connection) as queries:
        put(client, patch.pk)
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    # Session, user, patch, roles; own rows, new row.
    assert len(statements) == 6


def test_the_labelling_payload_lists_the_grid_with_the_readers_own_labels(
    client_of: ClientOf, pathologist: User, gridded_slide: Slide, patch: LargePatch
) -> None:
    colleague = add_member(make_user(), gridded_slide.project, Role.PATHOLOGIST)
    give(patch, "normal", colleague)
    own = give(patch, "tumor", pathologist)
    payload = client_of(pathologist).get(f"/api/v1/slides/{gridded_slide.pk}/labelling/").json()
    assert payload["grid"] == {
        "columns": 3,
        "rows": 1,
        "size_l0": 128,
        "otsu_threshold": 20.0,
        "target_mpp": 0.25,
        "patch_px": 128,
        "resampled": False,
        "note": "",
    }
    assert payload["patches"][0] == {
        "id": patch.pk,
        "column": 0,
        "row": 0,
        "x": 0,
        "y": 0,
        "size": 128,
        "tissue_share": 1.0,
        "offered": True,
        "by_otsu": True,
        "asked": True,
        "flagged": False,
        "label": "tumor",
        "label_id": own.pk,
    }
    assert [row["offered"] for row in payload["patches"]] == [True, True, False]
    assert [row["label"] for row in payload["patches"]] == ["tumor", None, None]
    assert payload["counts"] == {"tumor": 1, "normal": 0, "unsure": 0, "exclude": 0, "left": 1, "total": 2}
    assert (payload["can_label"], payload["reader"]) == (True, "pathologist")
    assert payload["slide"]["id"] == gridded_slide.pk
    assert payload["slide"]["resampled_note"] == ""


def test_a_withdrawn_label_is_named_so_that_the_next_one_has_seen_it(
    client_of: ClientOf, pathologist: User, patch: LargePatch
) -> None:
    give(patch, "tumor", pathologist)
    withdrawn = give(patch, None, pathologist)
    client = client_of(pathologist)
    row = client.get(f"/api/v1/slides/{patch.slide_id}/labelling/").json()["patches"][0]
    assert (row["label"], row["label_id"]) == (None, withdrawn.pk)
    assert put(client, patch.pk, seen=withdrawn.pk).status_code == 200


@pytest.mark.parametrize("member", ["lead", "clinician", "site_admin"])
def test_who_is_no_pathologist_sees_the_grid_but_may_not_label(
    client_of: ClientOf, request: pytest.FixtureRequest, gridded_slide: Slide, member: str
) -> None:
    answer = client_of(request.getfixturevalue(member)).get(f"/api/v1/slides/{gridded_slide.pk}/labelling/")
    assert answer.status_code == 200
    assert answer.json()["can_label"] is False


def test_a_resampled_slide_says_so(client_of: ClientOf, lead: User, gridded_slide: Slide) -> None:
    SlideGrid.objects.update(resampled=True, target_mpp=0.5)
    payload = client_of(lead).get(f"/api/v1/slides/{gridded_slide.pk}/labelling/").json()
    assert payload["slide"]["resampled_note"] == (
        "Patches are cut at 0.5 µm per pixel and this slide has 0.25: its pixels are resampled."
    )


def test_the_grid_is_laid_at_the_first_call(client_of: ClientOf, pathologist: User, slide: Slide) -> None:
    payload = client_of(pathologist).get(f"/api/v1/slides/{slide.pk}/labelling/").json()
    assert len(payload["patches"]) == 20
    assert payload["counts"]["total"] == 4
    assert SlideGrid.objects.get().slide == slide


def test_a_slide_without_mpp_says_what_to_do(client_of: ClientOf, pathologist: User, project: Project) -> None:
    slide = make_slide_without_mpp(make_case(project))
    for address in (f"/api/v1/slides/{slide.pk}/labelling/", f"/api/v1/patches/?slide={slide.pk}"):
        answer = client_of(pathologist).get(address)
        assert answer.status_code == 400
        assert "A project lead supplies its mpp first" in answer.json()["message"]
    assert not SlideGrid.objects.exists()


def test_a_synthetic_slide_is_never_offered_for_labelling(
    client_of: ClientOf, pathologist: User, gridded_slide: Slide
) -> None:
    published = make_synthetic_slide(gridded_slide, published=True)
    answer = client_of(pathologist).get(f"/api/v1/slides/{published.pk}/labelling/")
    assert answer.status_code == 400
    assert "only real slides are labelled" in answer.json()["message"]
    hidden = make_synthetic_slide(gridded_slide)
    assert client_of(pathologist).get(f"/api/v1/slides/{hidden.pk}/labelling/").status_code == 403


def test_patches_are_listed_row_by_row_a_page_at_a_time(
    client_of: ClientOf, clinician: User, gridded_slide: Slide
) -> None:
    answer = client_of(clinician).get(f"/api/v1/patches/?slide={gridded_slide.pk}").json()
    assert (answer["count"], answer["next"]) == (3, None)
    assert [row["column"] for row in answer["results"]] == [0, 1, 2]
    assert answer["results"][1]["x_l0"] == 128


@pytest.mark.parametrize("query", ["", "?slide=", "?slide=first", "?slide=-1"])
def test_a_list_of_patches_asks_for_its_slide(client_of: ClientOf, lead: User, project: Project, query: str) -> None:
    answer = client_of(lead).get(f"/api/v1/patches/{query}")
    assert answer.status_code == 400
    assert "patches/?slide=12" in answer.json()["message"]


def test_patches_of_another_project_do_not_exist(client_of: ClientOf, outsider: User, gridded_slide: Slide) -> None:
    assert client_of(outsider).get(f"/api/v1/patches/?slide={gridded_slide.pk}").status_code == 404
    assert client_of(outsider).get(f"/api/v1/slides/{gridded_slide.pk}/labelling/").status_code == 404


def test_a_reader_sees_the_own_history_and_a_lead_sees_all(
    client_of: ClientOf, pathologist: User, lead: User, clinician: User, patch: LargePatch
) -> None:
    colleague = add_member(make_user("colleague"), patch.slide.project, Role.PATHOLOGIST)
    first = give(patch, "tumor", pathologist)
    give(patch, "normal", colleague)
    give(patch, None, pathologist)

    def history(user: User) -> list[tuple[str, str | None, int | None]]:
        rows = client_of(user).get(f"/api/v1/patches/{patch.pk}/labels/").json()["results"]
        return [(row["reader"], row["value"], row["replaces"]) for row in rows]

    assert history(pathologist) == [("pathologist", "tumor", None), ("pathologist", None, first.pk)]
    assert history(lead) == [
        ("pathologist", "tumor", None),
        ("colleague", "normal", None),
        ("pathologist", None, first.pk),
    ]
    assert history(clinician) == []


def rows_of(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_a_lead_exports_the_current_labels(
    client_of: ClientOf, pathologist: User, lead: User, project: Project, patch: LargePatch
) -> None:
    give(patch, "normal", pathologist)
    current = give(patch, "tumor", pathologist)
    give(patch.slide.patches.get(column=1), "tumor", pathologist)
    give(patch.slide.patches.get(column=1), None, pathologist)
    answer = client_of(lead).get(f"/api/v1/labels/export/?project={project.slug}", HTTP_ACCEPT="text/csv")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="labels-breast-study.csv"'
    [row] = rows_of(answer)
    assert row == {
        "slide": str(patch.slide_id),
        "case": patch.slide.case.name,
        "stain": "HE",
        "column": "0",
        "row": "0",
        "x_l0": "0",
        "y_l0": "0",
        "size_l0": "128",
        "reader": "pathologist",
        "value": "tumor",
        "created_at": current.created_at.isoformat(),
        "slide_sha256": patch.slide.content_sha256,
        "flagged": "",
        "comments": "",
    }


def test_a_name_that_a_spreadsheet_would_run_is_exported_as_text(
    client_of: ClientOf, lead: User, project: Project, patch: LargePatch
) -> None:
    give(patch, "tumor", add_member(make_user("+SUM.1"), project, Role.PATHOLOGIST))
    answer = client_of(lead).get(f"/api/v1/labels/export/?project={project.slug}")
    [row] = rows_of(answer)
    assert row["reader"] == "'+SUM.1"


@pytest.mark.parametrize(("member", "status"), [("clinician", 403), ("outsider", 404)])
def test_only_leads_and_readers_export(
    client_of: ClientOf, request: pytest.FixtureRequest, project: Project, member: str, status: int
) -> None:
    client = client_of(request.getfixturevalue(member))
    assert client.get(f"/api/v1/labels/export/?project={project.slug}").status_code == status
    assert client.get("/api/v1/labels/export/?project=no-such").status_code == 404
    assert client.get("/api/v1/labels/export/").status_code == 404


def test_settings_are_made_for_the_project_by_the_first_grid(
    client_of: ClientOf, pathologist: User, slide: Slide, project: Project
) -> None:
    client_of(pathologist).get(f"/api/v1/patches/?slide={slide.pk}")
    assert GridSettings.objects.get(project=project).target_mpp == 0.25
