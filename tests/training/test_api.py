"""Data sets, runs and publications over HTTP, and who may reach them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.models import Project, User
from tests.factories import make_case, make_slide, make_synthetic_slide
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
from training.models import Dataset, Publication, Run
from training.services import create_run, publish

ClientOf = Callable[[User], Any]

pytestmark = pytest.mark.usefixtures("sent")


def test_a_lead_freezes_and_sees_the_set(client_of: ClientOf, project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    make_labelled_case(project, "Case 02")
    client = client_of(lead)
    answer = client.post("/api/v1/datasets/", {"project": "breast-study", "note": "first"}, format="json")
    assert answer.status_code == 201, answer.json()
    assert answer.json()["number"] == 1
    assert answer.json()["splits"] == {"train": ["Case 01"], "validation": ["Case 02"], "test": []}
    listed = client.get("/api/v1/datasets/?project=breast-study").json()["results"]
    assert [row["id"] for row in listed] == [answer.json()["id"]]


def test_a_freeze_that_needs_a_confirmation_says_so(client_of: ClientOf, project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    client = client_of(lead)
    answer = client.post("/api/v1/datasets/", {"project": "breast-study"}, format="json")
    assert answer.status_code == 400
    assert answer.json()["extra"]["needs_confirmation"] is True
    assert not Dataset.objects.exists()
    confirmed = {"project": "breast-study", "confirm_no_independent_validation": True}
    answer = client.post("/api/v1/datasets/", confirmed, format="json")
    assert answer.status_code == 201
    assert answer.json()["independent_validation"] is False


def test_an_unknown_split_is_a_400(client_of: ClientOf, project: Project, lead: User) -> None:
    asked = {"project": "breast-study", "splits": {"Case 01": "practice"}}
    answer = client_of(lead).post("/api/v1/datasets/", asked, format="json")
    assert answer.status_code == 400
    assert not Dataset.objects.exists()


def test_a_run_is_made_and_sent(client_of: ClientOf, project: Project, lead: User, sent: list[list[int]]) -> None:
    dataset = make_dataset(project, lead)
    asked = {
        "project": "breast-study",
        "kind": "mil",
        "dataset": dataset.pk,
        "stain": "HE",
        "preset": "tiny",
        "config": {"epochs": 2},
    }
    answer = client_of(lead).post("/api/v1/runs/", asked, format="json")
    assert answer.status_code == 201, answer.json()
    run = Run.objects.get()
    assert (answer.json()["id"], answer.json()["status"]) == (run.pk, "queued")
    assert (run.config["epochs"], run.created_by) == (2, lead)
    assert sent == [[run.pk]]


def test_a_chain_is_made_and_sent_as_one(
    client_of: ClientOf, project: Project, lead: User, sent: list[list[int]]
) -> None:
    make_dataset(project, lead)
    slide = make_slide(make_case(project), "HE")
    asked = {"project": "breast-study", "preset": "tiny", "slide": slide.pk, "publish": True}
    answer = client_of(lead).post("/api/v1/runs/chain/", asked, format="json")
    assert answer.status_code == 201, answer.json()
    assert [row["kind"] for row in answer.json()] == ["mil", "mil", "cyclegan", "synthesis"]
    assert sent == [[row["id"] for row in answer.json()]]


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "mil", "stain": "HE"},
        {"kind": "dream"},
        {"kind": "mil", "stain": "HE", "preset": "huge"},
        {"kind": "mil", "stain": "HE", "config": {"epoch": 3}},
    ],
)
def test_a_run_that_makes_no_sense_is_a_400(
    client_of: ClientOf, project: Project, lead: User, asked: dict[str, Any], sent: list[list[int]]
) -> None:
    answer = client_of(lead).post("/api/v1/runs/", {"project": "breast-study"} | asked, format="json")
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert not Run.objects.exists()
    assert sent == []


def test_foreign_inputs_are_404(client_of: ClientOf, project: Project, lead: User, outsider: User) -> None:
    foreign = make_dataset(outsider.memberships.get().project, outsider)
    asked = {"project": "breast-study", "kind": "mil", "dataset": foreign.pk, "stain": "HE"}
    assert client_of(lead).post("/api/v1/runs/", asked, format="json").status_code == 404
    assert not Run.objects.exists()


def test_a_run_shows_all_that_its_page_needs(client_of: ClientOf, project: Project, lead: User) -> None:
    run = make_running(make_mil_run(project, lead), worker="gpu@one", progress={"step": 5, "total": 10})
    make_checkpoint(run)
    change(run, previews={"1": "runs/x/previews/1.jpg"})
    shown = client_of(lead).get(f"/api/v1/runs/{run.pk}/").json()
    assert shown["title"] == f"Run {run.pk} · MIL classifier, HE"
    assert (shown["status"], shown["silent"], shown["cancelling"]) == ("running", False, False)
    assert shown["progress"] == {"step": 5, "total": 10}
    assert [row["epoch"] for row in shown["checkpoints"]] == [1]
    assert shown["previews"] == [{"epoch": 1, "url": f"/runs/{run.pk}/previews/1.jpg"}]
    assert [(step["name"], step["state"]) for step in shown["steps"]] == [
        ("Labels", "done"),
        ("Training", "on"),
        ("Best epoch", "waiting"),
    ]
    assert shown["can"] == {"cancel": True, "resume": False, "publish": False, "withdraw": False}
    assert shown["product"] is None


def test_a_silent_run_says_so(client_of: ClientOf, project: Project, lead: User) -> None:
    run = make_running(make_mil_run(project, lead), heard_seconds_ago=3600)
    shown = client_of(lead).get(f"/api/v1/runs/{run.pk}/").json()
    assert shown["silent"] is True
    assert shown["can"]["resume"] is True


def test_metrics_are_columns(client_of: ClientOf, project: Project, lead: User) -> None:
    run = make_mil_run(project, lead)
    run.metrics.create(attempt=1, epoch=1, values={"loss": 0.5})
    shown = client_of(lead).get(f"/api/v1/runs/{run.pk}/metrics/").json()
    assert shown == {"epochs": [1], "series": {"loss": [0.5]}}


def test_cancel_and_resume(client_of: ClientOf, project: Project, lead: User, sent: list[list[int]]) -> None:
    run, client = make_mil_run(project, lead), client_of(lead)
    assert client.post(f"/api/v1/runs/{run.pk}/cancel/").json()["status"] == "cancelled"
    assert client.post(f"/api/v1/runs/{run.pk}/cancel/").status_code == 409
    assert client.post(f"/api/v1/runs/{run.pk}/resume/").json()["status"] == "queued"
    assert sent == [[run.pk]]


def test_publish_and_withdraw(client_of: ClientOf, project: Project, lead: User) -> None:
    synthetic, client = make_synthetic_slide(make_slide(make_case(project), "HE")), client_of(lead)
    assert client.post(f"/api/v1/slides/{synthetic.pk}/publish/").json()["published_by"] == "lead"
    assert client.post(f"/api/v1/slides/{synthetic.pk}/withdraw/", {}, format="json").status_code == 400
    reason = {"reason": "seams"}
    answer = client.post(f"/api/v1/slides/{synthetic.pk}/withdraw/", reason, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (200, "seams")
    assert client.post(f"/api/v1/slides/{synthetic.pk}/withdraw/", reason, format="json").status_code == 409
    synthetic.refresh_from_db()
    assert synthetic.published_at is None


def test_the_product_of_a_synthesis_shows_its_history(client_of: ClientOf, project: Project, lead: User) -> None:
    generator, source = make_done_generator(project, lead), make_slide(make_case(project, "Case 03"), "HE")
    run = create_run(project, "synthesis", lead, generator_run=generator, slide=source, preset="tiny")
    synthetic = make_synthetic_slide(source)
    change(run, status=Run.Status.SUCCEEDED, inputs={"generator": synthetic.generator_sha256})
    publish(synthetic, lead)
    shown = client_of(lead).get(f"/api/v1/runs/{run.pk}/").json()
    assert shown["product"]["title"] == "Case 03 · Ki-67 · SYNTHETIC"
    assert [row["published_by"] for row in shown["product"]["history"]] == ["lead"]
    assert shown["can"]["withdraw"] is True


def test_previews_and_manifest_are_files_for_leads(
    client_of: ClientOf, project: Project, lead: User, pathologist: User, outsider: User
) -> None:
    run = make_mil_run(project, lead)
    default_storage.save("runs/x/previews/1.jpg", ContentFile(b"picture"))
    change(run, previews={"1": "runs/x/previews/1.jpg"})
    preview, manifest = f"/runs/{run.pk}/previews/1.jpg", f"/datasets/{run.dataset_id}/manifest.jsonl"
    answer = client_of(lead).get(preview)
    assert (b"".join(answer.streaming_content), answer["Content-Type"]) == (b"picture", "image/jpeg")
    assert b"counterstain-manifest" in b"".join(client_of(lead).get(manifest).streaming_content)
    assert client_of(lead).get(f"/runs/{run.pk}/previews/2.jpg").status_code == 404
    for address in (preview, manifest):
        assert client_of(pathologist).get(address).status_code == 403
        assert client_of(outsider).get(address).status_code == 404


def test_nobody_else_reaches_a_run(
    client_of: ClientOf,
    project: Project,
    lead: User,
    pathologist: User,
    clinician: User,
    outsider: User,
    other_lead: User,
    site_admin: User,
) -> None:
    run = make_done_run(project, lead)
    synthetic = make_synthetic_slide(make_slide(make_case(project), "HE"), published=True)
    gets = [f"/api/v1/runs/{run.pk}/", f"/api/v1/runs/{run.pk}/metrics/", "/api/v1/runs/?project=breast-study"]
    posts = [f"/api/v1/runs/{run.pk}/cancel/", f"/api/v1/runs/{run.pk}/resume/"]
    posts += [f"/api/v1/slides/{synthetic.pk}/publish/", f"/api/v1/slides/{synthetic.pk}/withdraw/"]
    made: dict[str, dict[str, Any]] = {
        "/api/v1/runs/": {"project": "breast-study", "kind": "mil"},
        "/api/v1/runs/chain/": {"project": "breast-study", "slide": 1},
        "/api/v1/datasets/": {"project": "breast-study"},
    }
    expected = {pathologist: 403, clinician: 403, site_admin: 403, outsider: 404, other_lead: 404}
    for user, status in expected.items():
        client = client_of(user)
        for address in gets:
            assert client.get(address).status_code == status, (user, address)
        for address in posts:
            assert client.post(address, {"reason": "seams"}, format="json").status_code == status, (user, address)
        for address, body in made.items():
            assert client.post(address, body, format="json").status_code == status, (user, address)
        assert client.get("/api/v1/runs/").json()["results"] == []
        assert client.get("/api/v1/datasets/").json()["results"] == []
    assert Run.objects.count() == 1
    assert not Publication.objects.exists()


def test_nobody_reaches_anything_without_signing_in(client: Any, project: Project, lead: User) -> None:
    run = make_done_run(project, lead)
    assert client.get(f"/api/v1/runs/{run.pk}/").status_code == 401
    assert client.get(f"/runs/{run.pk}/previews/1.jpg").status_code == 302
