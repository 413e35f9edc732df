import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from accounts.errors import ApplicationError, Conflict
from tests.factories import (
    make_case,
    make_patch,
    make_project,
    make_slide,
    make_slide_without_mpp,
    make_synthetic_slide,
)
from tests.viewer.drawing import draw_slide
from viewer import services, storage
from viewer.imaging.tiles import TILE_RULE_VERSION
from viewer.models import Slide, SlideTileIndex
from viewer.services import slides

pytestmark = pytest.mark.django_db


def test_supplying_a_resolution_makes_the_slide_ready(lead):
    slide = services.supply_mpp(make_slide_without_mpp(), 0.25, lead)
    slide.refresh_from_db()
    assert (slide.state, slide.mpp, slide.mpp_source, slide.mpp_by) == ("ready", 0.25, "hand", lead)
    assert slide.mpp_at is not None


@pytest.mark.parametrize("mpp", [0.0, -1.0, 0.049, 20.1, float("inf"), float("nan")])
def test_a_resolution_that_no_microscope_has_is_refused(lead, mpp):
    slide = make_slide_without_mpp()
    with pytest.raises(ApplicationError, match=r"expected 0\.05 to 20"):
        services.supply_mpp(slide, mpp, lead)
    slide.refresh_from_db()
    assert (slide.state, slide.mpp, slide.mpp_by) == ("needs_mpp", None, None)


def test_a_resolution_from_the_file_cannot_be_overridden(lead):
    slide = make_slide(mpp=0.5)
    with pytest.raises(Conflict, match="was read from its file"):
        services.supply_mpp(slide, 0.25, lead)
    slide.refresh_from_db()
    assert (slide.mpp, slide.mpp_source, slide.mpp_by) == (0.5, "file", None)


def test_supplying_the_same_resolution_again_keeps_the_first_person(lead, site_admin):
    slide = services.supply_mpp(make_slide_without_mpp(), 0.25, lead)
    assert services.supply_mpp(slide, 0.25, site_admin).mpp_by == lead


def test_a_typing_error_is_corrected_while_nothing_rests_on_it(lead):
    slide = services.supply_mpp(make_slide_without_mpp(), 2.5, lead)
    assert services.supply_mpp(slide, 0.25, lead).mpp == 0.25


def test_a_resolution_that_patches_rest_on_stands(lead):
    slide = services.supply_mpp(make_slide_without_mpp(), 0.25, lead)
    make_patch(slide)
    with pytest.raises(Conflict, match="work rests on it"):
        services.supply_mpp(slide, 0.5, lead)
    slide.refresh_from_db()
    assert slide.mpp == 0.25


@pytest.fixture
def synthetic_file(tmp_path):
    return draw_slide(tmp_path / "synthetic.tif", mpp=0.5, seed=7)


def test_a_synthetic_slide_is_a_slide_of_the_source_s_case(stored_slide, synthetic_file, stored_files):
    slide = services.register_synthetic_slide(stored_slide, synthetic_file, 0.5, "ab" * 32)
    assert (slide.case, slide.stain, slide.origin) == (stored_slide.case, "KI67", "synthetic")
    assert (slide.derived_from, slide.generator_sha256, slide.published_at) == (stored_slide, "ab" * 32, None)
    assert (slide.state, slide.mpp, slide.width_l0) == ("ready", 0.5, 700)
    assert stored_files() == sorted([stored_slide.key, slide.key])
    assert synthetic_file.exists()


def test_registering_twice_gives_one_slide_and_one_file(stored_slide, synthetic_file, stored_files):
    first = services.register_synthetic_slide(stored_slide, synthetic_file, 0.5, "ab" * 32)
    assert services.register_synthetic_slide(stored_slide, synthetic_file, 0.5, "ab" * 32) == first
    assert len(stored_files()) == 2


def test_registering_twice_at_once_gives_one_slide_and_one_file(
    stored_slide, synthetic_file, stored_files, monkeypatch
):
    first = services.register_synthetic_slide(stored_slide, synthetic_file, 0.5, "ab" * 32)
    real, calls = slides._made_before, []

    def blind_at_first(*args):
        calls.append(args)
        return real(*args) if len(calls) > 1 else None

    monkeypatch.setattr(slides, "_made_before", blind_at_first)
    assert services.register_synthetic_slide(stored_slide, synthetic_file, 0.5, "ab" * 32) == first
    assert len(stored_files()) == 2


def test_another_generator_gives_another_slide(stored_slide, synthetic_file, tmp_path):
    first = services.register_synthetic_slide(stored_slide, synthetic_file, 0.5, "ab" * 32)
    other = draw_slide(tmp_path / "other.tif", seed=8)
    assert services.register_synthetic_slide(stored_slide, other, 0.5, "cd" * 32) != first


def test_a_synthetic_slide_of_drawn_tissue_is_drawn(stored_slide, synthetic_file):
    Slide.objects.filter(pk=stored_slide.pk).update(drawn=True)
    stored_slide.refresh_from_db()
    assert services.register_synthetic_slide(stored_slide, synthetic_file, 0.5, "ab" * 32).drawn


def test_a_synthetic_slide_that_cannot_be_registered_leaves_no_file(stored_slide, synthetic_file, stored_files):
    with pytest.raises(ApplicationError, match=r"expected 0\.05 to 20"):
        services.register_synthetic_slide(stored_slide, synthetic_file, 500, "ab" * 32)
    assert stored_files() == [stored_slide.key]


def test_publishing_and_withdrawing_set_and_clear_the_date():
    slide = make_synthetic_slide(make_slide())
    published = services.publish_slide(slide)
    assert published.published_at is not None
    assert services.publish_slide(slide).published_at == published.published_at
    assert services.withdraw_slide(slide).published_at is None
    assert services.withdraw_slide(slide).published_at is None


@pytest.mark.parametrize("verb", [services.publish_slide, services.withdraw_slide])
def test_a_real_slide_is_neither_published_nor_withdrawn(verb):
    slide = make_slide()
    with pytest.raises(ApplicationError, match="is real"):
        verb(slide)
    slide.refresh_from_db()
    assert slide.published_at is None


@pytest.mark.parametrize(
    "columns",
    [
        {"mpp": None},
        {"mpp_source": "mail"},
        {"mpp_source": "hand"},
        {"width_l0": 0},
        {"origin": "synthetic"},
        {"generator_sha256": "ab" * 32},
    ],
)
def test_the_database_refuses_a_slide_that_contradicts_itself(db, columns):
    slide = make_slide()
    with pytest.raises(IntegrityError), transaction.atomic():
        Slide.objects.filter(pk=slide.pk).update(**columns)


def test_a_case_name_is_unique_in_its_project_only():
    project = make_project()
    make_case(project, "Case 01")
    make_case(make_project(), "Case 01")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_case(project, "Case 01")


def test_a_slides_root_holds_each_slide_at_its_key(stored_slide, slide_file):
    with storage.slides_root([stored_slide]) as root:
        assert (root / stored_slide.key).read_bytes() == slide_file.read_bytes()


def test_a_new_tile_rule_names_every_slide_s_tiles_anew_once(stored_slide, monkeypatch):
    assert services.refresh_versions() == 0
    monkeypatch.setattr("viewer.imaging.tiles.TILE_RULE_VERSION", 999)
    assert services.refresh_versions() == 1
    assert services.refresh_versions() == 0
    before = stored_slide.version
    stored_slide.refresh_from_db()
    assert stored_slide.version != before


def test_refreshing_indexes_what_an_older_release_did_not_and_names_what_it_cannot_read(stored_slide, capsys):
    lost = make_slide(key="slides/00/lost.tif")
    content = bytes(stored_slide.tile_index.content)
    SlideTileIndex.objects.filter(slide=stored_slide).update(rule=0, content=b"old")
    call_command("refresh_tile_versions")
    said = capsys.readouterr()
    assert "1 slides were indexed." in said.out
    assert f"Slide {lost.pk} was not indexed" in said.err
    index = SlideTileIndex.objects.get()
    assert (index.slide_id, index.rule, bytes(index.content)) == (stored_slide.pk, TILE_RULE_VERSION, content)
