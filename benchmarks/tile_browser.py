"""How long a viewer takes in a real browser: `python -m benchmarks.tile_browser URL USER PASSWORD /slides/1/ …`.

Each page is opened in fresh profiles, so that the browser has nothing of it. Prints the median time from the start of
the navigation until every tile in view is drawn, and what was asked for. A position may follow: /slides/1/#x=9&y=9&z=1.
"""

import argparse
import os
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Request, ViewportSize, sync_playwright

from benchmarks.figures import Figure, add_json_option, write_figures
from tests.chromium import FLAGS, find_chromium

ROUNDS = 5
WINDOW: ViewportSize = {"width": 1920, "height": 1080}
PROJECT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "username", "password"):
        parser.add_argument(name)
    parser.add_argument("paths", nargs="+", metavar="PAGE")
    add_json_option(parser)
    options = parser.parse_args()
    url, figures = options.url, []
    chromium = find_chromium(PROJECT / "frontend")
    environment: dict[str, str | float | bool] = {**os.environ, **chromium.environment}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.path, args=FLAGS, env=environment)
        signing_in = browser.new_context()
        page = signing_in.new_page()
        page.goto(f"{url}/accounts/login/")
        page.fill("input[name=username]", options.username)
        page.fill("input[name=password]", options.password)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{url}/")
        cookies = [cookie for cookie in signing_in.cookies() if not cookie["name"].startswith("tiles-")]
        print("| page | all tiles drawn after (ms) | tiles asked for | kB of tiles |\n| --- | --- | --- | --- |")
        for path in options.paths:
            seen = [opened(browser, cookies, url + path) for _ in range(ROUNDS)]
            times = [milliseconds for milliseconds, _tiles, _size in seen]
            _times, tiles, sizes = zip(*seen, strict=True)
            spread = f"{median(times):.0f} ({min(times):.0f}–{max(times):.0f})"
            print(f"| {path} | {spread} | {median(tiles):.0f} | {median(sizes) / 1000:.0f} |", flush=True)
            figures.append(Figure(f"{path}: all tiles drawn", median(times), "ms", ""))
            figures.append(Figure(f"{path}: tiles asked for", median(tiles), "tiles", ""))
        browser.close()
    write_figures(options.json, figures)


def opened(browser: Browser, cookies: list, address: str) -> tuple[float, int, int]:
    """Open a page in a fresh profile; return milliseconds, tiles, and bytes of them."""
    context = browser.new_context(viewport=WINDOW)
    context.add_cookies(cookies)
    page = context.new_page()
    sizes: list[int] = []

    def note(request: Request) -> None:
        answer = request.response()
        if "/t/" in request.url and answer is not None:
            sizes.append(int(answer.headers.get("content-length", 0)))

    page.on("requestfinished", note)
    started = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector("body[data-ready='1']", timeout=60_000)
    elapsed = (time.perf_counter() - started) * 1000
    page.wait_for_timeout(300)
    context.close()
    return elapsed, len(sizes), sum(sizes)


if __name__ == "__main__":
    main()
