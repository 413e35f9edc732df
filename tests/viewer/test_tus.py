import base64
import hashlib
import os
import uuid
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import Role
from accounts.services import add_member
from tests.factories import make_project, make_user
from tests.viewer.drawing import draw_png
from viewer import launch, services
from viewer.models import Slide, SlideImport, Upload
from viewer.services import uploads

pytestmark = pytest.mark.django_db
URL = "/api/v1/uploads/"
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
PIECE = "application/offset+octet-stream"


def encoded(**fields):
    return ",".join(f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in fields.items())


@pytest.fixture
def lead_client(client_of, lead):
    return client_of(lead)


@pytest.fixture
def begin(lead_client):
    """Return a function that begins an upload and returns the answer."""

    def post(size, client=None, **fields):
        named = {"project": "breast-study", "case": "Case 01", "stain": "HE", "suffix": ".tif", **fields}
        return (client or lead_client).post(
            URL, HTTP_UPLOAD_LENGTH=str(size), HTTP_UPLOAD_METADATA=encoded(**named), **TUS
        )

    return post


@pytest.fixture
def send(lead_client, django_capture_on_commit_callbacks):
    """Return a function that sends a piece; the worker runs when the last one has come."""

    def patch(url, offset, data, **headers):
        with django_capture_on_commit_callbacks(execute=True):
            return lead_client.generic(
                "PATCH", url, data, **{"content_type": PIECE, "HTTP_UPLOAD_OFFSET": str(offset), **TUS, **headers}
            )

    return patch


def path_of(answer):
    return answer["Location"].removeprefix("http://testserver")


def test_the_server_says_what_it_can(lead_client, settings):
    answer = lead_client.options(URL)
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert set(answer["Tus-Extension"].split(",")) == {"creation", "expiration", "checksum", "termination"}
    assert answer["Tus-Max-Size"] == str(settings.UPLOAD_MAX_BYTES)
    assert "sha1" in answer["Tus-Checksum-Algorithm"]


def test_an_upload_in_pieces_becomes_a_slide(begin, send, lead_client, slide_file, settings, lead):
    data = slide_file.read_bytes()
    begun = begin(len(data))
    assert (begun.status_code, begun["Upload-Offset"]) == (201, "0")
    url = path_of(begun)
    third = len(data) // 3
    assert send(url, 0, data[:third])["Upload-Offset"] == str(third)
    looked = lead_client.head(url, **TUS)
    assert (looked["Upload-Offset"], looked["Upload-Length"]) == (str(third), str(len(data)))
    assert looked["Cache-Control"] == "no-store"
    answer = send(url, third, data[third:])
    assert (answer.status_code, answer["Upload-Offset"]) == (204, str(len(data)))
    slide = Slide.objects.get()
    assert slide.content_sha256 == hashlib.sha256(data).hexdigest()
    assert (slide.case.name, slide.imported_by) == ("Case 01", lead)
    assert SlideImport.objects.get(pk=int(answer["Counterstain-Import"])).slide == slide
    assert [path for path in settings.LAYOUT.uploads.rglob("*") if path.is_file()] == []


def test_a_complete_upload_still_answers_how_far_it_is(begin, send, lead_client, slide_file):
    data = slide_file.read_bytes()
    url = path_of(begin(len(data)))
    send(url, 0, data)
    looked = lead_client.head(url, **TUS)
    assert looked["Upload-Offset"] == str(len(data))
    assert looked["Counterstain-Import"]
    assert Slide.objects.count() == 1


def test_a_resolution_travels_with_the_upload(begin, send, tmp_path, lead):
    data = draw_png(tmp_path / "field.png").read_bytes()
    send(path_of(begin(len(data), suffix=".PNG", mpp="0.25")), 0, data)
    slide = Slide.objects.get()
    assert (slide.mpp, slide.mpp_source, slide.mpp_by) == (0.25, "hand", lead)


def test_a_refused_slide_says_so_on_its_import(begin, send, settings):
    answer = send(path_of(begin(8)), 0, b"no slide")
    row = SlideImport.objects.get(pk=int(answer["Counterstain-Import"]))
    assert row.state == "failed"
    assert "no slide that can be read" in row.message
    assert not Slide.objects.exists()
    assert not any(path.is_file() for path in settings.LAYOUT.uploads.rglob("*"))


def test_no_file_name_is_asked_for_or_kept(begin, slide_file):
    begin(slide_file.stat().st_size, filename="Ivanov.tif", name="Ivanov.tif")
    assert "Ivanov" not in repr(Upload.objects.values())


def test_a_piece_that_does_not_fit_changes_nothing(begin, send, lead_client):
    url = path_of(begin(100))
    send(url, 0, b"x" * 40)
    for offset in (0, 39, 41, 100):
        answer = send(url, offset, b"y" * 10)
        assert answer.status_code == 409
        assert answer.json()["extra"] == {"offset": 40}
    assert lead_client.head(url, **TUS)["Upload-Offset"] == "40"


def test_more_bytes_than_announced_are_refused(begin, send, lead_client):
    url = path_of(begin(100))
    send(url, 0, b"x" * 40)
    assert send(url, 40, b"y" * 61).status_code == 413
    assert lead_client.head(url, **TUS)["Upload-Offset"] == "40"
    assert not SlideImport.objects.exists()


class Broken:
    """A connection that breaks after some bytes."""

    def __init__(self, data):
        self.pieces = [data]

    def __iter__(self):
        return self

    def __next__(self):
        if self.pieces:
            return self.pieces.pop()
        raise OSError("connection reset")


def test_a_connection_that_breaks_keeps_what_came(begin):
    pk = path_of(begin(100)).rstrip("/").rsplit("/", 1)[1]
    upload = services.append_to_upload(uuid.UUID(pk), offset_bytes=0, pieces=Broken(b"x" * 30))
    assert upload.offset_bytes == 30
    assert uploads.file_of(upload).read_bytes() == b"x" * 30


def test_what_a_killed_server_had_written_counts(begin, lead_client):
    url = path_of(begin(100))
    upload = Upload.objects.get()
    uploads.file_of(upload).write_bytes(b"x" * 25)
    assert lead_client.head(url, **TUS)["Upload-Offset"] == "25"


def test_an_upload_whose_server_was_killed_after_the_last_byte_is_finished_by_looking(
    begin, lead_client, slide_file, django_capture_on_commit_callbacks
):
    data = slide_file.read_bytes()
    url = path_of(begin(len(data)))
    uploads.file_of(Upload.objects.get()).write_bytes(data)
    with django_capture_on_commit_callbacks(execute=True):
        lead_client.head(url, **TUS)
    assert Slide.objects.count() == 1
    with django_capture_on_commit_callbacks(execute=True):
        lead_client.head(url, **TUS)
    assert SlideImport.objects.count() == 1


def test_an_uploaded_slide_outlives_a_broker_that_is_away(
    begin, send, lead_client, slide_file, monkeypatch, django_capture_on_commit_callbacks
):
    def unreachable(**kwargs):
        raise OperationalError("no broker")

    data = slide_file.read_bytes()
    url = path_of(begin(len(data)))
    with monkeypatch.context() as away:
        away.setattr(launch.tasks.import_slide, "delay_on_commit", unreachable)
        assert send(url, 0, data).status_code == 503
        assert lead_client.head(url, **TUS).status_code == 503
    assert SlideImport.objects.get().state == "queued"
    with django_capture_on_commit_callbacks(execute=True):
        assert lead_client.head(url, **TUS)["Upload-Offset"] == str(len(data))
    assert SlideImport.objects.get().state == "done"


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_piece_with_the_right_checksum_is_taken(begin, send, algorithm):
    url = path_of(begin(100))
    digest = base64.b64encode(hashlib.new(algorithm, b"x" * 40).digest()).decode()
    assert send(url, 0, b"x" * 40, HTTP_UPLOAD_CHECKSUM=f"{algorithm} {digest}")["Upload-Offset"] == "40"


def test_a_piece_with_a_wrong_checksum_keeps_nothing(begin, send, lead_client):
    url = path_of(begin(100))
    send(url, 0, b"x" * 10)
    digest = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    assert send(url, 10, b"x" * 40, HTTP_UPLOAD_CHECKSUM=f"sha256 {digest}").status_code == 460
    assert lead_client.head(url, **TUS)["Upload-Offset"] == "10"
    assert [path.name for path in uploads.file_of(Upload.objects.get()).parent.iterdir()] == ["slide.tif"]


@pytest.mark.parametrize("header", ["md4 aGVsbG8=", "sha256 not-base64!", "sha256"])
def test_a_checksum_that_cannot_be_checked_is_refused(begin, send, lead_client, header):
    url = path_of(begin(100))
    assert send(url, 0, b"x" * 40, HTTP_UPLOAD_CHECKSUM=header).status_code in {400, 460}
    assert lead_client.head(url, **TUS)["Upload-Offset"] == "0"


def test_giving_up_removes_the_bytes(begin, send, lead_client, settings):
    url = path_of(begin(100))
    send(url, 0, b"x" * 40)
    assert lead_client.delete(url, **TUS).status_code == 204
    assert lead_client.head(url, **TUS).status_code == 404
    assert list(settings.LAYOUT.uploads.iterdir()) == []


def test_giving_up_a_complete_upload_keeps_the_slide(begin, send, lead_client, slide_file):
    data = slide_file.read_bytes()
    url = path_of(begin(len(data)))
    send(url, 0, data)
    assert lead_client.delete(url, **TUS).status_code == 204
    assert Slide.objects.count() == SlideImport.objects.count() == 1


def test_an_expired_upload_is_gone_and_cleaned_at_the_next_beginning(begin, send, lead_client):
    url = path_of(begin(100))
    send(url, 0, b"x" * 40)
    folder = uploads.file_of(Upload.objects.get()).parent
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert send(url, 40, b"x").status_code == 410
    assert folder.exists()
    begin(100)
    assert not folder.exists()
    assert Upload.objects.count() == 1


def test_a_piece_prolongs_the_upload(begin, send):
    url = path_of(begin(100))
    soon = timezone.now() + timedelta(minutes=1)
    Upload.objects.update(expires_at=soon)
    send(url, 0, b"x")
    assert Upload.objects.get().expires_at > soon


def test_cleaning_leaves_files_that_an_import_still_needs(begin, settings, lead, project):
    path_of(begin(4))
    upload = Upload.objects.get()
    uploads.file_of(upload).write_bytes(b"data")
    waiting = services.look_at_upload(upload.pk).slide_import
    file = uploads.file_of(upload)
    Upload.objects.all().delete()
    old = (timezone.now() - timedelta(days=30)).timestamp()
    stray = settings.LAYOUT.uploads / str(uuid.uuid4())
    stray.mkdir()
    for folder in settings.LAYOUT.uploads.iterdir():
        os.utime(folder, (old, old))
    assert services.clean_uploads() == 1
    assert not stray.exists()
    assert file.exists()
    assert waiting.state == "queued"


# Who may, and what is refused


def test_only_leads_begin_uploads(begin, client_of, pathologist, outsider, site_admin):
    assert begin(100, client_of(pathologist)).status_code == 403
    assert begin(100, client_of(site_admin)).status_code == 403
    assert begin(100, client_of(outsider)).status_code == 404
    assert not Upload.objects.exists()


def test_another_lead_cannot_touch_the_upload(begin, client_of, project):
    url = path_of(begin(100))
    client = client_of(add_member(project, make_user(), Role.LEAD).user)
    assert client.head(url, **TUS).status_code == 404
    assert client.delete(url, **TUS).status_code == 404
    answer = client.generic("PATCH", url, b"x", content_type=PIECE, HTTP_UPLOAD_OFFSET="0", **TUS)
    assert answer.status_code == 404


def test_a_lead_who_is_one_no_more_cannot_go_on(begin, send, lead, project):
    url = path_of(begin(100))
    lead.memberships.all().delete()
    assert send(url, 0, b"x").status_code == 404
    assert uploads.file_of(Upload.objects.get()).read_bytes() == b""


@pytest.mark.parametrize(
    ("fields", "size", "status"),
    [
        ({"suffix": ".exe"}, 100, 400),
        ({"suffix": ".mrxs"}, 100, 400),
        ({"suffix": "../../x"}, 100, 400),
        ({"stain": "h&e"}, 100, 400),
        ({"case": ""}, 100, 400),
        ({"mpp": "99"}, 100, 400),
        ({"mpp": "x"}, 100, 400),
        ({"project": "no-such"}, 100, 404),
        ({}, 0, 400),
        ({}, "", 400),
        ({}, -5, 400),
        ({}, "1e3", 400),
        ({}, 10**17, 413),
    ],
)
def test_an_upload_that_cannot_be_right_is_not_begun(begin, settings, fields, size, status):
    answer = begin(size, **fields)
    assert answer.status_code == status
    assert answer.json()["message"]
    assert answer["Tus-Resumable"] == "1.0.0"
    assert not Upload.objects.exists()
    assert not settings.LAYOUT.uploads.exists() or not list(settings.LAYOUT.uploads.iterdir())


def test_a_disk_without_room_is_said_before_the_first_byte(begin, monkeypatch):
    usage = type("Usage", (), {"free": 200_000_050})
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda path: usage)
    assert begin(100).status_code == 507
    assert not Upload.objects.exists()


def test_a_disk_that_fills_up_keeps_what_fitted(begin, send, lead_client, monkeypatch):
    url = path_of(begin(100))

    def full(upload, pieces):
        uploads.file_of(upload).write_bytes(next(iter(pieces))[:30])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "_append", full)
    assert send(url, 0, b"x" * 50).status_code == 507
    assert lead_client.head(url, **TUS)["Upload-Offset"] == "30"


def test_another_protocol_version_is_refused(lead_client, begin):
    url = path_of(begin(100))
    answer = lead_client.head(url, HTTP_TUS_RESUMABLE="0.2.2")
    assert (answer.status_code, answer["Tus-Version"]) == (412, "1.0.0")
    assert lead_client.post(URL).status_code == 412


def test_a_piece_of_another_type_is_refused(begin, send, lead_client):
    url = path_of(begin(100))
    assert send(url, 0, b"x", content_type="text/plain").status_code == 415
    assert lead_client.head(url, **TUS)["Upload-Offset"] == "0"


@pytest.mark.parametrize("header", ["case !!!", "case /w==", "just-a-key"])
def test_metadata_that_cannot_be_read_is_refused(lead_client, header):
    answer = lead_client.post(URL, HTTP_UPLOAD_LENGTH="10", HTTP_UPLOAD_METADATA=header, **TUS)
    assert answer.status_code == 400
    assert not Upload.objects.exists()


def test_an_upload_of_another_project_does_not_show(client_of, begin):
    other = make_project()
    client = client_of(add_member(other, make_user(), Role.LEAD).user)
    assert begin(100, client).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_two_pieces_at_once_cannot_both_be_written(begin, send):
    url = path_of(begin(100))
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM viewer_upload FOR UPDATE")
            assert send(url, 0, b"x").status_code == 423
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert send(url, 0, b"x")["Upload-Offset"] == "1"
