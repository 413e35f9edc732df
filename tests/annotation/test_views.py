from collections.abc import Callable

import pytest

from accounts.models import Project, User
from annotation.models import SlideGrid
from tests.conftest import SiteClient
from tests.factories import make_case, make_slide_without_mpp, make_synthetic_slide
from viewer.models import Slide
from viewer.tokens import tile_cookie_name

ClientOf = Callable[[User], SiteClient]


def test_the_labelling_page_carries_its_data_and_the_right_to_the_tiles(
    client_of: ClientOf, pathologist: User, gridded_slide: Slide
) -> None:
    answer = client_of(pathologist).get(f"/slides/{gridded_slide.pk}/label/")
    assert answer.status_code == 200
    assert answer.context["data"]["counts"]["total"] == 2
    assert 'id="labelling-data"' in answer.content.decode()
    assert answer.cookies[tile_cookie_name(gridded_slide.pk)]["path"] == f"/t/{gridded_slide.pk}/"


def test_the_grid_is_laid_when_the_page_is_first_opened(client_of: ClientOf, lead: User, slide: Slide) -> None:
    answer = client_of(lead).get(f"/slides/{slide.pk}/label/")
    assert answer.context["data"]["can_label"] is False
    assert SlideGrid.objects.get().slide == slide


def test_a_slide_without_mpp_gets_a_page_that_says_what_to_do(
    client_of: ClientOf, pathologist: User, project: Project
) -> None:
    slide = make_slide_without_mpp(make_case(project))
    answer = client_of(pathologist).get(f"/slides/{slide.pk}/label/")
    assert answer.status_code == 400
    assert "A project lead supplies its mpp first" in answer.content.decode()
    assert tile_cookie_name(slide.pk) not in answer.cookies
    assert not SlideGrid.objects.exists()


def test_a_published_synthetic_slide_gets_a_page_that_says_why(
    client_of: ClientOf, pathologist: User, gridded_slide: Slide
) -> None:
    synthetic = make_synthetic_slide(gridded_slide, published=True)
    answer = client_of(pathologist).get(f"/slides/{synthetic.pk}/label/")
    assert answer.status_code == 400
    assert "only real slides are labelled" in answer.content.decode()


@pytest.mark.parametrize(("member", "status"), [("clinician", 200), ("site_admin", 200), ("outsider", 404)])
def test_members_see_the_page_and_outsiders_do_not_learn_of_it(
    client_of: ClientOf, request: pytest.FixtureRequest, gridded_slide: Slide, member: str, status: int
) -> None:
    client = client_of(request.getfixturevalue(member))
    assert client.get(f"/slides/{gridded_slide.pk}/label/").status_code == status


def test_a_stranger_is_sent_to_the_login(gridded_slide: Slide) -> None:
    answer = SiteClient().get(f"/slides/{gridded_slide.pk}/label/")
    assert answer.status_code == 302
    assert "/accounts/login/" in answer["Location"]
