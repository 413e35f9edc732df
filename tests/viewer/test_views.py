import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import make_case, make_project, make_slide, make_slide_without_mpp, make_synthetic_slide

pytestmark = pytest.mark.django_db


def json_in(response, script_id):
    found = re.search(rf'<script id="{script_id}" type="application/json">(.*?)</script>', response.content.decode())
    assert found
    return json.loads(found.group(1))


@pytest.fixture
def slide(project):
    return make_slide(make_case(project, "Case 01"))


def test_home_lists_the_person_s_projects_with_their_roles(client_of, pathologist, project, slide):
    make_project("Hidden study")
    [card] = client_of(pathologist).get("/").context["projects"]
    assert (card["project"], card["roles"], card["can_import"]) == (project, ["pathologist"], False)
    assert (card["cases"], card["slides"], card["waiting"]) == (1, 1, 0)


def test_home_lists_every_project_for_a_site_administrator(client_of, site_admin, project):
    make_project("Another study")
    cards = client_of(site_admin).get("/").context["projects"]
    assert [card["project"].name for card in cards] == ["Another study", "Breast study"]


def test_home_without_projects_says_whom_to_ask(client_of, db, django_user_model):
    nobody = django_user_model.objects.create_user("nobody")
    response = client_of(nobody).get("/")
    assert response.status_code == 200
    assert response.context["projects"] == []


def test_home_takes_as_many_queries_for_many_projects_as_for_one(client_of, site_admin, slide):
    client = client_of(site_admin)
    with CaptureQueriesContext(connection) as for_one:
        client.get("/")
    for _ in range(5):
        make_slide()
    with CaptureQueriesContext(connection) as for_many:
        client.get("/")
    assert len(for_many) == len(for_one)


def test_a_project_shows_its_cases_and_slides(client_of, pathologist, project, slide):
    make_case(project, "Case 02")
    response = client_of(pathologist).get("/projects/breast-study/")
    overview = response.context["overview"]
    assert [(entry["case"].name, len(entry["slides"])) for entry in overview] == [("Case 01", 1), ("Case 02", 0)]
    assert overview[0]["slides"][0]["title"] == "Case 01 · H&E"
    assert overview[0]["slides"][0]["size_note"] == "6720 × 6720 px, 0.25 µm/px"


def test_only_a_lead_sees_imports_and_the_upload_form(client_of, project, lead, pathologist, asked, slide_file):
    asked(slide_file)
    as_lead = json_in(client_of(lead).get("/projects/breast-study/"), "project-data")
    assert as_lead["can"]["import_slides"] is True
    assert [row["case"] for row in as_lead["imports"]] == ["Case 01"]
    assert "Ivanov" not in json.dumps(as_lead)
    as_reader = json_in(client_of(pathologist).get("/projects/breast-study/"), "project-data")
    assert as_reader["can"]["import_slides"] is False
    assert as_reader["imports"] == []


def test_an_empty_project_has_a_page(client_of, lead):
    assert client_of(lead).get("/projects/breast-study/").status_code == 200


def test_a_synthetic_slide_appears_once_it_is_published(client_of, lead, clinician, slide):
    make_synthetic_slide(slide)
    published = make_synthetic_slide(slide, published=True)

    def shown(user):
        entries = client_of(user).get("/projects/breast-study/").context["overview"]
        return [card["slide"] for entry in entries for card in entry["slides"] if card["synthetic"]]

    assert shown(clinician) == [published]
    assert len(shown(lead)) == 2
    assert "SYNTHETIC" in client_of(clinician).get(f"/slides/{published.pk}/").content.decode()


def test_the_slide_page_carries_payload_and_cookie(client_of, pathologist, slide):
    response = client_of(pathologist).get(f"/slides/{slide.pk}/")
    assert json_in(response, "slide-data")["slide"] == {
        "id": slide.pk,
        "title": "Case 01 · H&E",
        "case": "Case 01",
        "stain": "HE",
        "stain_name": "H&E",
        "synthetic": False,
        "drawn": False,
        "width": 6720,
        "height": 6720,
        "mpp": 0.25,
        "mpp_source": "file",
        "mpp_note": "",
        "version": slide.version,
        "colour": "native",
        "colour_note": "as scanned; the file carries no colour profile",
        "tile_url": f"/t/{slide.pk}/{slide.version}/{{level}}/{{col}}_{{row}}.jpg",
        "levels": slide.served_levels,
        "thumbnail_url": f"/slides/{slide.pk}/thumbnail/{slide.version}.jpg",
        "open_url": f"/api/v1/slides/{slide.pk}/open/",
        "token_seconds": 3600,
        "resampled_note": "",
    }
    assert response.cookies[f"tiles-{slide.pk}"]["path"] == f"/t/{slide.pk}/"


def test_a_slide_without_resolution_says_so_and_who_supplied_it_later(client_of, lead, project):
    lead.first_name, lead.last_name = "Anna", "Berg"
    lead.save()
    slide = make_slide_without_mpp(make_case(project))
    data = json_in(client_of(lead).get(f"/slides/{slide.pk}/"), "slide-data")
    assert (data["needs_mpp"], data["can"]["supply_mpp"]) == (True, True)
    assert data["slide"]["mpp_note"] == "The resolution is unknown; a project lead has to supply it."
    client_of(lead).post(f"/api/v1/slides/{slide.pk}/mpp/", {"mpp": 0.25}, format="json")
    data = json_in(client_of(lead).get(f"/slides/{slide.pk}/"), "slide-data")
    assert data["needs_mpp"] is False
    assert data["slide"]["mpp_note"].startswith("supplied by hand by Anna Berg on ")


def test_pages_answer_get_and_head_only(client_of, lead, slide):
    for url in ("/", "/projects/breast-study/", f"/slides/{slide.pk}/"):
        assert client_of(lead).post(url).status_code == 405
