"""How fast tiles are, side by side with peers and with the physical limit: `python -m benchmarks.tiles`.

Prints a table of ratios, each the median of interleaved rounds with its minimum and maximum. Rows whose tool is not
installed (wrk, nginx, iipimage-server, gunicorn, pyvips) read "not measured" and the rest runs.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.figures import add_json_option, write_figures
from benchmarks.tile_measures import Row, machine, number, ratios
from benchmarks.tile_slides import JPEG_2000, SOURCE, tissue_tiles, write_large_slide, write_raw

PROJECT = Path(__file__).resolve().parent.parent


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="counterstain-benchmark-", dir=options.work) as folder:
        home = Path(folder)
        # nginx and Postgres run under accounts of their own.
        home.chmod(0o755)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ["COUNTERSTAIN_HOME"] = str(home)
        os.environ["TILE_CACHE_BYTES"] = "0"
        print(f"{machine()}; {options.rounds} rounds, medians (minimum–maximum)\n", flush=True)
        print("| figure | ratio | bar | |\n| --- | --- | --- | --- |", flush=True)
        rows: list[Row] = []
        for part in options.parts.split(","):
            for row in PARTS[part](options, home):
                rows.append(row)
                print(row.as_markdown(), flush=True)
        write_figures(options.json, [row.as_figure() for row in rows])
        print(f"\nload after: {', '.join(f'{value:.1f}' for value in os.getloadavg())}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tiles", description=__doc__)
    data = os.environ.get("COUNTERSTAIN_DATA") or PROJECT.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(data), help="the folder of real slides")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tiles", type=int, default=300, help="tiles per round in process")
    parser.add_argument("--seconds", type=int, default=3, help="of wrk per server and round")
    parser.add_argument("--side", type=int, default=20_000, help="side of the pyramid that is written")
    add_json_option(parser)
    parser.add_argument("--work", type=Path, help="where a folder for slides and servers is made")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}")
    return parser.parse_args()


def large_slide(options: argparse.Namespace, home: Path) -> Path:
    storage = home / "storage"
    storage.mkdir(exist_ok=True)
    return write_large_slide(options.data, storage / "large.svs")


def in_process(options: argparse.Namespace, home: Path) -> list[Row]:
    import django

    django.setup()
    from benchmarks.tile_rows import jpeg_2000_row, mid_level_row, pass_through_rows, source_of

    path = large_slide(options, home)
    source = source_of(path, home / "storage")
    jpeg_2000_path = home / "storage" / "jpeg2000.svs"
    jpeg_2000_path.write_bytes((options.data / JPEG_2000).read_bytes())
    jpeg_2000 = source_of(jpeg_2000_path, home / "storage")
    few = max(20, options.tiles // 5)
    return [
        *pass_through_rows(source, path, options.tiles, options.rounds),
        mid_level_row(source, path, few, options.rounds),
        jpeg_2000_row(jpeg_2000, jpeg_2000_path, few, options.rounds),
    ]


def over_http(options: argparse.Namespace, home: Path) -> list[Row]:
    from benchmarks import tile_servers
    from benchmarks.tile_site import site_with

    rows = {
        "rate": Row("tiles/s over HTTP, access check on / DeepZoom 254+1 + PIL, 2 sync workers", bar="≥ 20"),
        "cpu": Row("server CPU per tile: DeepZoom / ours", bar="≥ 14"),
        "mid": Row("tiles/s over HTTP of a mid level, made at every request / DeepZoom's full resolution"),
        "iip": Row("tiles/s / IIPImage 1.1", bar="≥ 5"),
        "nginx": Row("tiles/s / nginx on the same bytes as files", bar="≥ 1/5"),
    }
    if not tile_servers.has("wrk"):
        return list(rows.values())
    path = large_slide(options, home)
    with ExitStack() as stack:
        from viewer.imaging.indexing import index_slide
        from viewer.imaging.slides import open_slide
        from viewer.imaging.tiles import served_levels

        with open_slide(path) as reader:
            stored = index_slide(reader, served_levels(reader)).levels[0]
        tiles = tissue_tiles(stored.counts, stored.columns, 2000)
        native, mid = stack.enter_context(site_with(path, tiles, levels=(0, 1)))
        reference = static = iip = None
        if importlib.util.find_spec("gunicorn"):
            reference = stack.enter_context(tile_servers.deepzoom_server(path, tiles))
        if tile_servers.has("nginx"):
            descriptor = os.open(path, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            read = {f"{c}_{r}.jpg": stored.jpeg(lambda _number: descriptor, c, r) or b"" for c, r in tiles}
            static = stack.enter_context(tile_servers.static_server(home / "nginx", read))
            if tile_servers.has(tile_servers.IIPSRV):
                numbers = [row * 61 + column for column in range(8, 52) for row in range(8, 52)]
                slide = home / "iip.tif"
                slide.write_bytes((options.data / SOURCE).read_bytes())
                iip = stack.enter_context(tile_servers.iip_server(home / "iip", slide, 4, numbers))
        contenders = [target for target in (native, mid, reference, static, iip) if target is not None]
        for target in contenders:  # opened, warm
            target.ask(1, home)
            target.tiles_per_second.clear()
            target.cpu_per_tile.clear()
        for _ in range(options.rounds):
            for target in contenders:
                target.ask(options.seconds, home)
    for name, peer in (("rate", reference), ("iip", iip), ("nginx", static)):
        if peer is not None:
            rows[name].ratios = ratios(native.tiles_per_second, peer.tiles_per_second)
    if reference is not None:
        rows["cpu"].ratios = ratios(reference.cpu_per_tile, native.cpu_per_tile)
        rows["mid"].ratios = ratios(mid.tiles_per_second, reference.tiles_per_second)
    rows["rate"].note = f"{number(median(native.tiles_per_second))} tiles/s"
    rows["cpu"].note = f"{median(native.cpu_per_tile) * 1e3:.3f} ms a tile"
    return list(rows.values())


def memory(options: argparse.Namespace, home: Path) -> list[Row]:
    path = large_slide(options, home)
    command = [sys.executable, "-m", "benchmarks.tile_memory", str(path), str(home / "storage")]
    grown = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    name = "growth of memory over 100 slides viewed, half of them decoded"
    return [Row(name, [float(grown)], "≤ 150 MiB", unit="MiB")]


def writing(options: argparse.Namespace, home: Path) -> list[Row]:
    raw = write_raw(options.data, home / "pixels.raw", options.side)
    measured: dict[str, list[list[float]]] = {"ours": [], "pyvips": []}
    hows = ["ours", *(["pyvips"] if importlib.util.find_spec("pyvips") else [])]
    for _ in range(max(3, options.rounds // 2)):
        for how in hows:
            command = [sys.executable, "-m", "benchmarks.tile_writing", how, str(raw), str(home / f"{how}.tif")]
            said = subprocess.run(
                [*command, str(options.side)], cwd=PROJECT, capture_output=True, text=True, check=True
            )
            measured[how].append([float(value) for value in said.stdout.split()])
    raw.unlink()
    seconds = {how: [one[0] for one in found] for how, found in measured.items()}
    peaks = [one[1] for one in measured["ours"]]
    side = f"{options.side:,}²"
    mpix = options.side**2 / 1e6 / median(seconds["ours"])
    theirs = ratios(seconds["ours"], seconds["pyvips"]) if seconds["pyvips"] else []
    return [
        Row(f"writing {side} as a pyramid: peak memory", peaks, "≤ 200 MiB", unit="MiB"),
        Row(f"writing {side}: wall time / pyvips' tiffsave from a raw file", theirs, "≤ 2", note=f"{mpix:.0f} MPix/s"),
    ]


PARTS = {"in-process": in_process, "http": over_http, "memory": memory, "writing": writing}

if __name__ == "__main__":
    main()
