"""The pathologist's and the clinician's desks in a real browser, on drawn slides that went the whole way in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Project, User
from annotation.models import WeakLabel
from annotation.services import change_grid_settings
from review.models import Review
from viewer import readers, services
from viewer.imaging.phantom import Cut, TissueBlock, write_section
from viewer.imaging.phantom_render import Stain
from viewer.models import Slide

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PageOf = Callable[[User], Page]
STAINING: dict[Cut, Stain] = {"HE": "HE", "KI67": "HDAB"}


@pytest.fixture(autouse=True)
def no_reader_stays_open() -> Iterator[None]:
    yield
    readers.close_all()


@pytest.fixture
def sections(project: Project, lead: User, tmp_path: Path) -> dict[str, Slide]:
    """Both sections of a drawn block, imported, cut into patches of 448 px."""
    change_grid_settings(project, patch_px=448, instance_px=112)
    block = TissueBlock(size_px=1344, mpp=0.5, seed=5)
    slides: dict[str, Slide] = {}
    for cut, stain in STAINING.items():
        path = tmp_path / f"{cut}.tif"
        write_section(block, cut, stain, path)
        asked = services.request_import(path=path, project=project, case_name="Case 1", stain=cut, by=lead)
        slides[cut] = services.import_slide(asked.pk)
    return slides


def test_patches_are_labelled_by_keyboard(
    page_of: PageOf, live_server: Any, pathologist: User, sections: dict[str, Slide]
) -> None:
    page = page_of(pathologist)
    page.goto(f"{live_server.url}/slides/{sections['HE'].pk}/label/")
    page.wait_for_selector("body[data-ready='1']")
    for key in ("t", "n", "t", "z"):
        page.keyboard.press(key)
    expect(page.locator("#save-state")).to_have_text("All saved")
    written = list(WeakLabel.objects.order_by("pk").values_list("value", "route"))
    assert written == [("tumor", "key"), ("normal", "key"), ("tumor", "key"), (None, "key")]
    page.reload()
    expect(page.locator("#progress")).to_contain_text("2 of")


def test_a_synthetic_slide_is_compared_and_signed(
    page_of: PageOf, live_server: Any, clinician: User, sections: dict[str, Slide], tmp_path: Path
) -> None:
    twin = tmp_path / "twin.tif"
    write_section(TissueBlock(size_px=1344, mpp=0.5, seed=5), "HE", "HDAB", twin)
    synthetic = services.publish_slide(services.register_synthetic_slide(sections["HE"], twin, 0.5, "ab" * 32))
    page = page_of(clinician)
    page.goto(f"{live_server.url}/review/{synthetic.pk}/")
    page.wait_for_selector("body[data-ready='1']")
    expect(page.locator("#review-panes")).to_contain_text("SYNTHETIC")
    page.locator("#verdict-usable").click()
    with page.expect_response("**/api/v1/reviews/") as signed:
        page.locator("#sign").click()
    assert signed.value.status == 201
    assert Review.objects.get().verdict == "usable"
