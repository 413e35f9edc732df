"""The comparison desk in a real browser, dragged to and fro over many counted cells."""

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from django.conf import settings
from django.core.management import call_command
from numpy.typing import NDArray
from playwright.sync_api import Page

from accounts.models import Membership, Project, Role, User
from benchmarks.figures import Figure
from benchmarks.labelling_browser import reader_page
from benchmarks.labelling_server import percentile, web_running
from benchmarks.labelling_stage import beside
from review.models import Alignment, CellScore
from viewer import services, storage
from viewer.imaging.phantom import Cut, TissueBlock
from viewer.imaging.phantom_render import Stain
from viewer.imaging.pyramid import PyramidWriter
from viewer.models import Slide

MPP = 0.5
BLOCK_PX = 1120
# Keys of the desk: the whole slide, 5 × and 20 ×.
VIEWS = {"whole slide": "0", "5 ×": "1", "20 ×": "3"}
RECORD = """
() => {
  window.__frames = []; window.__recording = true; let last = performance.now();
  const step = (now) => {
    window.__frames.push(now - last);
    last = now;
    if (window.__recording) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}
"""
STOP = "() => { window.__recording = false; return window.__frames.slice(2); }"


def measure(folder: Path, cells: int, size_px: int, seconds: float) -> Iterator[Figure]:
    """Draw the stage, open the desk, and yield the frame times of each view with and without cells."""
    call_command("migrate", verbosity=0)
    reader = User.objects.create_user(username="reader")
    synthetic = staged_pair(folder, reader, cells, size_px)
    with web_running("config.settings") as web, reader_page(web, reader) as page:
        page.goto(f"http://127.0.0.1:{web.port}/review/{synthetic.pk}/")
        page.wait_for_selector("body[data-ready='1']", timeout=60_000)
        for shown in (False, True):
            if shown:
                page.locator("#toggle-cells").click()
            for view, key in VIEWS.items():
                yield from panned(page, view, key, seconds, f"2 × {cells:,} cells" if shown else "no cells")


def panned(page: Page, view: str, key: str, seconds: float, what: str) -> list[Figure]:
    """Drag in circles for some seconds; the first round, in which tiles arrive, is not counted."""
    page.keyboard.press(key)
    page.wait_for_timeout(1500)
    box = page.locator("#pane-source").bounding_box()
    assert box is not None
    middle = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    page.mouse.move(*middle.tolist())
    page.mouse.down()
    turn_for(page, middle, 2.0)
    page.evaluate(RECORD)
    turn_for(page, middle, seconds)
    frames = page.evaluate(STOP)
    page.mouse.up()
    found = {"median": statistics.median(frames), "95 %": percentile(frames, 95), "longest": max(frames)}
    named = f"frame time while panning, {view}, {what}, {beside()}"
    return [Figure(f"{named}: {which}", milliseconds, "ms", "") for which, milliseconds in found.items()]


def turn_for(page: Page, middle: NDArray[np.float64], seconds: float) -> None:
    """Move the mouse on a circle, one turn in two seconds."""
    began = time.perf_counter()
    while (past := time.perf_counter() - began) < seconds:
        at = middle + 90 * np.array([np.cos(np.pi * past) - 1, np.sin(np.pi * past)])
        page.mouse.move(*at.tolist())
        page.wait_for_timeout(8)


def staged_pair(folder: Path, reader: User, cells: int, size_px: int) -> Slide:
    """A project with a source, a real and a published synthetic slide, counted and aligned."""
    project = Project.objects.create(name="Desk", slug="desk", drawn_tissue=True)
    Membership.objects.create(user=reader, project=project, role=Role.CLINICIAN)
    block = TissueBlock(size_px=BLOCK_PX, mpp=MPP, seed=11)
    files = {}
    drawn: dict[str, tuple[Cut, Stain]] = {
        "he": ("HE", "HE"),
        "real": ("KI67", "HDAB"),
        "synthetic": ("HE", "HDAB"),
    }
    for name, (cut, stain) in drawn.items():
        files[name] = folder / f"{name}.tif"
        write_tiled(files[name], block.render(cut, stain), size_px)
    source, real = (brought_in(project, files[name], stain) for name, stain in (("he", "HE"), ("real", "KI67")))
    synthetic = services.publish_slide(
        services.register_synthetic_slide(source, files["synthetic"], MPP, "ab" * 32, stain="KI67")
    )
    for seed, slide in enumerate((real, synthetic)):
        count(slide, cells, np.random.default_rng(seed))
    Alignment.objects.create(
        fixed=source, moving=real, matrix=[1, 0.02, 40, -0.02, 1, -25], correlation=0.9, method="automatic affine"
    )
    return synthetic


def write_tiled(path: Path, tissue: NDArray[np.uint8], size_px: int) -> None:
    strip = np.tile(tissue, (1, -(-size_px // BLOCK_PX), 1))[:, :size_px]
    with PyramidWriter(path, size_px, size_px, mpp=MPP) as pyramid:
        for top in range(0, size_px, BLOCK_PX):
            pyramid.write_rows(strip[: min(BLOCK_PX, size_px - top)])


def brought_in(project: Project, path: Path, stain: str) -> Slide:
    asked = services.request_import(path=path, project=project, case_name="Case 1", stain=stain, by=None)
    slide = services.import_slide(asked.pk)
    assert slide is not None, "a file of our own writing is taken"
    return slide


def count(slide: Slide, cells: int, rng: np.random.Generator) -> CellScore:
    """A finished count of cells at random places, a fifth of them positive."""
    places = rng.uniform(0, [slide.width_l0, slide.height_l0], (cells, 2))
    places = places[np.argsort(places[:, 1], kind="stable")].astype(np.float32)
    is_positive = rng.random(cells) < 0.2
    positive = int(is_positive.sum())
    score = CellScore.objects.create(
        slide=slide,
        slide_version=slide.version,
        calibrated_on=slide,
        state=CellScore.State.DONE,
        progress=1,
        positive=positive,
        negative=cells - positive,
        ratio=positive / cells,
        parameters={"method": "drawn by chance", "dab_threshold": 0.2},
        cells_key=f"scores/benchmark-{slide.pk}.npz",
    )
    area_um2, dab = rng.uniform(30, 80, cells), np.where(is_positive, 0.4, 0.05)
    settings.LAYOUT.work.mkdir(parents=True, exist_ok=True)
    path = settings.LAYOUT.work / f"cells-{slide.pk}-{os.getpid()}.npz"
    with path.open("wb") as file:
        np.savez(
            file,
            x=places[:, 0],
            y=places[:, 1],
            is_positive=is_positive,
            area_um2=area_um2.astype(np.float32),
            dab=dab.astype(np.float32),
        )
    storage.save_file(path, score.cells_key, may_link=True)
    return score
