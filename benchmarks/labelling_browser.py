"""The desk in a real browser: keys, patches, the grid of ten thousand, and a script that only types."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from accounts.models import User
from benchmarks.labelling_server import Web, percentile, signed_in_line
from tests.chromium import FLAGS, find_chromium

ROOT = Path(__file__).resolve().parent.parent

# From the key's own time stamp to the frame that the browser presented with the new count: its own Event Timing, which
# counts in steps of 8 ms and tells of nothing below 16. And to the frame after the one that shows the next patch whole.
SHORTEST_TOLD_MS = 16
WATCH = """
(shortest) => {
  const seen = (window.__seen = { painted: [], drawn: [] });
  const canvas = document.querySelector("#label-stage .viewer-canvas");
  const told = (list) => {
    for (const one of list.getEntries()) if (one.name === "keydown") seen.painted.push(one.duration);
  };
  new PerformanceObserver(told).observe({ type: "event", durationThreshold: shortest });
  document.addEventListener("keydown", (event) => {
    const watch = new MutationObserver(() => {
      watch.disconnect();
      seen.drawn.push(performance.now() - event.timeStamp);
    });
    watch.observe(canvas, { attributes: true, attributeFilter: ["data-drawn"] });
  }, { capture: true });
}
"""
FRAMES = """
(milliseconds) => new Promise((resolve) => {
  const times = []; let last = performance.now(); const end = last + milliseconds;
  const step = (now) => {
    times.push(now - last);
    last = now;
    now < end ? requestAnimationFrame(step) : resolve(times.slice(2));
  };
  requestAnimationFrame(step);
})
"""
FIRST_DRAW = """
() => new Promise((resolve) => {
  const from = performance.now();
  document.querySelector("#toggle-grid").click();
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - from)));
})
"""


@dataclass
class Typing:
    painted_ms: list[float]
    drawn_ms: list[float]
    per_hour: float
    labelled: int


@dataclass
class Grid:
    first_ms: float
    frames_ms: list[float]


@contextmanager
def reader_page(web: Web, reader: User) -> Iterator[Page]:
    chromium = find_chromium(ROOT / "frontend")
    session = signed_in_line(web.port, reader).headers["Cookie"].split("sessionid=")[1].split(";")[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.path, args=FLAGS, env={**os.environ, **chromium.environment}
        )
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        context.add_cookies([{"name": "sessionid", "value": session, "url": f"http://127.0.0.1:{web.port}"}])
        yield context.new_page()
        browser.close()


def open_desk(page: Page, web: Web, slide_pk: int) -> None:
    page.goto(f"http://127.0.0.1:{web.port}/slides/{slide_pk}/label/")
    page.wait_for_selector("body[data-ready='1']", timeout=60_000)
    page.wait_for_timeout(1500)  # the first patches are prefetched, as they are while a reader looks


def type_labels(page: Page, web: Web, slide_pk: int, patches: int, look_seconds: float) -> Typing:
    """Press T or N patch after patch, each once the patch is drawn; `look_seconds` is a reader's look at each."""
    open_desk(page, web, slide_pk)
    page.evaluate(WATCH, SHORTEST_TOLD_MS)
    began, looked = time.perf_counter(), 0.0
    for turn in range(patches):
        drawn = turn
        page.wait_for_function("(count) => window.__seen.drawn.length >= count", arg=drawn, timeout=30_000)
        page.wait_for_timeout(look_seconds * 1000)
        looked += look_seconds
        page.keyboard.press("t" if turn % 3 else "n")
    saved = "() => document.querySelector('#save-state').dataset.state === 'saved'"
    page.wait_for_function(saved, timeout=60_000)
    took = time.perf_counter() - began - looked
    seen = page.evaluate("window.__seen")
    labelled = int(page.locator("#progress-count").inner_text().replace(",", ""))
    too_short_to_tell = [float(SHORTEST_TOLD_MS)] * (patches - len(seen["painted"]))
    return Typing(seen["painted"] + too_short_to_tell, seen["drawn"], 3600 * patches / took, labelled)


def show_grid(page: Page, web: Web, slide_pk: int, seconds: float) -> Grid:
    """Open the grid, then drag it about."""
    open_desk(page, web, slide_pk)
    first = page.evaluate(FIRST_DRAW)
    page.wait_for_timeout(500)
    box = page.locator("#label-stage .viewer-canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate(f"window.__frames = ({FRAMES})({seconds * 1000})")
    page.mouse.move(x, y)
    page.mouse.down()
    until, turn = time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        turn += 1
        page.mouse.move(x + (turn % 40 - 20) * 6, y + (turn % 24 - 12) * 6)
    page.mouse.up()
    return Grid(first, page.evaluate("window.__frames"))


def p95(values: list[float]) -> float:
    return percentile(values, 95)
