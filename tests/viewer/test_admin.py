import pytest

from tests.factories import make_case, make_slide, make_synthetic_slide

pytestmark = pytest.mark.django_db


@pytest.fixture
def slide(project):
    return make_slide(make_case(project, "Case 01"))


def listed(client, model):
    return list(client.get(f"/admin/viewer/{model}/").context["cl"].result_list)


def test_a_lead_sees_the_slides_and_cases_of_own_projects(client_of, lead, slide):
    make_slide()
    client = client_of(lead)
    assert listed(client, "slide") == [slide]
    assert listed(client, "case") == [slide.case]


def test_a_site_administrator_sees_all_but_unpublished_synthetic_slides(client_of, site_admin, slide):
    published = make_synthetic_slide(slide, published=True)
    unpublished = make_synthetic_slide(slide)
    client = client_of(site_admin)
    assert set(listed(client, "slide")) == {slide, published}
    assert client.get(f"/admin/viewer/slide/{unpublished.pk}/change/").status_code == 302


@pytest.mark.parametrize("who", ["lead", "site_admin"])
def test_nobody_edits_slides_and_cases_as_rows(request, client_of, slide, who):
    client = client_of(request.getfixturevalue(who))
    for model, row in (("slide", slide), ("case", slide.case)):
        assert client.get(f"/admin/viewer/{model}/{row.pk}/change/").status_code == 200
        assert client.post(f"/admin/viewer/{model}/{row.pk}/change/", {"name": "x", "stain": "X"}).status_code == 403
        assert client.post(f"/admin/viewer/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.get(f"/admin/viewer/{model}/add/").status_code == 403
    slide.refresh_from_db()
    assert (slide.stain, slide.case.name) == ("HE", "Case 01")


def test_imports_show_no_path(client_of, lead, asked, slide_file):
    row = asked(slide_file)
    client = client_of(lead)
    for url in ("/admin/viewer/slideimport/", f"/admin/viewer/slideimport/{row.pk}/change/"):
        response = client.get(url)
        assert response.status_code == 200
        assert "Ivanov" not in response.content.decode()


def test_imports_are_for_leads(client_of, site_admin, asked, slide_file):
    asked(slide_file)
    assert client_of(site_admin).get("/admin/viewer/slideimport/").status_code == 403
