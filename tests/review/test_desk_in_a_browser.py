"""The comparison desk in a real browser: in step, under the curtain, cells edited and counted again, signed once."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Project, User
from review import tasks
from review.models import Alignment, CellEdit, CellScore, Review, ScoringSettings, VerdictDraft
from review.services import create_score
from tests.factories import make_case, make_slide, make_synthetic_slide
from tests.review.conftest import Pair
from viewer import readers, storage
from viewer.imaging.phantom import TissueBlock, write_section

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PageOf = Callable[[User], Page]
SIZE_PX = 1400


@pytest.fixture(autouse=True)
def no_reader_stays_open() -> Iterator[None]:
    yield
    readers.close_all()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("desk")
    block = TissueBlock(size_px=SIZE_PX, mpp=0.5, seed=5, rotation_deg=0.0, elastic_px=0.0, tumor_extent=1.0)
    write_section(block, "HE", "HE", folder / "he.tif")
    write_section(block, "KI67", "HDAB", folder / "real.tif")
    write_section(block, "HE", "HDAB", folder / "synthetic.tif")
    return {name: folder / f"{name}.tif" for name in ("he", "real", "synthetic")}


@pytest.fixture
def desk_pair(project: Project, files: dict[str, Path], clinician: User) -> Pair:
    """A counted, aligned pair on the file system, as after an import, a synthesis and a count."""
    ScoringSettings.objects.create(
        project=project, grade=ScoringSettings.Grade.GEP_NET, hot_spot_um=300, least_cells=200
    )
    levels = [
        {
            "width": -(-SIZE_PX // by),
            "height": -(-SIZE_PX // by),
            "tile_width": 256,
            "tile_height": 256,
            "downsample": by,
        }
        for by in (1, 2, 4)
    ]
    shared: dict[str, Any] = {
        "width_l0": SIZE_PX,
        "height_l0": SIZE_PX,
        "mpp": 0.5,
        "drawn": True,
        "served_levels": levels,
    }
    case = make_case(project, "Case 04")
    source = make_slide(case, "HE", **shared)
    slides = Pair(
        source, make_slide(case, "KI67", **shared), make_synthetic_slide(source, published=True, served_levels=levels)
    )
    for slide, path in zip(slides, files.values(), strict=True):
        storage.save_file(path, slide.key, may_link=True)
    for slide in (slides.real, slides.synthetic):
        tasks.score_slide(score_pk=create_score(slide, clinician).pk)
    Alignment.objects.create(
        fixed=source, moving=slides.real, matrix=[1, 0, 37, 0, 1, -22], correlation=0.9, method="automatic affine"
    )
    assert CellScore.objects.filter(state="done").count() == 2
    return slides


@pytest.fixture
def desk(page_of: PageOf, live_server: Any, clinician: User, desk_pair: Pair) -> Page:
    page = page_of(clinician)
    page.goto(f"{live_server.url}/review/{desk_pair.synthetic.pk}/")
    page.wait_for_selector("body[data-ready='1']")
    return page


def cells_of(desk: Page, kind: str) -> int:
    text = desk.locator(f"[data-score={kind}]").inner_text()
    found = re.search(r"of ([\d,]+) cells", text)
    assert found is not None, text
    return int(found[1].replace(",", ""))


def middle_of(desk: Page, pane: str) -> tuple[float, float]:
    box = desk.locator(f"#pane-{pane}").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_panes_move_in_step_until_they_are_let_go(desk: Page) -> None:
    before = desk.evaluate("location.hash")
    x, y = middle_of(desk, "synthetic")
    desk.mouse.move(x, y)
    desk.mouse.wheel(0, -600)
    desk.wait_for_function("before => location.hash !== before", arg=before)
    together = desk.evaluate("location.hash")
    desk.locator("#toggle-link").click()
    expect(desk.locator("#toggle-link")).to_have_attribute("aria-pressed", "false")
    desk.mouse.move(x, y)
    desk.mouse.wheel(0, -600)
    desk.wait_for_timeout(800)
    assert desk.evaluate("location.hash") == together


def test_the_curtain_shows_a_part_of_the_synthetic_slide_over_the_real_one(desk: Page) -> None:
    desk.locator("#layout").select_option("curtain")
    top = desk.locator("#pane-synthetic")
    expect(desk.locator("#pane-source")).to_be_hidden()
    expect(top).to_have_css("clip-path", "inset(0px 0px 0px 50%)")
    expect(top).to_contain_text("SYNTHETIC")
    desk.locator(".curtain-slider").evaluate(
        "slider => { slider.value = 20; slider.dispatchEvent(new Event('input')); }"
    )
    expect(top).to_have_css("clip-path", "inset(0px 0px 0px 80%)")
    boxes = [desk.locator(f"#pane-{name}").bounding_box() for name in ("real", "synthetic")]
    assert boxes[0] == boxes[1]
    desk.locator("#layout").select_option("side")
    expect(desk.locator("#pane-source")).to_be_visible()


def test_a_cell_is_added_and_taken_back_and_the_numbers_follow_at_once(desk: Page) -> None:
    cells = cells_of(desk, "synthetic")
    desk.locator("#toggle-edit").click()
    expect(desk.locator("#edit-tools")).to_be_visible()
    desk.locator("[data-tool=positive]").click()
    x, y = middle_of(desk, "synthetic")
    with desk.expect_response("**/edits/") as kept:
        desk.mouse.click(x + 30, y + 20)
    assert kept.value.status == 201
    expect(desk.locator("[data-score=synthetic]")).to_contain_text(f"of {cells + 1:,} cells")
    expect(desk.locator(".machine-count")).to_contain_text(f"of {cells:,} cells; 1 edits")
    desk.keyboard.press("z")
    expect(desk.locator("[data-score=synthetic]")).to_contain_text(f"of {cells:,} cells")
    assert [edit.action for edit in CellEdit.objects.order_by("pk")] == ["add", "undo"]
    assert CellScore.objects.filter(state="done").count() == 2


def test_a_hot_spot_is_found_and_counted_on_both_slides(desk: Page) -> None:
    desk.locator("#find-hot-spots").click()
    expect(desk.locator("#part-box .score-row").first).to_contain_text("cells")
    expect(desk.locator("#part-box")).to_contain_text("Synthetic − real")
    expect(desk.locator("#part-box")).to_contain_text("G")
    desk.keyboard.press("w")
    expect(desk.locator("#draft-state")).to_have_text("Draft saved")
    assert VerdictDraft.objects.get().window["side_um"] == 300


def test_a_verdict_is_drafted_signed_once_and_reopened(desk: Page) -> None:
    desk.locator("#verdict-minor_flaws").click()
    desk.locator("#verdict-comment").fill("Nuclei at the edge are pale.")
    expect(desk.locator("#draft-state")).to_have_text("Draft saved")
    desk.reload()
    desk.wait_for_selector("body[data-ready='1']")
    expect(desk.locator("#verdict-comment")).to_have_value("Nuclei at the edge are pale.")
    expect(desk.locator("#verdict-minor_flaws")).to_be_checked()
    desk.locator("#sign").dblclick()
    expect(desk.locator("#verdict-standing")).to_contain_text("You signed")
    assert Review.objects.get().comment == "Nuclei at the edge are pale."
    desk.locator("#verdict-standing summary").click()
    desk.locator("#reopen-reason").fill("Looked again.")
    desk.locator("#reopen").click()
    expect(desk.locator("#verdict-fields")).to_be_visible()
    desk.locator("#verdict-usable").click()
    desk.locator("#sign").click()
    expect(desk.locator("#verdict-standing")).to_contain_text("usable")
    assert list(Review.objects.order_by("pk").values_list("verdict", "round")) == [("minor_flaws", 1), ("usable", 2)]


def test_sections_are_aligned_by_pairs_of_places(desk: Page) -> None:
    desk.locator("#toggle-align").click()
    for dx, dy in ((-60, -80), (60, 80)):
        for pane in ("source", "real"):
            x, y = middle_of(desk, pane)
            desk.mouse.click(x + dx, y + dy)
            # OpenSeadragon takes two quick clicks for a double one.
            desk.wait_for_timeout(500)
    expect(desk.locator("#align-hint")).to_contain_text("2 of at least 2 pairs")
    desk.locator("#align-apply").click()
    expect(desk.locator("#alignment")).to_contain_text("clinician")
    assert Alignment.objects.order_by("-version").first().version == 2
