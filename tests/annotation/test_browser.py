"""The desk in a real browser: what survives a reload, a lost network, a closed tab, and a second tab."""

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from annotation.models import Remark, WeakLabel
from tests.annotation.conftest import give
from viewer import readers
from viewer.models import Slide

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PageOf = Callable[[User], Page]


@pytest.fixture(autouse=True)
def no_reader_stays_open() -> Iterator[None]:
    yield
    readers.close_all()


@pytest.fixture
def desk(page_of: PageOf, live_server: Any, pathologist: User, slide: Slide) -> Page:
    """The labelling page of a slide of four patches with tissue."""
    page = page_of(pathologist)
    open_desk(page, f"{live_server.url}/slides/{slide.pk}/label/")
    return page


def open_desk(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("body[data-ready='1']")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def all_saved(page: Page) -> None:
    expect(page.locator("#save-state")).to_have_text("All saved", timeout=15_000)


def pixels(page: Page) -> np.ndarray:
    """The middle of the stage, where the patch is."""
    box = page.locator("#label-stage .viewer-canvas").bounding_box()
    assert box is not None
    picture = page.screenshot(
        clip={"x": box["x"] + box["width"] / 2 - 200, "y": box["y"] + 60, "width": 400, "height": 400}
    )
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def written() -> list[tuple[str | None, str]]:
    return list(WeakLabel.objects.order_by("pk").values_list("value", "act"))


def test_undo_goes_on_after_the_page_was_loaded_again(desk: Page) -> None:
    press(desk, "t", "n", "u")
    all_saved(desk)
    desk.reload()
    desk.wait_for_selector("body[data-ready='1']")
    press(desk, "z", "z", "z", "z", "Shift+Z")
    all_saved(desk)
    expect(desk.locator("#progress-count")).to_have_text("1")
    assert written() == [
        ("tumor", "label"),
        ("normal", "label"),
        ("unsure", "label"),
        (None, "undo"),
        (None, "undo"),
        (None, "undo"),
        ("tumor", "redo"),
    ]


def test_labels_given_without_a_network_survive_the_closed_tab(
    desk: Page, browser_context: BrowserContext, live_server: Any, slide: Slide
) -> None:
    browser_context.set_offline(True)
    press(desk, "t", "n")
    expect(desk.locator("#save-state")).to_contain_text("Not saved yet: 2")
    assert WeakLabel.objects.count() == 0
    desk.close()
    browser_context.set_offline(False)
    again = browser_context.new_page()
    open_desk(again, f"{live_server.url}/slides/{slide.pk}/label/")
    all_saved(again)
    expect(again.locator("#progress-count")).to_have_text("2")
    assert written() == [("tumor", "label"), ("normal", "label")]
    assert WeakLabel.objects.values("uuid").distinct().count() == 2


def test_two_tabs_show_each_others_labels_and_neither_loses_one(
    desk: Page, browser_context: BrowserContext, live_server: Any, slide: Slide
) -> None:
    other = browser_context.new_page()
    open_desk(other, f"{live_server.url}/slides/{slide.pk}/label/")
    press(desk, "t")
    all_saved(desk)
    expect(other.locator("#progress-count")).to_have_text("1")
    press(other, "ArrowRight", "n")
    all_saved(other)
    expect(desk.locator("#progress-count")).to_have_text("2")
    assert sorted(WeakLabel.objects.values_list("patch__row", "value")) == [(0, "tumor"), (1, "normal")]


def test_a_label_given_elsewhere_is_shown_and_not_overwritten(desk: Page, pathologist: User, slide: Slide) -> None:
    theirs = give(slide.patches.filter(offered=True).order_by("row")[0], "exclude", pathologist)
    press(desk, "t")
    expect(desk.locator("#conflict")).to_be_visible()
    expect(desk.locator("#conflict-text")).to_contain_text("Exclude. Here you said Tumour. Nothing was overwritten.")
    desk.locator("#keep-mine").click()
    all_saved(desk)
    assert WeakLabel.objects.get(replaces=theirs).value == "tumor"


def test_a_flag_and_a_comment_are_given_by_keyboard(desk: Page) -> None:
    press(desk, "f", "c")
    desk.keyboard.type("Mitoses?")
    press(desk, "Enter", "t")
    all_saved(desk)
    assert list(Remark.objects.order_by("pk").values_list("kind", "text")) == [("flag", ""), ("comment", "Mitoses?")]
    press(desk, "ArrowLeft", "h")
    expect(desk.locator("#history-box")).to_contain_text(re.compile("flagged for discussion.*“Mitoses.”.*Tumour", re.S))


def test_a_rectangle_in_the_grid_is_labelled_by_one_key_and_undone_by_one(desk: Page) -> None:
    press(desk, "g")
    press(desk, "a")
    expect(desk.locator("#selected-count")).to_have_text("4 selected")
    press(desk, "n")
    all_saved(desk)
    expect(desk.locator("[data-count=normal] dd")).to_have_text("4")
    assert WeakLabel.objects.values("step").distinct().count() == 1
    press(desk, "z")
    all_saved(desk)
    expect(desk.locator("#progress-count")).to_have_text("0")


def test_dragging_with_shift_selects_the_patches_under_the_rectangle(desk: Page) -> None:
    press(desk, "g")
    box = desk.locator("#label-stage .viewer-canvas").bounding_box()
    middle = box["x"] + box["width"] / 2
    desk.keyboard.down("Shift")
    desk.mouse.move(middle - 300, box["y"] + 60)
    desk.mouse.down()
    desk.mouse.move(middle + 300, box["y"] + box["height"] - 130, steps=6)
    desk.mouse.up()
    desk.keyboard.up("Shift")
    expect(desk.locator("#selected-count")).to_contain_text(re.compile(r"^[1-9]\d* selected$"))


def test_what_otsu_dropped_is_brought_in_and_asked_for(desk: Page, slide: Slide) -> None:
    press(desk, "g")
    desk.locator("[data-tool=rectangle]").click()
    box = desk.locator("#label-stage .viewer-canvas").bounding_box()
    # The slide is five patches wide and four high; only its first column has tissue.
    desk.mouse.click(box["x"] + box["width"] / 2, box["y"] + 52 + (box["height"] - 176) / 2 + 20)
    expect(desk.locator("#selected-count")).to_have_text("1 selected")
    press(desk, "b")
    expect(desk.locator("#progress-total")).to_have_text("5")
    all_saved(desk)
    patch = slide.patches.get(offered=True, by_otsu=False)
    assert [(row.offered, row.by.username) for row in patch.overrules.all()] == [(True, "pathologist")]
    desk.reload()
    desk.wait_for_selector("body[data-ready='1']")
    press(desk, "z")
    expect(desk.locator("#progress-total")).to_have_text("4")
    press(desk, "Shift+Z")
    expect(desk.locator("#progress-total")).to_have_text("5")
    all_saved(desk)
    assert [(row.offered, row.act) for row in patch.overrules.all()] == [
        (True, "overrule"),
        (False, "undo"),
        (True, "redo"),
    ]
    press(desk, "h")
    said = re.compile("brought in.*left out.*undone.*brought in.*redone", re.S)
    expect(desk.locator("#history-box")).to_contain_text(said)


def test_the_next_patch_is_painted_ahead_and_looks_as_the_viewer_draws_it(desk: Page) -> None:
    stage = desk.locator("#label-stage .viewer-canvas")
    expect(stage).to_have_attribute("data-drawn", re.compile(r"\d+"))
    desk.wait_for_timeout(1500)  # the worker paints while a reader looks
    press(desk, "t")
    expect(stage).to_have_attribute("data-pictured", "true")
    ahead = pixels(desk)
    press(desk, "+")
    expect(stage).to_have_attribute("data-pictured", "false")
    press(desk, "0")
    desk.wait_for_timeout(1500)  # the view comes to rest
    assert np.abs(pixels(desk) - ahead).mean() < 8
    press(desk, "n", "z")
    expect(stage).to_have_attribute("data-pictured", "true")


def test_a_role_taken_away_in_mid_work_holds_the_labels_and_says_why(desk: Page, pathologist: User) -> None:
    pathologist.memberships.update(role="clinician")
    press(desk, "t")
    expect(desk.locator("#held")).to_be_visible()
    expect(desk.locator("#held")).to_contain_text("kept on this computer")
    assert WeakLabel.objects.count() == 0
    pathologist.memberships.update(role="pathologist")
    desk.locator("#held button").click()
    all_saved(desk)
    assert written() == [("tumor", "label")]


def test_a_finished_slide_goes_to_the_queue_as_done(desk: Page) -> None:
    press(desk, "t", "n", "t", "x")
    all_saved(desk)
    desk.locator("#finish").click()
    expect(desk.locator("table.work")).to_contain_text("done")


def test_the_order_is_chosen_and_written_with_the_label(desk: Page, live_server: Any, slide: Slide) -> None:
    open_desk(desk, f"{live_server.url}/slides/{slide.pk}/label/?order=random:3")
    expect(desk.locator("#order")).to_have_value("random")
    press(desk, "t")
    all_saved(desk)
    assert WeakLabel.objects.get().order == "random:3"
