import io

import numpy as np
import pytest
from django.core import signing
from django.http import HttpResponse
from PIL import Image

from accounts.models import Role
from accounts.services import remove_member
from tests.factories import make_slide
from tests.viewer.drawing import draw_slide
from viewer import readers, services
from viewer.imaging.slides import open_slide
from viewer.storage import local_path
from viewer.tokens import set_tile_cookie, tile_cookie_name

pytestmark = pytest.mark.django_db


def tile_url(slide, level=0, column=0, row=0, version=None):
    return f"/t/{slide.pk}/{version or slide.version}/{level}/{column}_{row}.jpg"


@pytest.fixture
def reader_client(client_of, pathologist, stored_slide):
    """A pathologist who has opened the slide."""
    client = client_of(pathologist)
    assert client.post(f"/api/v1/slides/{stored_slide.pk}/open/").status_code == 200
    return client


def test_a_tile_is_the_slide_s_own_pixels(reader_client, stored_slide):
    response = reader_client.get(tile_url(stored_slide, 0, 1, 1))
    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    shown = np.asarray(Image.open(io.BytesIO(response.content)).convert("RGB")).astype(int)[:244]
    with local_path(stored_slide) as path, open_slide(path) as reader:
        stored = reader.read_region(256, 256, 0, 256, 244).astype(int)
    assert shown.shape == stored.shape
    assert np.abs(shown - stored).mean() < 3


def test_every_tile_of_every_level_is_there(reader_client, stored_slide):
    for index, level in enumerate(stored_slide.served_levels):
        columns = -(-level["width"] // level["tile_width"])
        rows = -(-level["height"] // level["tile_height"])
        for column in range(columns):
            for row in range(rows):
                assert reader_client.get(tile_url(stored_slide, index, column, row)).status_code == 200


def test_a_tile_may_be_kept_for_ever_by_this_browser_only(reader_client, stored_slide):
    response = reader_client.get(tile_url(stored_slide))
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"
    assert response["ETag"] == f'"{stored_slide.version}-0-0-0"'


def test_a_browser_that_has_the_tile_is_told_so_before_the_slide_is_read(reader_client, stored_slide, monkeypatch):
    etag = reader_client.get(tile_url(stored_slide))["ETag"]
    monkeypatch.setattr(readers, "open_slide", lambda path: pytest.fail("opened"))
    readers.close_all()
    response = reader_client.get(tile_url(stored_slide), headers={"If-None-Match": f'"other", {etag}'})
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)


def test_a_tile_asks_neither_session_nor_database(reader_client, stored_slide, settings, django_assert_num_queries):
    assert settings.SESSION_COOKIE_NAME in reader_client.cookies
    reader_client.get(tile_url(stored_slide))
    with django_assert_num_queries(0):
        response = reader_client.get(tile_url(stored_slide, 0, 1, 0))
    assert response.status_code == 200
    # Varying by cookie, the browser would fetch every tile again when the token is renewed.
    assert "Cookie" not in response["Vary"]


@pytest.mark.parametrize(("level", "column", "row"), [(0, 3, 0), (0, 0, 2), (9, 0, 0), (1, 2, 0)])
def test_a_tile_outside_is_not_found(reader_client, stored_slide, level, column, row):
    assert reader_client.get(tile_url(stored_slide, level, column, row)).status_code == 404


def test_another_version_is_not_found(reader_client, stored_slide):
    assert reader_client.get(tile_url(stored_slide, version="0" * 12)).status_code == 404


def test_the_cookie_goes_to_this_slide_s_tiles_only_and_to_no_script(client_of, pathologist, stored_slide, settings):
    client = client_of(pathologist)
    cookie = client.post(f"/api/v1/slides/{stored_slide.pk}/open/").cookies[tile_cookie_name(stored_slide.pk)]
    assert cookie["path"] == f"/t/{stored_slide.pk}/"
    assert cookie["max-age"] == settings.TILE_TOKEN_SECONDS == 3600
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")


def test_no_tile_without_a_cookie_even_for_a_member(client_of, pathologist, client, stored_slide):
    assert client_of(pathologist).get(tile_url(stored_slide)).status_code == 403
    assert client.get(tile_url(stored_slide)).status_code == 403


def test_the_token_of_one_slide_opens_no_other(reader_client, asked, tmp_path):
    other = services.import_slide(asked(draw_slide(tmp_path / "other.tif", seed=5), case_name="Case 02").pk)
    assert reader_client.get(tile_url(other)).status_code == 403


def test_a_token_that_was_tampered_with_opens_nothing(reader_client, stored_slide, asked, tmp_path):
    other = services.import_slide(asked(draw_slide(tmp_path / "other.tif", seed=5), case_name="Case 02").pk)
    token = reader_client.cookies[tile_cookie_name(stored_slide.pk)].value
    reader_client.cookies[tile_cookie_name(other.pk)] = token.replace(str(stored_slide.pk), str(other.pk), 1)
    assert reader_client.get(tile_url(other)).status_code == 403
    reader_client.cookies[tile_cookie_name(stored_slide.pk)] = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert reader_client.get(tile_url(stored_slide)).status_code == 403


def test_a_value_signed_for_another_purpose_is_no_token(client, stored_slide):
    foreign = signing.TimestampSigner(salt="password reset").sign(f"{stored_slide.pk}:1")
    client.cookies[tile_cookie_name(stored_slide.pk)] = foreign
    assert client.get(tile_url(stored_slide)).status_code == 403


def test_a_token_ends(reader_client, stored_slide, settings):
    settings.TILE_TOKEN_SECONDS = -1
    assert reader_client.get(tile_url(stored_slide)).status_code == 403


def test_a_person_who_was_removed_gets_no_new_token(client_of, pathologist, project, stored_slide):
    client = client_of(pathologist)
    remove_member(project, pathologist, Role.PATHOLOGIST)
    response = client.post(f"/api/v1/slides/{stored_slide.pk}/open/")
    assert response.status_code == 404
    assert tile_cookie_name(stored_slide.pk) not in response.cookies


@pytest.fixture
def synthetic(stored_slide, tmp_path):
    path = draw_slide(tmp_path / "synthetic.tif", seed=9)
    return services.register_synthetic_slide(stored_slide, path, 0.5, "ab" * 32)


def test_tiles_of_an_unpublished_synthetic_slide_are_for_leads(client_of, synthetic, lead, clinician, site_admin):
    url = f"/api/v1/slides/{synthetic.pk}/open/"
    for user in (clinician, site_admin):
        response = client_of(user).post(url)
        assert (response.status_code, tile_cookie_name(synthetic.pk) in response.cookies) == (403, False)
    client = client_of(lead)
    assert client.post(url).status_code == 200
    assert client.get(tile_url(synthetic)).status_code == 200


def test_a_withdrawn_slide_gives_no_new_token(client_of, synthetic, clinician):
    services.publish_slide(synthetic)
    url = f"/api/v1/slides/{synthetic.pk}/open/"
    assert client_of(clinician).post(url).status_code == 200
    services.withdraw_slide(synthetic)
    assert client_of(clinician).post(url).status_code == 403


def test_a_slide_whose_file_is_gone_answers_an_error_and_recovers(reader_client, stored_slide):
    reader_client.raise_request_exception = False
    readers.close_all()
    with local_path(stored_slide) as path:
        away = path.with_suffix(".away")
        path.rename(away)
        response = reader_client.get(tile_url(stored_slide))
        assert response.status_code == 500
        assert "immutable" not in response.get("Cache-Control", "")
        away.rename(path)
    assert reader_client.get(tile_url(stored_slide)).status_code == 200


def test_a_thumbnail_asks_the_session(client_of, client, pathologist, outsider, stored_slide):
    url = f"/slides/{stored_slide.pk}/thumbnail/{stored_slide.version}.jpg"
    response = client_of(pathologist).get(url)
    assert Image.open(io.BytesIO(response.content)).size == (512, 366)
    assert client_of(pathologist).get(url, headers={"If-None-Match": response["ETag"]}).status_code == 304
    assert client_of(outsider).get(url).status_code == 404
    assert client.get(url).status_code == 302
    assert client_of(pathologist).get(url.replace(stored_slide.version, "0" * 12)).status_code == 404


def test_the_cookie_is_secure_where_the_session_s_is(settings, lead):
    settings.SESSION_COOKIE_SECURE = True
    slide, response = make_slide(), HttpResponse()
    set_tile_cookie(response, slide, lead)
    assert response.cookies[tile_cookie_name(slide.pk)]["secure"] is True
