"""The lead's pages in the admin site, and who may reach them."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Project, Role, User
from tests.factories import make_case, make_project, make_slide, make_synthetic_slide
from tests.training.builders import (
    change,
    make_checkpoint,
    make_dataset,
    make_done_generator,
    make_done_run,
    make_labelled_case,
    make_mil_run,
    make_running,
)
from training.admin.forms import ConfigForm
from training.learning.presets import PRESET_KEYS
from training.models import Dataset, Publication, Run
from training.services import create_run

ClientOf = Callable[[User], Any]

pytestmark = pytest.mark.usefixtures("sent")


def text(response: Any) -> str:
    assert response.status_code == 200, response
    return str(response.content.decode())


def config_data(kind: str, **changes: Any) -> dict[str, Any]:
    """What the browser sends of an untouched form."""
    form = ConfigForm(kind, "paper")
    values = {f"{kind}-{name}": form[name].value() for name in form.fields}
    on = {key: "on" if value is True else value for key, value in values.items() if value is not False}
    return on | {f"{kind}-{key}": value for key, value in changes.items()}


def test_the_freeze_page_shows_cases_classes_and_what_speaks_against_it(
    client_of: ClientOf, project: Project, lead: User
) -> None:
    make_labelled_case(project, "Case 01", "TTT", "TN")
    page = text(client_of(lead).get("/admin/training/dataset/freeze/"))
    assert "HE has one class only: 3 tumour and 0 normal patches." in page
    assert "Only one case (Case 01) is labelled." in page
    assert "Case 01" in page


def test_freezing_on_the_page(client_of: ClientOf, project: Project, lead: User) -> None:
    for number in range(1, 4):
        make_labelled_case(project, f"Case 0{number}")
    client = client_of(lead)
    recounted = text(client.post("/admin/training/dataset/freeze/", {"split-0": "validation", "recount": "1"}))
    assert '<option value="validation" selected>' in recounted
    assert not Dataset.objects.exists()
    chosen = {"split-0": "validation", "split-1": "train", "split-2": "test", "freeze": "1", "note": "by hand"}
    answer = client.post("/admin/training/dataset/freeze/", chosen)
    dataset = Dataset.objects.get()
    assert answer.headers["Location"] == f"/admin/training/dataset/{dataset.pk}/change/"
    assert dataset.splits == {"train": ["Case 02"], "validation": ["Case 01"], "test": ["Case 03"]}
    assert dataset.note == "by hand"
    page = text(client.get(answer.headers["Location"]))
    assert dataset.manifest_sha256 in page
    assert "No independent validation." not in page


def test_a_single_case_needs_the_box(client_of: ClientOf, project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    client = client_of(lead)
    refused = text(client.post("/admin/training/dataset/freeze/", {"split-0": "train", "freeze": "1"}))
    assert "confirm that there is no independent validation" in refused
    assert not Dataset.objects.exists()
    client.post("/admin/training/dataset/freeze/", {"split-0": "train", "freeze": "1", "confirm": "on"})
    dataset = Dataset.objects.get()
    assert not dataset.independent_validation
    assert "No independent validation." in text(client.get(f"/admin/training/dataset/{dataset.pk}/change/"))


def test_the_launch_page_has_every_key_with_its_meaning_and_the_papers_value(
    client_of: ClientOf, project: Project, lead: User
) -> None:
    make_dataset(project, lead)
    page = text(client_of(lead).get("/admin/training/run/launch/mil/"))
    form = ConfigForm("mil", "paper")
    for name, field in form.fields.items():
        assert f'name="mil-{name}"' in page
        assert field.help_text
    assert 'value="0.0001"' in page
    assert "as in the paper" in page
    assert form.changed == 0


def test_a_preset_fills_the_form_and_marks_what_is_not_the_papers(
    client_of: ClientOf, project: Project, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_dataset(project, lead)
    monkeypatch.setitem(PRESET_KEYS["tiny"], "mil", {"epochs": 2, "width": 8})
    page = text(client_of(lead).get("/admin/training/run/launch/mil/?preset=tiny"))
    assert "2 keys differ from the paper" in page
    assert page.count('class="config-row differs"') == 2
    assert client_of(lead).get("/admin/training/run/launch/mil/?preset=huge").status_code == 404


def test_launching_a_classifier(client_of: ClientOf, project: Project, lead: User, sent: list[list[int]]) -> None:
    dataset = make_dataset(project, lead)
    data = config_data("mil", epochs="3", stages="1, 1, 1, 1") | {"dataset": dataset.pk, "stain": "KI67"}
    answer = client_of(lead).post("/admin/training/run/launch/mil/", data)
    run = Run.objects.get()
    assert answer.headers["Location"] == f"/admin/training/run/{run.pk}/change/"
    assert (run.stain, run.config["epochs"], run.config["stages"]) == ("KI67", 3, [1, 1, 1, 1])
    assert run.config["learning_rate"] == 0.0001
    assert sent == [[run.pk]]


def test_a_key_out_of_range_is_said_beside_it(
    client_of: ClientOf, project: Project, lead: User, sent: list[list[int]]
) -> None:
    dataset = make_dataset(project, lead)
    data = config_data("mil", epochs="0") | {"dataset": dataset.pk, "stain": "HE"}
    page = text(client_of(lead).post("/admin/training/run/launch/mil/", data))
    assert "epochs is 0; expected 1 or more." in page
    assert not Run.objects.exists()
    assert sent == []


def test_launching_the_whole_chain(client_of: ClientOf, project: Project, lead: User, sent: list[list[int]]) -> None:
    dataset, slide = make_dataset(project, lead), make_slide(make_case(project, "Case 03"), "HE")
    data = {"dataset": dataset.pk, "slide": slide.pk}
    data |= config_data("mil", epochs="2") | config_data("cyclegan", ngf="16") | config_data("synthesis")
    client_of(lead).post("/admin/training/run/launch/chain/", data)
    runs = list(Run.objects.order_by("pk"))
    assert [run.kind for run in runs] == ["mil", "mil", "cyclegan", "synthesis"]
    assert [run.config.get("epochs") for run in runs] == [2, 2, 100, None]
    assert runs[2].config["ngf"] == 16
    assert sent == [[run.pk for run in runs]]


def test_another_projects_choices_are_not_offered_and_not_taken(
    client_of: ClientOf, project: Project, lead: User, other_lead: User, sent: list[list[int]]
) -> None:
    make_dataset(project, lead)
    other = other_lead.memberships.get().project
    foreign = make_dataset(other, other_lead)
    client = client_of(lead)
    page = text(client.get("/admin/training/run/launch/mil/"))
    assert f'<option value="{foreign.pk}"' not in page
    data = config_data("mil") | {"dataset": foreign.pk, "stain": "HE"}
    assert "Select a valid choice" in text(client.post("/admin/training/run/launch/mil/", data))
    assert not Run.objects.exists()
    assert sent == []


def test_what_cannot_be_launched_yet_says_what_is_missing(client_of: ClientOf, project: Project, lead: User) -> None:
    page = text(client_of(lead).get("/admin/training/run/launch/"))
    assert "There is no frozen data set yet." in page
    assert "Nothing to choose from yet: Data set, Slide." in page


def test_a_lead_of_two_projects_is_asked_which(client_of: ClientOf, project: Project, lead: User) -> None:
    second = make_project("Second study", slug="second-study", members={lead: Role.LEAD})
    for address in ("dataset/freeze/", "run/launch/", "run/launch/chain/"):
        page = text(client_of(lead).get(f"/admin/training/{address}"))
        assert "?project=breast-study" in page
        assert f"?project={second.slug}" in page


def test_the_page_of_a_run(client_of: ClientOf, project: Project, lead: User) -> None:
    run = make_running(make_mil_run(project, lead), worker="gpu@one", progress={"step": 1, "total": 4})
    make_checkpoint(run)
    change(run, config=run.config | {"epochs": 3}, independent_validation=False)
    response = client_of(lead).get(f"/admin/training/run/{run.pk}/change/")
    page = text(response)
    assert response.context["payload"]["progress"] == {"step": 1, "total": 4}
    assert "No independent validation." in page
    assert run.dataset is not None
    assert f"set 1 · {run.dataset.manifest_sha256[:8]}" in page
    assert "<code>epochs</code>" in page
    assert "<script>" not in page


def test_the_page_of_a_synthesis_says_synthetic(client_of: ClientOf, project: Project, lead: User) -> None:
    generator, source = make_done_generator(project, lead), make_slide(make_case(project, "Case 03"), "HE")
    run = create_run(project, "synthesis", lead, generator_run=generator, slide=source, preset="tiny")
    synthetic = make_synthetic_slide(source)
    change(run, status=Run.Status.SUCCEEDED, inputs={"generator": synthetic.generator_sha256})
    client = client_of(lead)
    page = text(client.get(f"/admin/training/run/{run.pk}/change/"))
    assert "SYNTHETIC" in page
    assert f"run {generator.pk}, epoch 1" in page
    published = client.post(f"/admin/training/run/{run.pk}/publish/")
    assert published.status_code == 302
    assert Publication.objects.get().published_by == lead
    client.post(f"/admin/training/run/{run.pk}/withdraw/", {"reason": ""})
    assert Publication.objects.get().withdrawn_at is None
    client.post(f"/admin/training/run/{run.pk}/withdraw/", {"reason": "seams"})
    assert Publication.objects.get().reason == "seams"
    assert "seams" in text(client.get("/admin/training/publication/"))


def test_cancel_and_resume_on_the_page(
    client_of: ClientOf, project: Project, lead: User, sent: list[list[int]]
) -> None:
    run, client = make_mil_run(project, lead), client_of(lead)
    assert client.get(f"/admin/training/run/{run.pk}/cancel/").status_code == 405
    client.post(f"/admin/training/run/{run.pk}/cancel/")
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
    client.post(f"/admin/training/run/{run.pk}/resume/")
    run.refresh_from_db()
    assert run.status == Run.Status.QUEUED
    assert sent == [[run.pk]]
    page = text(client.post(f"/admin/training/run/{run.pk}/publish/", follow=True))
    assert "has made no slide." in page


def test_lists_hold_the_leads_own_projects_only(
    client_of: ClientOf, project: Project, lead: User, other_lead: User
) -> None:
    mine = make_done_run(project, lead)
    theirs = make_done_run(other_lead.memberships.get().project, other_lead)
    for user, own, foreign in ((lead, mine, theirs), (other_lead, theirs, mine)):
        client = client_of(user)
        runs, sets = text(client.get("/admin/training/run/")), text(client.get("/admin/training/dataset/"))
        assert f"/admin/training/run/{own.pk}/change/" in runs
        assert f"/admin/training/run/{foreign.pk}/change/" not in runs
        assert foreign.project.name not in runs + sets
        assert f"/admin/training/dataset/{foreign.dataset_id}/change/" not in sets


def test_nobody_else_reaches_the_pages_of_a_run(
    client_of: ClientOf,
    project: Project,
    lead: User,
    other_lead: User,
    site_admin: User,
    pathologist: User,
    clinician: User,
    outsider: User,
    sent: list[list[int]],
) -> None:
    run = make_mil_run(project, lead)
    gets = [f"run/{run.pk}/change/", f"dataset/{run.dataset_id}/change/"]
    gets += [f"{page}?project=breast-study" for page in ("dataset/freeze/", "run/launch/", "run/launch/mil/")]
    posts = [f"run/{run.pk}/{verb}/" for verb in ("cancel", "resume", "publish", "withdraw")]
    posts += ["dataset/freeze/?project=breast-study", "run/launch/mil/?project=breast-study"]
    expected = {other_lead: 404, site_admin: 403, pathologist: 403, clinician: 403, outsider: 403}
    for user, status in expected.items():
        client = client_of(user)
        for address in gets:
            answer = client.get(f"/admin/training/{address}", follow=True)
            assert answer.status_code == status, (user, address)
        for address in posts:
            answer = client.post(f"/admin/training/{address}", {"freeze": "1"}, follow=True)
            assert answer.status_code == status, (user, address)
    run.refresh_from_db()
    assert (run.status, run.cancel_requested_at) == (Run.Status.QUEUED, None)
    assert Run.objects.count() == 1
    assert Dataset.objects.count() == 1
    assert sent == []


def test_who_has_not_signed_in_is_sent_to_the_one_login_page(client: Any, db: None) -> None:
    answer = client.get("/admin/training/run/", follow=True)
    assert answer.redirect_chain[-1][0] == "/accounts/login/?next=/admin/training/run/"


def test_rows_are_not_edited_or_deleted_by_hand(client_of: ClientOf, project: Project, lead: User) -> None:
    run, client = make_mil_run(project, lead), client_of(lead)
    for address in (f"run/{run.pk}/delete/", f"dataset/{run.dataset_id}/delete/", "run/add/", "dataset/add/"):
        assert client.post(f"/admin/training/{address}", {"post": "yes"}).status_code == 403, address
    assert Run.objects.count() == 1
    assert Dataset.objects.count() == 1
