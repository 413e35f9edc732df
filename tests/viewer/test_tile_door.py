"""The WSGI door: what it answers itself, what it leaves to Django, and what becomes of bad requests and bad files."""

import os
import threading
from io import BytesIO
from pathlib import Path

import pytest
from django.core import signing
from django.core.files.storage import default_storage
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpResponse

from config.wsgi import application
from tests.viewer.drawing import draw_slide
from tests.viewer.imaging.pictures import pink
from tests.viewer.imaging.tiled_files import pyramid_of, write_scan
from viewer import services, tile_files, tile_source
from viewer.imaging.tiles import TILE_RULE_VERSION
from viewer.models import Slide, SlideTileIndex
from viewer.storage import local_path
from viewer.tile_door import tile_door
from viewer.tokens import set_tile_cookie, tile_cookie_name

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def the_test_s_own_connection_stays_open():
    """As Django's test client does it: the end of a request would close the connection of the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def ask(path, cookie="", application=application, **headers):
    """Send a GET; return status, headers and body."""
    answered: dict[str, object] = {}

    def start_response(status, headers):
        answered.update(status=int(status.split()[0]), headers=dict(headers))

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "HTTP_COOKIE": cookie,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        **headers,
    }
    body = b"".join(application(environ, start_response))
    return answered["status"], answered["headers"], body


def no_django(environ, start_response):
    pytest.fail("the request went on to Django")


def at_the_door(path, cookie="", **headers):
    return ask(path, cookie, tile_door(no_django), **headers)


def tile_url(slide, level=0, column=0, row=0, version=None):
    return f"/t/{slide.pk}/{version or slide.version}/{level}/{column}_{row}.jpg"


def cookie_of(slide, user):
    response = HttpResponse()
    set_tile_cookie(response, slide, user)
    return f"{tile_cookie_name(slide.pk)}={response.cookies[tile_cookie_name(slide.pk)].value}"


@pytest.fixture
def cookie(stored_slide, pathologist):
    """The cookie of a slide that this process has served before."""
    cookie = cookie_of(stored_slide, pathologist)
    assert ask(tile_url(stored_slide), cookie)[0] == 200
    return cookie


@pytest.fixture
def other_slide(asked, tmp_path):
    return services.import_slide(asked(draw_slide(tmp_path / "other.tif", seed=5), case_name="Case 02").pk)


def test_a_slide_served_before_is_answered_without_django_and_without_a_query(
    stored_slide, cookie, django_assert_num_queries
):
    by_django = ask(tile_url(stored_slide, 0, 1, 0), cookie, **{"REQUEST_METHOD": "HEAD"})
    with django_assert_num_queries(0):
        status, headers, body = at_the_door(tile_url(stored_slide, 0, 1, 0), cookie)
    assert status == 200
    assert headers == {
        "Content-Type": "image/jpeg",
        "Content-Length": str(len(body)),
        "ETag": f'"{stored_slide.version}-0-1-0"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    assert {name: by_django[1][name] for name in headers} == headers
    with local_path(stored_slide) as path:
        assert body in path.read_bytes()


def test_levels_between_stored_ones_are_made_once(asked, tmp_path, pathologist, monkeypatch):
    path = write_scan(tmp_path / "scan.tif", pyramid_of(pink(1500, 1500), 2, factor=4))
    slide = services.import_slide(asked(path).pk)
    cookie = cookie_of(slide, pathologist)
    first = ask(tile_url(slide, 1, 2, 1), cookie)
    assert first[0] == 200
    monkeypatch.setattr(tile_source, "compose_tile", lambda *args: pytest.fail("composed again"))
    assert at_the_door(tile_url(slide, 1, 2, 1), cookie)[2] == first[2]


def test_a_slide_not_served_before_and_other_pages_go_to_django(stored_slide, pathologist):
    cookie = cookie_of(stored_slide, pathologist)
    passed_on = []

    def django(environ, start_response):
        passed_on.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return []

    asked_for = [tile_url(stored_slide), "/", "/t/", "/t/x/../../etc/passwd", tile_url(stored_slide) + "/"]
    for path in asked_for:
        ask(path, cookie, tile_door(django))
    assert passed_on == asked_for


def test_a_browser_that_has_the_tile_is_told_so_before_any_read(stored_slide, cookie, monkeypatch):
    monkeypatch.setattr(tile_files, "files_of", lambda *args: pytest.fail("opened"))
    monkeypatch.setattr(os, "pread", lambda *args: pytest.fail("read"))
    etag = f'"{stored_slide.version}-0-0-0"'
    for known in (etag, f'W/{etag}, "other"', "*"):
        status, headers, body = at_the_door(tile_url(stored_slide), cookie, HTTP_IF_NONE_MATCH=known)
        assert (status, headers["ETag"], body) == (304, etag, b"")


@pytest.mark.parametrize(
    ("level", "column", "row"), [(0, 3, 0), (0, 0, 2), (9, 0, 0), (1, 2, 0), (999, 999_999_999, 999_999_999)]
)
def test_a_tile_outside_is_not_found(stored_slide, cookie, level, column, row):
    status, headers, _body = at_the_door(tile_url(stored_slide, level, column, row), cookie)
    assert (status, headers["Cache-Control"]) == (404, "no-store")


@pytest.mark.parametrize("address", ["0/0_0", "0/99999999999999999999_0", "0/-1_0", "x/0_0"])
def test_numbers_beyond_reason_are_not_found(stored_slide, cookie, address):
    wrong = f"/t/{stored_slide.pk}/{'0' * 12}/{address}.jpg"
    assert ask(wrong, cookie)[0] == 404
    assert ask(wrong.replace(f"/t/{stored_slide.pk}/", f"/t/{10**17}/"), cookie)[0] in (403, 404)


def test_no_token_and_one_for_another_slide_open_nothing(stored_slide, cookie, other_slide, pathologist):
    theirs = cookie_of(other_slide, pathologist)
    assert ask(tile_url(other_slide), theirs)[0] == 200
    for wrong in ("", theirs, theirs.replace(f"tiles-{other_slide.pk}", f"tiles-{stored_slide.pk}"), "tiles-=;=; ;"):
        status, headers, body = at_the_door(tile_url(stored_slide), wrong)
        assert (status, headers["Cache-Control"], b"\xff\xd8" in body) == (403, "no-store", False)


def test_a_forged_token_and_one_signed_for_another_purpose_open_nothing(stored_slide, cookie):
    name, _equals, token = cookie.partition("=")
    forged = signing.TimestampSigner(salt="password reset").sign(f"{stored_slide.pk}:1")
    last = "A" if token[-1] != "A" else "B"
    for wrong in (forged, token[:-1] + last, token.replace(":", "::", 1), "::::", token + token):
        assert at_the_door(tile_url(stored_slide), f"{name}={wrong}")[0] == 403


def test_a_token_ends_even_when_its_signature_is_remembered(stored_slide, cookie, settings):
    assert at_the_door(tile_url(stored_slide), cookie)[0] == 200
    settings.TILE_TOKEN_SECONDS = 0
    assert at_the_door(tile_url(stored_slide), cookie)[0] == 403


def test_other_cookies_beside_it_do_no_harm(stored_slide, cookie):
    assert at_the_door(tile_url(stored_slide), f"a=1; {cookie} ; sessionid=xyz")[0] == 200


@pytest.fixture
def look_at_every_tile(monkeypatch):
    """Files are looked at again at every tile, not once a second."""
    monkeypatch.setattr(tile_files, "SECONDS_BETWEEN_LOOKS", -1)


def stored_path(slide):
    return Path(default_storage.path(slide.key))


@pytest.mark.usefixtures("look_at_every_tile")
def test_a_slide_that_is_removed_while_it_is_viewed_is_not_found(stored_slide, cookie):
    stored_path(stored_slide).unlink()
    status, headers, _body = ask(tile_url(stored_slide), cookie)
    assert (status, headers["Cache-Control"]) == (500, "no-store")
    Slide.objects.filter(pk=stored_slide.pk).delete()
    assert ask(tile_url(stored_slide), cookie)[0] == 404


@pytest.mark.usefixtures("look_at_every_tile")
def test_a_file_that_was_replaced_is_not_served_under_the_old_address(
    stored_slide, cookie, other_slide, pathologist, tmp_path
):
    path = stored_path(stored_slide)
    whole = path.read_bytes()
    replacement = draw_slide(tmp_path / "replacement.tif", seed=77, width=900)
    replacement.replace(path)
    assert ask(tile_url(stored_slide, 0, 1, 1), cookie)[0] == 500
    assert ask(tile_url(other_slide), cookie_of(other_slide, pathologist))[0] == 200
    path.write_bytes(whole)
    assert ask(tile_url(stored_slide, 0, 1, 1), cookie)[0] == 200


@pytest.mark.usefixtures("look_at_every_tile")
def test_a_file_cut_off_after_its_import_is_an_error_without_a_traceback(
    stored_slide, cookie, other_slide, pathologist, caplog
):
    path = stored_path(stored_slide)
    os.truncate(path, path.stat().st_size // 3)
    status, headers, body = ask(tile_url(stored_slide, 0, 1, 1), cookie)
    assert (status, headers["Cache-Control"]) == (500, "no-store")
    assert b"damaged, changed or gone" in body
    assert "cut off or replaced" in caplog.text
    assert "Traceback" not in caplog.text
    assert ask(tile_url(other_slide), cookie_of(other_slide, pathologist))[0] == 200


def test_a_tile_whose_bytes_are_damaged_is_an_error_and_its_neighbours_are_served(stored_slide, cookie):
    index = tile_source.tile_source(stored_slide.pk, stored_slide.version).index
    tiles = index.levels[0]
    with stored_path(stored_slide).open("r+b") as file:
        file.seek(tiles.offsets[1])
        file.write(bytes(tiles.counts[1]))
    assert ask(tile_url(stored_slide, 0, 1, 0), cookie)[0] == 500
    assert ask(tile_url(stored_slide, 0, 2, 0), cookie)[0] == 200
    # Level 1 is stored; a kept tile would be served, a composed one of damaged tiles is refused.
    assert ask(tile_url(stored_slide, 1, 0, 0), cookie)[0] == 200


def test_an_index_of_an_older_rule_is_not_used(stored_slide, pathologist):
    SlideTileIndex.objects.filter(slide=stored_slide).update(rule=TILE_RULE_VERSION - 1, content=b"old")
    tile_source.forget_source(stored_slide.pk, stored_slide.version)
    assert ask(tile_url(stored_slide), cookie_of(stored_slide, pathologist))[0] == 200
    assert tile_source.known_source(stored_slide.pk, stored_slide.version).index == tile_source.NO_INDEX


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_500_slides_opened_in_turn_leave_few_files_open(stored_slide, cookie, pathologist):
    content = bytes(stored_slide.tile_index.content)
    before = open_descriptors()
    source = stored_path(stored_slide)
    slides = []
    for number in range(500):
        key = f"slides/00/{number}.tif"
        path = Path(default_storage.path(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(source)
        fields = {field.attname: getattr(stored_slide, field.attname) for field in Slide._meta.concrete_fields}
        fields |= {"id": None, "key": key, "content_sha256": f"{number:064d}"}
        slides.append(Slide(**fields))
    Slide.objects.bulk_create(slides)
    SlideTileIndex.objects.bulk_create(
        SlideTileIndex(slide=slide, rule=TILE_RULE_VERSION, content=content) for slide in slides
    )
    for slide in slides:
        assert ask(tile_url(slide, 0, 1, 1), cookie_of(slide, pathologist))[0] == 200
    assert open_descriptors() <= before + tile_files.MAX_OPEN
    assert len(tile_source._known) <= tile_source.MAX_KNOWN


def test_a_file_is_closed_only_when_the_last_reader_lets_go(stored_slide, cookie):
    source = tile_source.tile_source(stored_slide.pk, stored_slide.version)
    files = tile_files.files_of(stored_slide, source.index.file_bytes)
    descriptor = files.descriptor(0)
    tile_files.close_all()
    assert os.pread(descriptor, 4, 0) == b"II+\0"
    del files
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.pread(descriptor, 4, 0)


def test_threads_get_each_their_own_tile(stored_slide, cookie, monkeypatch):
    monkeypatch.setattr(tile_files, "MAX_OPEN", 0)  # every request opens and closes
    expected = {column: at_the_door(tile_url(stored_slide, 0, column, 0), cookie)[2] for column in range(3)}
    wrong = []

    def view():
        for turn in range(60):
            column = turn % 3
            if at_the_door(tile_url(stored_slide, 0, column, 0), cookie)[2] != expected[column]:
                wrong.append(column)

    threads = [threading.Thread(target=view) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
