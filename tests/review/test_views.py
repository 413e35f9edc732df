from collections.abc import Callable

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import Project, User
from review.models import Alignment
from tests.conftest import SiteClient
from tests.factories import make_synthetic_slide
from tests.review.conftest import Pair, make_score
from viewer.models import Slide

ClientOf = Callable[[User], SiteClient]


def tile_paths(cookies: object) -> set[str]:
    """Paths of all tile cookies of an answer."""
    return {morsel["path"] for morsel in cookies.values() if morsel["path"].startswith("/t/")}  # type: ignore[attr-defined]


def test_the_review_page_carries_its_data_and_the_right_to_all_tiles(
    client_of: ClientOf, clinician: User, pair: Pair
) -> None:
    answer = client_of(clinician).get(f"/review/{pair.synthetic.pk}/")
    assert answer.status_code == 200
    assert answer.context["data"]["synthetic"]["id"] == pair.synthetic.pk
    page = answer.content.decode()
    assert 'id="review-data"' in page
    assert "SYNTHETIC" in page
    assert tile_paths(answer.cookies) == {f"/t/{slide.pk}/" for slide in pair}


def test_the_sections_are_aligned_when_the_page_is_first_opened(
    client_of: ClientOf,
    clinician: User,
    pair: Pair,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = client_of(clinician)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        client.get(f"/review/{pair.synthetic.pk}/")
        client.get(f"/review/{pair.synthetic.pk}/")
    assert len(callbacks) == 1
    assert Alignment.objects.get().matrix is not None
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        assert client.get(f"/review/{pair.synthetic.pk}/").context["data"]["alignment"] is not None
    assert callbacks == []


def test_a_case_without_a_real_slide_has_a_review_page_too(
    client_of: ClientOf, clinician: User, lone_synthetic: Slide
) -> None:
    answer = client_of(clinician).get(f"/review/{lone_synthetic.pk}/")
    assert answer.status_code == 200
    assert answer.context["data"]["real"] is None


def test_only_synthetic_slides_have_a_review_page(client_of: ClientOf, clinician: User, pair: Pair) -> None:
    assert client_of(clinician).get(f"/review/{pair.real.pk}/").status_code == 404
    assert client_of(clinician).get("/review/4711/").status_code == 404


def test_an_unpublished_slide_opens_for_leads_only(
    client_of: ClientOf, clinician: User, pathologist: User, lead: User, outsider: User, pair: Pair
) -> None:
    hidden = make_synthetic_slide(pair.source)
    statuses = [
        client_of(user).get(f"/review/{hidden.pk}/").status_code for user in (lead, clinician, pathologist, outsider)
    ]
    assert statuses == [200, 403, 403, 404]


def test_the_list_shows_ratios_and_totals(client_of: ClientOf, clinician: User, project: Project, pair: Pair) -> None:
    make_score(pair.real, 30, 70)
    make_score(pair.synthetic, 25, 75, calibrated_on=pair.real)
    answer = client_of(clinician).get(f"/projects/{project.slug}/review/")
    assert answer.status_code == 200
    assert answer.context["comparison"].compared == 1
    page = answer.content.decode()
    assert f"/review/{pair.synthetic.pk}/" in page
    assert "SYNTHETIC" in page.upper()


def test_an_empty_list_says_what_to_do_next(client_of: ClientOf, clinician: User, project: Project) -> None:
    answer = client_of(clinician).get(f"/projects/{project.slug}/review/")
    assert answer.status_code == 200
    assert answer.context["comparison"].pairs == []


@pytest.mark.parametrize("member", ["pathologist", "lead", "site_admin"])
def test_every_member_sees_the_list(
    client_of: ClientOf, request: pytest.FixtureRequest, project: Project, member: str
) -> None:
    assert client_of(request.getfixturevalue(member)).get(f"/projects/{project.slug}/review/").status_code == 200


def test_outsiders_do_not_learn_of_the_list(client_of: ClientOf, outsider: User, project: Project) -> None:
    assert client_of(outsider).get(f"/projects/{project.slug}/review/").status_code == 404
