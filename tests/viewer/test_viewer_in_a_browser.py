"""The slide page in a real browser: what is drawn, and what keys and buttons do."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.viewer.imaging.tiled_files import APERIO, pyramid_of, write_scan
from viewer import readers, services, tile_files
from viewer.imaging.reader import Picture
from viewer.models import Slide, SlideImport

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PageOf = Callable[[User], Page]
WINDOW = {"width": 1000, "height": 800}
# The canvas that OpenSeadragon draws the slide on, as rows of RGBA from its middle.
DRAWN = """([width, height]) => {
  const canvas = document.querySelector("#slide-viewer .openseadragon-canvas canvas");
  const [x, y] = [Math.round(canvas.width / 2 - width / 2), Math.round(canvas.height / 2 - height / 2)];
  return [...canvas.getContext("2d").getImageData(x, y, width, height).data];
}"""


@pytest.fixture(autouse=True)
def no_file_stays_open() -> Iterator[None]:
    yield
    readers.close_all()
    tile_files.close_all()


def tissue(height: int, width: int) -> Picture:
    """Pink and violet in broad waves, so that a shift of a pixel changes little and another colour much."""
    rows, columns = np.mgrid[:height, :width]
    wave = np.sin(rows / 23) * np.cos(columns / 31)
    return np.stack([190 + 50 * wave, 120 + 40 * wave, 180 - 30 * wave], axis=-1).astype(np.uint8)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """An Aperio slide with RGB tiles that carry no marker of it."""
    return write_scan(tmp_path / "scan.svs", pyramid_of(tissue(2880, 3840), 2, factor=4), rgb=True, description=APERIO)


@pytest.fixture
def slide(scan: Path, asked: Callable[..., SlideImport]) -> Slide:
    imported = services.import_slide(asked(scan).pk)
    assert imported is not None
    return imported


@pytest.fixture
def open_slide_page(page_of: PageOf, live_server: Any, pathologist: User, slide: Slide) -> Callable[[str], Page]:
    """Return a function that opens the slide's page at a position and waits until it is drawn."""

    def opened(position: str = "") -> Page:
        page = page_of(pathologist)
        page.set_viewport_size(WINDOW)  # type: ignore[arg-type]
        page.goto(f"{live_server.url}/slides/{slide.pk}/{position}")
        page.wait_for_selector("body[data-ready='1']")
        return page

    return opened


@pytest.mark.parametrize(("zoom", "level"), [(1, 0), (0.25, 1)])
def test_an_rgb_aperio_slide_is_drawn_in_openslide_s_colours(
    open_slide_page: Callable[[str], Page], scan: Path, zoom: float, level: int
) -> None:
    side = 300
    page = open_slide_page(f"#x=1920&y=1440&z={zoom}")
    drawn = np.array(page.evaluate(DRAWN, [side, side]), np.uint8).reshape(side, side, 4)[..., :3].astype(int)
    with openslide.OpenSlide(scan) as handle:
        corner = (1920 - round(side / 2 / zoom), 1440 - round(side / 2 / zoom))
        stored = np.asarray(handle.read_region(corner, level, (side, side)))[..., :3].astype(int)
    # Taken for YCbCr, the same tiles are wrong by more than 60 on average.
    assert np.abs(drawn - stored).mean() < 3


def test_keys_turn_measure_magnify_and_the_link_restores_the_view(open_slide_page: Callable[[str], Page]) -> None:
    page = open_slide_page("")
    page.keyboard.press("4")
    expect(page.locator(".scale-bar")).to_contain_text("40×")
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile(r"&r=90$"))
    page.keyboard.press("m")
    expect(page.locator("[data-key=M]")).to_have_attribute("aria-pressed", "true")
    box = page.locator("#slide-viewer").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 200, y, steps=4)
    page.mouse.up()
    # 40× of a slide of 0.25 µm shows one pixel per pixel: 200 of them are 50 µm.
    expect(page.locator(".ruler-length")).to_have_text("50\u202fµm")
    page.keyboard.press("Escape")
    expect(page.locator(".ruler-length")).to_be_hidden()
    address = page.url
    other = page.context.new_page()
    other.set_viewport_size(WINDOW)  # type: ignore[arg-type]
    other.goto(address)
    other.wait_for_selector("body[data-ready='1']")
    expect(other.locator(".scale-bar")).to_contain_text("40×")
    assert other.url == address


def test_the_help_lists_every_key_of_the_page(open_slide_page: Callable[[str], Page]) -> None:
    page = open_slide_page("")
    page.keyboard.press("?")
    listed = page.locator("dialog.help")
    for words in ("turn right", "measure", "copy link to this view", "next slide", "40×", "full screen"):
        expect(listed).to_contain_text(words)


def test_a_screen_of_two_pixels_per_pixel_gets_twice_the_detail(
    browser: Any, live_server: Any, pathologist: User, slide: Slide, page_of: PageOf
) -> None:
    ordinary = page_of(pathologist)
    asked: dict[float, set[str]] = {}
    for density in (1, 2):
        context = browser.new_context(viewport=WINDOW, device_scale_factor=density)
        context.add_cookies(ordinary.context.cookies())
        page = context.new_page()
        levels: set[str] = set()
        page.on(
            "request",
            lambda request, levels=levels: levels.update(request.url.split("/")[6:7] if "/t/" in request.url else []),
        )
        page.goto(f"{live_server.url}/slides/{slide.pk}/#x=1920&y=1440&z=0.5")
        page.wait_for_selector("body[data-ready='1']")
        asked[density] = levels
        context.close()
    assert "0" not in asked[1]
    assert "0" in asked[2]
