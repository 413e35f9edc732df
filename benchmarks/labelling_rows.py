"""The rows of the labelling table: what was measured, the goal, the figure."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command

from accounts.models import User
from benchmarks import labelling_browser as browser
from benchmarks import labelling_server as server
from benchmarks.figures import Figure
from benchmarks.labelling_stage import (
    GRID_PATCH_PX,
    PATCH_PX,
    beside,
    drawn_slide,
    grid_slide,
    make_project,
    make_reader,
)
from viewer.models import Slide


@dataclass(frozen=True)
class Row:
    """What was measured, the goal, and the figure as it is printed; `numbers` are the same, with their units."""

    name: str
    goal: str
    measured: str
    numbers: dict[str, tuple[float, str]]

    def as_markdown(self) -> str:
        return f"| {self.name} | {self.goal} | {self.measured} |"

    def figures(self) -> list[Figure]:
        return [
            Figure(f"{self.name}: {what}" if what else self.name, value, unit, self.goal)
            for what, (value, unit) in self.numbers.items()
        ]


def measure(folder: Path, *, full: bool, only: str | None) -> Iterator[Row]:
    call_command("migrate", verbosity=0)
    cells = make_project("cells", GRID_PATCH_PX, 16)
    crowd = [make_reader(f"reader{number:02d}", cells) for number in range(server.READERS)]
    grid = grid_slide(cells, folder)
    print(
        f"| figure | goal | measured ({'full' if full else 'short'} run, {beside()}) |\n| --- | --- | --- |", flush=True
    )
    with server.web_running() as web:
        if only != "browser":
            yield from _server_rows(web, crowd, grid, full=full)
        if only != "server":
            yield from _browser_rows(web, crowd[0], grid, folder, full=full)


def _server_rows(web: server.Web, readers: list[User], grid: Slide, *, full: bool) -> Iterator[Row]:
    seconds, kills, per_round = (60.0, server.KILLS, 60) if full else (8.0, 3, 25)
    patches = list(grid.patches.order_by("pk").values_list("pk", flat=True))
    single, steady, killed = patches[:1000], patches[1000:3000], patches[3000:6000]
    cost = server.write_cost(web.port, readers[0], single, per_round)
    yield Row(
        "label write against a view that writes nothing, medians of interleaved rounds",
        "≤ 2 ×",
        f"{statistics.median(cost.ratios):.2f} × (rounds {min(cost.ratios):.2f}–{max(cost.ratios):.2f}); "
        f"{cost.label_ms:.1f} ms against {cost.nothing_ms:.1f} ms; bare INSERT and commit {cost.insert_ms:.2f} ms",
        {"": (statistics.median(cost.ratios), "×")},
    )
    many = server.crowd(web, readers, steady, seconds)
    yield Row(
        f"{server.READERS} readers at {server.LABELS_PER_SECOND} labels/s for {seconds:.0f} s",
        "p99 ≤ 200 ms, none lost, none doubled",
        f"p50 {server.percentile(many.milliseconds, 50):.0f} ms, "
        f"p99 {server.percentile(many.milliseconds, 99):.0f} ms; "
        f"{len(many.acknowledged)} of {many.asked} acknowledged, {many.lost} lost, {many.doubled} doubled ({beside()})",
        {
            "p50": (server.percentile(many.milliseconds, 50), "ms"),
            "p99": (server.percentile(many.milliseconds, 99), "ms"),
            "lost": (many.lost, "labels"),
            "doubled": (many.doubled, "labels"),
        },
    )
    hard = server.crowd(web, readers, killed, seconds, kills)
    yield Row(
        f"web server killed with -9 {kills} times during {seconds:.0f} s, clients retrying",
        "every acknowledged label is there, once",
        f"{len(hard.acknowledged)} of {hard.asked} acknowledged, {hard.lost} lost, {hard.doubled} doubled",
        {"lost": (hard.lost, "labels"), "doubled": (hard.doubled, "labels")},
    )


def _browser_rows(web: server.Web, reader: User, grid: Slide, folder: Path, *, full: bool) -> Iterator[Row]:
    columns, rows = (15, 14) if full else (6, 5)
    patches = 200 if full else 25
    project = make_project("desk", PATCH_PX, 224)
    typist = make_reader("typist", project)
    slide = drawn_slide(project, columns, rows, PATCH_PX, folder)
    with browser.reader_page(web, typist) as page:
        typed = browser.type_labels(page, web, slide.pk, patches, look_seconds=0.4)
    painted, drawn = browser.p95(typed.painted_ms), browser.p95(typed.drawn_ms)
    yield Row("key press to painted label, p95", "≤ 50 ms", f"{painted:.0f} ms", {"": (painted, "ms")})
    yield Row(
        "next patch fully drawn after the key, prefetched, p95",
        "≤ 150 ms",
        f"{drawn:.0f} ms (median {statistics.median(typed.drawn_ms):.0f} ms)",
        {"": (drawn, "ms")},
    )
    yield Row(
        f"keyboard-only script over {patches} patches of {PATCH_PX} px",
        "≥ 500 labels/h reachable",
        f"{typed.labelled} labelled; the software allows {typed.per_hour:,.0f} labels/h, a reader's look not counted",
        {"": (typed.per_hour, "labels/h")},
    )
    with browser.reader_page(web, reader) as page:
        shown = browser.show_grid(page, web, grid.pk, 4.0 if full else 2.0)
    frames = shown.frames_ms
    yield Row(
        f"grid of {grid.patches.count():,} patches: first draw, then frame time while panning, p95",
        "≤ 1 s, ≤ 20 ms",
        f"{shown.first_ms:.0f} ms, {browser.p95(frames):.1f} ms (median {statistics.median(frames):.1f}, {beside()})",
        {"first draw": (shown.first_ms, "ms"), "frame time, p95": (browser.p95(frames), "ms")},
    )
