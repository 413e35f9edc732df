"""The desk under fingers, on a tablet: labels, previous and next, zoom by pinching, a lasso, buttons large enough."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import CDPSession, FloatRect, Page, expect

from accounts.models import User
from annotation.models import WeakLabel
from viewer import readers
from viewer.models import Slide

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PageOf = Callable[[User], Page]
Place = tuple[float, float]
SMALLEST_TARGET_PX = 44


@pytest.fixture(autouse=True)
def no_reader_stays_open() -> Iterator[None]:
    yield
    readers.close_all()


class Fingers:
    """Touches a page as a tablet would: by touch events, from which the browser makes pointers and clicks."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._line: CDPSession = page.context.new_cdp_session(page)
        self._line.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})

    def _send(self, kind: str, *places: Place) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self._line.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def tap(self, selector: str) -> None:
        box = self.page.locator(selector).bounding_box()
        assert box is not None, selector
        self._send("touchStart", (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
        self._send("touchEnd")

    def drag(self, *places: Place) -> None:
        self._send("touchStart", places[0])
        for place in places[1:]:
            self._send("touchMove", place)
            self.page.wait_for_timeout(40)
        self.page.wait_for_timeout(200)  # at rest: a finger that flies off would have the next tap stop the fling only
        self._send("touchEnd")
        self.page.wait_for_timeout(200)

    def spread(self, middle: Place, start: float, end: float) -> None:
        """Two fingers move apart, from `start` to `end` pixels from the middle."""
        x, y = middle
        self._send("touchStart", (x - start, y), (x + start, y))
        for step in range(1, 9):
            reach = start + (end - start) * step / 8
            self._send("touchMove", (x - reach, y), (x + reach, y))
            self.page.wait_for_timeout(20)
        self._send("touchEnd")


@pytest.fixture
def fingers(page_of: PageOf, live_server: Any, pathologist: User, slide: Slide) -> Fingers:
    """On the labelling page of a slide of four patches with tissue, its first column."""
    page = page_of(pathologist)
    page.set_viewport_size({"width": 1024, "height": 768})
    touching = Fingers(page)
    page.goto(f"{live_server.url}/slides/{slide.pk}/label/")
    page.wait_for_selector("body[data-ready='1']")
    return touching


def stage_box(page: Page) -> FloatRect:
    box = page.locator("#label-stage .viewer-canvas").bounding_box()
    assert box is not None
    return box


def all_saved(page: Page) -> None:
    expect(page.locator("#save-state")).to_have_text("All saved", timeout=15_000)


def test_a_slide_is_labelled_by_taps(fingers: Fingers) -> None:
    fingers.tap("[data-label-key=T]")
    fingers.tap("#next")
    fingers.tap("[data-label-key=N]")
    fingers.tap("#undo")
    fingers.tap("#previous")
    fingers.tap("[data-label-key=X]")
    expect(fingers.page.locator("[data-count=exclude] dd")).to_have_text("1")
    all_saved(fingers.page)
    assert list(WeakLabel.objects.order_by("pk").values_list("patch__row", "value", "route")) == [
        (0, "tumor", "touch"),
        (2, "normal", "touch"),
        (2, None, "touch"),
        (1, "exclude", "touch"),
    ]


def test_every_button_of_the_desk_is_large_enough_for_a_finger(fingers: Fingers) -> None:
    for mode in ("patch", "grid"):
        if mode == "grid":
            fingers.tap("#toggle-grid")
        buttons = fingers.page.locator("#label-stage button:visible, .side-foot button:visible")
        assert buttons.count() >= 9
        for box in (buttons.nth(number).bounding_box() for number in range(buttons.count())):
            assert box is not None
            assert min(box["width"], box["height"]) >= SMALLEST_TARGET_PX


def test_two_fingers_zoom_into_the_patch(fingers: Fingers) -> None:
    scale = fingers.page.locator("#label-stage .scale-bar span")
    before = scale.inner_text()
    box = stage_box(fingers.page)
    fingers.spread((box["x"] + box["width"] / 2, box["y"] + box["height"] / 3), 30, 150)
    expect(scale).not_to_have_text(before)
    fingers.tap("[data-label-key=T]")
    expect(fingers.page.locator("#progress-count")).to_have_text("1")
    all_saved(fingers.page)
    expect(scale).to_have_text(before)


def test_a_finger_draws_a_lasso_and_labels_what_is_in_it(fingers: Fingers) -> None:
    fingers.tap("#toggle-grid")
    fingers.tap("[data-tool=lasso]")
    box = stage_box(fingers.page)
    left, top = box["x"] + 4, box["y"] + 4
    right, bottom = box["x"] + box["width"] - 4, box["y"] + box["height"] - 130
    fingers.drag((left, top), (right, top), (right, bottom), (left, bottom), (left, top + 8))
    expect(fingers.page.locator("#grid-selected")).to_be_visible()
    fingers.tap("[data-selected-key=N]")
    expect(fingers.page.locator("#progress-count")).not_to_have_text("0")
    all_saved(fingers.page)
    assert set(WeakLabel.objects.values_list("value", "route")) == {("normal", "touch")}
    fingers.tap("#grid-undo")
    expect(fingers.page.locator("#progress-count")).to_have_text("0")
