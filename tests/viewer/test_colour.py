"""The colour mode of a slide: who sets it, what it changes, what reads it."""

import numpy as np
import pytest
import simplejpeg
from django.db import IntegrityError, transaction

from accounts.errors import ApplicationError
from tests.factories import make_slide
from tests.viewer.imaging.pictures import pink
from tests.viewer.imaging.tiled_files import swapping_profile, write_scan
from viewer import selectors, services
from viewer.models import Slide
from viewer.readers import open_reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def profiled(asked, tmp_path):
    """A stored slide whose file says that red and blue are swapped."""
    path = write_scan(tmp_path / "scan.tif", [pink(600, 700)], side=256, profile=swapping_profile())
    return Slide.objects.select_related("case__project").get(pk=services.import_slide(asked(path).pk).pk)


def tile_of(client, slide):
    client.post(f"/api/v1/slides/{slide.pk}/open/")
    response = client.get(f"/t/{slide.pk}/{slide.version}/0/1_1.jpg")
    assert response.status_code == 200
    return simplejpeg.decode_jpeg(response.content).astype(int)


def test_the_profile_is_read_at_import_and_the_page_says_that_it_is_not_applied(profiled, client_of, pathologist):
    assert (profiled.colour, profiled.colour_profile) == ("native", "Scan built-in")
    page = client_of(pathologist).get(f"/slides/{profiled.pk}/").content.decode()
    assert "as scanned; its profile “Scan built-in” is not applied" in page


def test_a_lead_converts_a_slide_and_tiles_counts_and_thumbnail_follow(profiled, client_of, lead):
    client = client_of(lead)
    scanned, before = tile_of(client, profiled), profiled.version
    answer = client.post(f"/api/v1/slides/{profiled.pk}/colour/", {"colour": "srgb"})
    assert (answer.status_code, answer.data["colour"]) == (200, "srgb")
    assert answer.data["colour_note"] == "converted to sRGB from “Scan built-in”"
    profiled.refresh_from_db()
    assert profiled.version != before
    converted = tile_of(client, profiled)
    height, width = converted.shape[:2]
    assert np.abs(converted - scanned[:height, :width, ::-1]).mean() < 8
    assert np.abs(converted - scanned[:height, :width]).mean() > 12
    with open_reader(profiled) as reader:
        assert np.abs(reader.read_region(256, 256, 0, width, height).astype(int) - converted).mean() < 8


def test_going_back_gives_the_old_addresses_again(profiled):
    before = profiled.version
    services.set_colour(profiled, "srgb")
    assert services.set_colour(profiled, "native").version == before


def test_others_than_leads_may_not_and_nothing_changes(profiled, client_of, pathologist, clinician, outsider):
    url = f"/api/v1/slides/{profiled.pk}/colour/"
    statuses = [
        client_of(user).post(url, {"colour": "srgb"}).status_code for user in (pathologist, clinician, outsider)
    ]
    assert statuses == [403, 403, 404]
    profiled.refresh_from_db()
    assert profiled.colour == "native"


def test_unknown_modes_and_slides_without_a_profile_are_refused(profiled, stored_slide, client_of, lead):
    client = client_of(lead)
    assert client.post(f"/api/v1/slides/{profiled.pk}/colour/", {"colour": "adobe"}).status_code == 400
    answer = client.post(f"/api/v1/slides/{stored_slide.pk}/colour/", {"colour": "srgb"})
    assert (answer.status_code, answer.data["message"]) == (
        400,
        "The file carries no ICC profile, so its colours can only be shown as scanned.",
    )
    with pytest.raises(ApplicationError, match="is no colour mode"):
        services.set_colour(profiled, "adobe")
    for slide in (profiled, stored_slide):
        slide.refresh_from_db()
        assert slide.colour == "native"


def test_the_database_refuses_a_conversion_without_a_profile():
    with pytest.raises(IntegrityError, match="slide_converted_by_its_profile"), transaction.atomic():
        make_slide(colour="srgb")
    with pytest.raises(IntegrityError, match="slide_converted_by_its_profile"), transaction.atomic():
        make_slide(colour="adobe", colour_profile="x")


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({}, "as scanned; the file carries no colour profile"),
        ({"colour_profile": "sRGB IEC61966-2.1"}, "as scanned, which is sRGB"),
        ({"colour_profile": "ScanScope v1"}, "as scanned; its profile “ScanScope v1” is not applied"),
        ({"colour_profile": "ScanScope v1", "colour": "srgb"}, "converted to sRGB from “ScanScope v1”"),
    ],
)
def test_the_note_says_what_is_on_screen(fields, note):
    assert selectors.colour_note(make_slide(**fields)) == note
