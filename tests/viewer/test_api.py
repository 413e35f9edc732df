import pytest
from rest_framework.test import APIClient

from tests.factories import (
    make_case,
    make_project,
    make_slide,
    make_slide_without_mpp,
    make_synthetic_slide,
)
from tests.viewer.drawing import draw_png
from viewer.models import Slide, SlideImport

pytestmark = pytest.mark.django_db


@pytest.fixture
def slide(project):
    return make_slide(make_case(project, "Case 01"))


def test_projects_are_listed_with_roles_and_rights(client_of, pathologist, project):
    make_project()
    answer = client_of(pathologist).get("/api/v1/projects/").json()
    assert answer["count"] == 1
    assert answer["results"][0]["roles"] == ["pathologist"]
    assert answer["results"][0]["can"] == ["label", "see_cases"]


def test_cases_are_listed_by_project(client_of, pathologist, project, slide):
    make_case()
    client = client_of(pathologist)
    assert [case["name"] for case in client.get("/api/v1/cases/").json()["results"]] == ["Case 01"]
    assert client.get("/api/v1/cases/?project=breast-study").json()["count"] == 1


def test_slides_are_listed_by_project_and_case(client_of, pathologist, project, slide):
    make_slide(make_case(project, "Case 02"), "KI67")
    make_slide()
    client = client_of(pathologist)
    titles = [row["title"] for row in client.get("/api/v1/slides/").json()["results"]]
    assert titles == ["Case 01 · H&E", "Case 02 · Ki-67"]
    found = client.get("/api/v1/slides/?project=breast-study&case=Case 02").json()["results"]
    assert [row["stain"] for row in found] == ["KI67"]


def test_lists_of_a_foreign_project_are_not_found(client_of, outsider, project):
    client = client_of(outsider)
    for name in ("cases", "slides", "imports"):
        assert client.get(f"/api/v1/{name}/?project=breast-study").status_code == 404


def test_a_slide_says_all_that_a_viewer_needs(client_of, pathologist, slide):
    answer = client_of(pathologist).get(f"/api/v1/slides/{slide.pk}/").json()
    assert answer["tile_url"] == f"/t/{slide.pk}/{slide.version}/{{level}}/{{col}}_{{row}}.jpg"
    assert answer["levels"] == slide.served_levels
    assert (answer["project"], answer["case"], answer["state"]) == ("breast-study", "Case 01", "ready")
    assert "key" not in answer


def test_unpublished_synthetic_slides_are_listed_for_leads_only(client_of, lead, clinician, slide):
    make_synthetic_slide(slide)
    assert client_of(lead).get("/api/v1/slides/").json()["count"] == 2
    assert client_of(clinician).get("/api/v1/slides/").json()["count"] == 1


def test_a_lead_supplies_a_resolution(client_of, lead, project):
    slide = make_slide_without_mpp(make_case(project))
    response = client_of(lead).post(f"/api/v1/slides/{slide.pk}/mpp/", {"mpp": 0.25}, format="json")
    assert response.status_code == 200
    assert (response.json()["mpp"], response.json()["mpp_source"], response.json()["state"]) == (0.25, "hand", "ready")


@pytest.mark.parametrize(("mpp", "status"), [(0.0, 400), ("much", 400), (None, 400), (99, 400)])
def test_a_resolution_that_makes_no_sense_is_refused(client_of, lead, project, mpp, status):
    slide = make_slide_without_mpp(make_case(project))
    response = client_of(lead).post(f"/api/v1/slides/{slide.pk}/mpp/", {"mpp": mpp}, format="json")
    assert response.status_code == status
    assert response.json()["message"]
    slide.refresh_from_db()
    assert slide.mpp is None


def test_overriding_the_file_s_resolution_conflicts(client_of, lead, slide):
    response = client_of(lead).post(f"/api/v1/slides/{slide.pk}/mpp/", {"mpp": 0.5}, format="json")
    assert response.status_code == 409
    assert response.json()["extra"] == {"mpp": 0.25, "mpp_source": "file"}
    slide.refresh_from_db()
    assert slide.mpp == 0.25


# Imports


@pytest.fixture
def import_request(client_of, lead, django_capture_on_commit_callbacks):
    """Return a function that asks for an import as the lead, and lets the worker run."""

    def post(**fields):
        body = {"project": "breast-study", "case": "Case 01", "stain": "HE", **fields}
        with django_capture_on_commit_callbacks(execute=True):
            return client_of(lead).post("/api/v1/imports/", body, format="json")

    return post


def test_an_import_by_path_runs_and_is_followed(import_request, client_of, lead, slide_file):
    response = import_request(path=str(slide_file))
    assert response.status_code == 201
    assert (response.json()["state"], response.json()["case"]) == ("queued", "Case 01")
    assert "Ivanov" not in response.content.decode()
    followed = client_of(lead).get(f"/api/v1/imports/{response.json()['id']}/").json()
    assert (followed["state"], followed["progress"]) == ("done", 1.0)
    assert followed["slide"] == Slide.objects.get().pk


def test_a_failed_import_says_why(import_request, client_of, lead, tmp_path):
    path = tmp_path / "letter.svs"
    path.write_text("Dear colleague,")
    response = import_request(path=str(path))
    followed = client_of(lead).get(f"/api/v1/imports/{response.json()['id']}/").json()
    assert followed["state"] == "failed"
    assert "no slide that can be read" in followed["message"]
    assert not Slide.objects.exists()


def test_an_import_takes_a_resolution_and_drawn_tissue(import_request, tmp_path, lead):
    import_request(path=str(draw_png(tmp_path / "field.png")), mpp=0.25, drawn=True)
    slide = Slide.objects.get()
    assert (slide.mpp, slide.mpp_by, slide.drawn) == (0.25, lead, True)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "missing.svs", "{roots}/../secret.svs", "{roots}/link.svs", "{roots}/link/inner.svs", "a\0b", ""],
)
def test_nothing_outside_the_import_folders_is_reached(import_request, settings, tmp_path, slide_file, path):
    roots = tmp_path / "open"
    roots.mkdir()
    settings.IMPORT_ROOTS = [roots]
    (tmp_path / "secret.svs").write_bytes(slide_file.read_bytes())
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "inner.svs").write_bytes(slide_file.read_bytes())
    (roots / "link.svs").symlink_to(tmp_path / "secret.svs")
    (roots / "link").symlink_to(tmp_path / "closed")
    response = import_request(path=path.format(roots=roots))
    assert response.status_code == 400
    assert not SlideImport.objects.exists()


def test_a_path_outside_is_answered_as_one_that_does_not_exist(import_request, settings, tmp_path):
    settings.IMPORT_ROOTS = [tmp_path / "open"]
    outside, missing = import_request(path="/etc/passwd"), import_request(path="/etc/no-such-file")
    assert outside.json() == missing.json()


def test_without_import_folders_the_api_imports_nothing(import_request, settings, slide_file):
    settings.IMPORT_ROOTS = []
    response = import_request(path=str(slide_file))
    assert response.status_code == 400
    assert "No folder of this server is open to imports" in response.json()["message"]


@pytest.mark.parametrize(
    "fields", [{"stain": "h&e"}, {"case": ""}, {"case": "x" * 61}, {"mpp": 0}, {"mpp": "x"}, {"path": None}]
)
def test_an_import_request_that_cannot_be_right_is_refused(import_request, slide_file, fields):
    response = import_request(**{"path": str(slide_file), **fields})
    assert response.status_code == 400
    assert set(response.json()) == {"message", "extra"}
    assert not SlideImport.objects.exists()


def test_a_project_that_does_not_exist_is_not_found(import_request, slide_file):
    assert import_request(path=str(slide_file), project="no-such").status_code == 404


# Signing in


def test_the_session_needs_a_csrf_token_to_write(lead, project):
    slide = make_slide_without_mpp(make_case(project))
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(f"/api/v1/slides/{slide.pk}/mpp/", {"mpp": 0.25}, format="json").status_code == 403
    slide.refresh_from_db()
    assert slide.mpp is None
