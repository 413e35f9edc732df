"""Every figure of the counting table, with one command: `python -m benchmarks.cells [--only NAME …]`.

Adjudicated fields, weak and strong stain, drawn sections, the OS-2 field, speed against the plain pipeline of
`prototypes/count_plain.py` run unchanged, tiling, memory and time of a whole slide. One thread unless a row says more.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import tifffile

from benchmarks.fields import Field, Tally, adjudicated_fields, f1, score
from benchmarks.figures import Figure, add_json_option, write_figures
from viewer.imaging.cells import CellCount, CountParameters, calibrate, count_slide
from viewer.imaging.pyramid import PyramidWriter
from viewer.imaging.slides import open_slide

SHARED = Path(os.environ.get("COUNTERSTAIN_DATA", Path(__file__).parents[2] / "shared" / "data")).resolve().parent
MPP = 0.5
PHANTOM_PX, SEEDS = 2240, (21, 22, 23, 24)
LOOKS: dict[str, dict[str, float]] = {"normal": {}, "pale": {"counterstain": 0.20, "dab_strength": 0.45}}
OS2_MPP, OS2_RANGE = 0.2271, (0.119, 0.205)
SPEED_ROUNDS = 5
SLIDE_TIMES = 10
SLIDE_THREADS = (1, 8)


FOUND: list[Figure] = []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(SECTIONS), help="some of the sections")
    add_json_option(parser)
    parser.add_argument("--whole-slide", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.whole_slide:
        print(json.dumps(measure_slide(options.whole_slide, options.threads)))
        return
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, one thread")
    for name, section in SECTIONS.items():
        if not options.only or name in options.only:
            section()
    write_figures(options.json, FOUND)


def fields() -> None:
    """F1, pooled positives and ratio error of the real fields as they are, each calibrated on itself."""
    tallies = []
    for field in adjudicated_fields(SHARED / "data"):
        count = counted(field)
        tallies.append(judged(field, count))
        print(
            f"  {field.name:9} F1 {tallies[-1].f1:.3f}  ratio {count.ratio:.3f} of {field.ratio:.3f}  "
            f"detection {count.parameters['detection_threshold']:.3f}  DAB {count.parameters['dab_threshold']:.3f}"
        )
    f1_mean, pooled = mean_f1(tallies), pooled_positives(tallies)
    row("real fields, F1 of all nuclei", f1_mean, f"{f1_mean:.3f}", ".90", ".93", f1_mean >= 0.90)
    row("real fields, positives pooled", pooled, f"{pooled:.3f}", ".92", ".95", pooled >= 0.92)
    error = mean_error(tallies)
    row("real fields, |ratio error|", error, f"{error:.4f}", ".015", ".010", error <= 0.015)


def stains() -> None:
    """The worst field when all optical density is scaled."""
    worst = min(
        (judged(field, counted(field)).f1, f"{name} × {strength}")
        for strength in (0.6, 1.5)
        for name, field in ((field.name, field.restained(strength)) for field in adjudicated_fields(SHARED / "data"))
    )
    row("worst field, stain × .6 and × 1.5", worst[0], f"{worst[0]:.3f} ({worst[1]})", ".85", ".88", worst[0] >= 0.85)


def phantoms() -> None:
    """Drawn sections with exact truth, each calibrated on itself."""
    for look, must, aim, most, wish in (("normal", 0.945, 0.97, 0.010, 0.005), ("pale", 0.88, 0.94, 0.030, 0.010)):
        tallies = [judged(field, counted(field)) for field in drawn(look)]
        found, error = mean_f1(tallies), mean_error(tallies)
        row(f"phantoms, {look}, F1", found, f"{found:.3f}", f"{must}", f"{aim}", found >= must)
        row(f"phantoms, {look}, |ratio error|", error, f"{error:.4f}", f"{most}", f"{wish}", error <= most)


def os2() -> None:
    """One Ki-67 field without a manual truth: the ratio must lie in QuPath's range."""
    picture = os2_picture()
    field = Field("OS-2", picture, OS2_MPP, np.empty((0, 2)), np.empty(0, bool), np.empty((0, 2)))
    count = counted(field)
    assert count.ratio is not None
    bands = ", ".join(f"{at['dab_threshold']:g}: {at['ratio']:.3f}" for at in count.sensitivity)
    inside = OS2_RANGE[0] <= count.ratio <= OS2_RANGE[1]
    row(f"OS-2 ratio of {count.total} cells ({bands})", count.ratio, f"{count.ratio:.3f}", ".119–.205", "", inside)


def speed() -> None:
    """The plain pipeline, unchanged, and ours on the same pixels at 0.5 µm/px, in turns; compilation excluded."""
    plain = prototype("count_plain")
    fields = [*drawn("normal", seeds=SEEDS[:1])]
    halved = [halve(field) for field in adjudicated_fields(SHARED / "data")]
    os2_half = cv2.resize(os2_picture(), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    for name, pictures in (
        ("phantom", [field.picture for field in fields]),
        ("OS-2", [np.ascontiguousarray(os2_half)]),
    ):
        parameters = [calibrate(reader_of(picture), MPP) for picture in pictures]
        # Once for the compiler and the caches.
        count_all(pictures, parameters)
        ours, theirs = [], []
        for _ in range(SPEED_ROUNDS):
            ours.append(both_times(partial(count_all, pictures, parameters)))
            theirs.append(both_times(partial(list, map(plain.count, pictures))))
        megapixels = sum(p.shape[0] * p.shape[1] for p in pictures) / 1e6
        for clock, which in enumerate(("wall clock", "processor")):
            times = sorted(their[clock] / our[clock] for our, their in zip(ours, theirs, strict=True))
            middle = times[len(times) // 2]
            rate = f"{megapixels / float(np.median([our[clock] for our in ours])):.1f} Mpx/s"
            found = f"{middle:.0f}× ({times[0]:.0f}–{times[-1]:.0f})"
            row(f"speed against plain, {name}, {which} ({rate})", middle, found, "25×", "50×", middle >= 25, "×")
    for name, some in (("phantom", fields), ("fields", halved)):
        theirs_f1 = mean_f1([judged_plain(field, plain.count(field.picture)) for field in some])
        ours_f1 = mean_f1([judged(field, counted(field)) for field in some])
        print(f"  F1 on the same pixels, {name}: plain {theirs_f1:.3f}, ours {ours_f1:.3f}")


def tiling() -> None:
    """Cells that differ between tilings of one slide."""
    picture = next(iter(drawn("normal", seeds=SEEDS[:1]))).picture
    parameters = calibrate(reader_of(picture), MPP)
    whole = cells_of(count_slide(reader_of(picture), MPP, parameters, tile_px=4096))
    changed = {
        tile_px: len(whole ^ cells_of(count_slide(reader_of(picture), MPP, parameters, tile_px=tile_px)))
        for tile_px in (256, 320, 512, 1000, 2048)
    }
    row(
        f"cells of {len(whole)} that change with the tiling",
        max(changed.values()),
        f"{max(changed.values())}",
        "0",
        "0",
        not any(changed.values()),
        "cells",
    )


def slide() -> None:
    """A whole slide in a process of its own: peak memory, and time against decoding its tiles alone."""
    picture = next(iter(drawn("normal", seeds=SEEDS[:1]))).picture
    side = SLIDE_TIMES * PHANTOM_PX
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slide.tif"
        with PyramidWriter(path, side, side, MPP) as writer:
            for _ in range(SLIDE_TIMES):
                writer.write_rows(np.tile(picture, (1, SLIDE_TIMES, 1)))
        command = [sys.executable, "-m", "benchmarks.cells", "--whole-slide", str(path), "--threads"]
        for threads in SLIDE_THREADS:
            answer = subprocess.run([*command, str(threads)], check=True, capture_output=True, text=True).stdout
            found = json.loads(answer)
            what = f"slide of {side} px, {threads} thread{'s' if threads > 1 else ''}"
            peak = found["peak_mb"]
            row(f"{what}, peak memory", peak, f"{peak:.0f} MB", "1000 MB", "", peak <= 1000, "MB")
            times = found["count_s"] / found["decode_s"]
            told = f"{what}, {found['cells']:,} cells in {found['wall_s']:.1f} s, processor time against decoding"
            row(told, times, f"{times:.2f}×", "3×", "2×", times <= 3, "×")


def measure_slide(path: Path, threads: int) -> dict[str, float]:
    with open_slide(path) as reader:
        # Compile on a small picture first.
        parameters = calibrate(reader, MPP)
        count_slide(reader, MPP, parameters, (0, 0, 512, 512))
        _, decode_s = both_times(lambda: decode(reader))
        count: list[CellCount] = []
        wall_s, count_s = both_times(lambda: count.append(count_slide(reader, MPP, parameters, threads=threads)))
    return {
        "decode_s": decode_s,
        "count_s": count_s,
        "wall_s": wall_s,
        "peak_mb": peak_memory_mb(),
        "cells": count[0].total,
    }


def peak_memory_mb() -> float:
    """Read the high-water mark of this process; getrusage would count what the parent held when it started us."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def decode(reader: Any, tile_px: int = 2048) -> None:
    for y in range(0, reader.height_l0, tile_px):
        for x in range(0, reader.width_l0, tile_px):
            reader.read_region(x, y, 0, tile_px, tile_px)


def counted(field: Field) -> CellCount:
    return count_slide(field.reader, field.mpp, calibrate(field.reader, field.mpp))


def count_all(pictures: list[Any], parameters: list[CountParameters]) -> None:
    for picture, values in zip(pictures, parameters, strict=True):
        count_slide(reader_of(picture), MPP, values)


def reader_of(picture: Any) -> Any:
    return Field("picture", picture, MPP, np.empty((0, 2)), np.empty(0, bool), np.empty((0, 2))).reader


def judged(field: Field, count: CellCount) -> Tally:
    places = np.column_stack([(count.x + 0.5) * field.mpp, (count.y + 0.5) * field.mpp])
    return score(field, places, count.is_positive)


def judged_plain(field: Field, found: dict[str, Any]) -> Tally:
    places = np.column_stack([(found["x"] + 0.5) * MPP, (found["y"] + 0.5) * MPP])
    return score(field, places, np.asarray(found["pos"], bool))


def halve(field: Field) -> Field:
    picture = cv2.resize(field.picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return Field(
        field.name, np.ascontiguousarray(picture, np.uint8), MPP, field.places_um, field.is_positive, field.unsure_um
    )


def drawn(look: str, seeds: tuple[int, ...] = SEEDS) -> Iterator[Field]:
    phantom = prototype("phantom")
    for seed in seeds:
        block = phantom.Phantom(size=PHANTOM_PX, mpp=MPP, seed=seed, **LOOKS[look])
        truth = block.truth("KI")
        places = np.column_stack([(truth["x"] + 0.5) * MPP, (truth["y"] + 0.5) * MPP])
        inside = ((places >= 0) & (places <= PHANTOM_PX * MPP)).all(axis=1)
        yield Field(
            f"{look} {seed}", block.render("KI", "HDAB"), MPP, places[inside], truth["ki67"][inside], np.empty((0, 2))
        )


def os2_picture() -> Any:
    return np.ascontiguousarray(tifffile.imread(SHARED / "data/ki67/openslide_OS2/OS-2-ndpi.ome.tif"))


def prototype(name: str) -> ModuleType:
    """Load a prototype as it stands."""
    spec = importlib.util.spec_from_file_location(name, SHARED / "prototypes" / f"{name}.py")
    assert spec is not None and spec.loader is not None, f"{name} is missing"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def cells_of(count: CellCount) -> set[tuple[float, ...]]:
    return set(zip(count.x, count.y, count.area_um2, count.dab, strict=True))


def mean_f1(tallies: list[Tally]) -> float:
    return float(np.mean([tally.f1 for tally in tallies]))


def mean_error(tallies: list[Tally]) -> float:
    return float(np.mean([abs(tally.ratio_error) for tally in tallies]))


def pooled_positives(tallies: list[Tally]) -> float:
    return f1(
        sum(tally.positive_hits for tally in tallies),
        sum(tally.positive_extra for tally in tallies),
        sum(tally.positive_missed for tally in tallies),
    )


def both_times(work: Callable[[], object]) -> tuple[float, float]:
    """Time by the wall clock, and of the processor: what one thread needs, whatever else the machine does."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def row(what: str, value: float, found: str, must: str, aim: str, passes: bool, unit: str = "") -> None:
    """Keep the value, and print it as `found` says it."""
    reference = f"must {must}" + (f", aim {aim}" if aim else "")
    FOUND.append(Figure(what, value, unit, reference))
    print(f"{'ok  ' if passes else 'MISS'} {what}: {found} ({reference})")


SECTIONS: dict[str, Callable[[], None]] = {
    "fields": fields,
    "stains": stains,
    "phantoms": phantoms,
    "os2": os2,
    "speed": speed,
    "tiling": tiling,
    "slide": slide,
}

if __name__ == "__main__":
    main()
