"""The rows that run in this process: one tile, one thread, warm page cache."""

import io
import os
from pathlib import Path

import openslide
from openslide.deepzoom import DeepZoomGenerator

from benchmarks.tile_measures import Contender, Row, race, ratios
from benchmarks.tile_slides import tissue_tiles
from viewer import tile_files
from viewer.imaging.indexing import index_slide
from viewer.imaging.slides import open_slide
from viewer.imaging.tiles import render_tile, served_levels
from viewer.models import Slide
from viewer.tile_source import TileSource

PEER_TILE_PX, PEER_OVERLAP_PX, PEER_QUALITY = 254, 1, 80
Tile = tuple[int, int]


class DeepZoom:
    """What openslide's own server does: a generator with 254 px tiles and 1 px overlap, and Pillow's JPEG."""

    def __init__(self, path: Path, levels_below_full: int = 0) -> None:
        handle = openslide.OpenSlide(path)
        handle.set_cache(openslide.OpenSlideCache(0))
        self.generator = DeepZoomGenerator(handle, PEER_TILE_PX, PEER_OVERLAP_PX, limit_bounds=False)
        self.level = self.generator.level_count - 1 - levels_below_full

    def tile(self, native: Tile, native_px: int) -> bytes:
        """Give the tile in which the native one begins."""
        address = tuple(place * native_px // PEER_TILE_PX for place in native)
        last = self.generator.level_tiles[self.level]
        picture = self.generator.get_tile(self.level, (min(address[0], last[0] - 1), min(address[1], last[1] - 1)))
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=PEER_QUALITY)
        return stream.getvalue()


def source_of(path: Path, storage: Path) -> TileSource:
    """Index a slide that lies in storage, as an import does, without a database."""
    with open_slide(path) as reader:
        levels = served_levels(reader)
        index = index_slide(reader, levels)
    slide = Slide(pk=1, key=str(path.relative_to(storage)), version="0" * 12, format="aperio")
    return TileSource(slide, levels, index)


def pass_through_rows(source: TileSource, path: Path, tiles: int, rounds: int) -> list[Row]:
    stored = source.index.levels[0]
    items = tissue_tiles(stored.counts, stored.columns, tiles)
    descriptor = os.open(path, os.O_RDONLY)
    peer = DeepZoom(path)

    def bare(tile: Tile) -> bytes:
        place = tile[1] * stored.columns + tile[0]
        return os.pread(descriptor, stored.counts[place], stored.offsets[place])

    with open_slide(path) as reader:
        contenders = [
            Contender("os.pread", bare),
            Contender("index", lambda tile: stored.jpeg(lambda _number: descriptor, *tile)),
            Contender("application", lambda tile: source.jpeg(0, *tile)),
            Contender("native grid", lambda tile: render_tile(reader, source.levels[0], *tile)),
            Contender("DeepZoom", lambda tile: peer.tile(tile, source.levels[0].tile_width)),
        ]
        # A read takes microseconds: many of them, so that what else the machine does evens out.
        race(contenders[:3], items * 20, rounds)
        race(contenders[3:], items[: max(20, tiles // 10)], rounds)
    os.close(descriptor)
    tile_files.close_all()
    bare_read, index, application, native, deepzoom = contenders
    microseconds = f"{sorted(application.wall_seconds)[len(application.wall_seconds) // 2] * 1e6:.1f} µs a tile"
    return [
        Row(
            "pass-through in process / os.pread of the same bytes",
            ratios(application.wall_seconds, bare_read.wall_seconds),
            "≤ 3",
            note=microseconds,
        ),
        Row("– of which index, read and join alone", ratios(index.wall_seconds, bare_read.wall_seconds)),
        Row("DeepZoom 254+1 + PIL / pass-through, in process", ratios(deepzoom.wall_seconds, application.wall_seconds)),
        Row(
            "DeepZoom 254+1 + PIL / OpenSlide on the native grid + simplejpeg",
            ratios(deepzoom.wall_seconds, native.wall_seconds),
        ),
    ]


def mid_level_row(source: TileSource, path: Path, tiles: int, rounds: int) -> Row:
    """A level between two stored ones: composed and encoded each time, the tile cache is not asked."""
    peer = DeepZoom(path, levels_below_full=1)
    files = tile_files.files_of(source.slide, source.index.file_bytes)
    stored = source.index.levels[0]
    items = [(column // 2, row // 2) for column, row in tissue_tiles(stored.counts, stored.columns, tiles)]
    contenders = [
        Contender("composed", lambda tile: source._make(files, 1, *tile)),
        Contender("DeepZoom", lambda tile: peer.tile(tile, source.levels[1].tile_width)),
    ]
    race(contenders, items, rounds)
    return Row(
        "mid level in process: DeepZoom 254+1 + PIL / composed by DCT-scaled decode",
        ratios(contenders[1].wall_seconds, contenders[0].wall_seconds),
        "≥ 12",
        note=f"{min(contenders[0].wall_seconds) * 1e3:.2f} ms a tile",
    )


def jpeg_2000_row(source: TileSource, path: Path, tiles: int, rounds: int) -> Row:
    """OpenSlide's own cache and the tile cache are off: a tile is decoded each time."""
    peer = DeepZoom(path)
    files = tile_files.files_of(source.slide, source.index.file_bytes)
    level = source.levels[0]
    inner = [(column, row) for row in range(1, level.rows - 2) for column in range(1, level.columns - 2)]
    contenders = [
        Contender("native grid", lambda tile: source._make(files, 0, *tile)),
        Contender("DeepZoom", lambda tile: peer.tile(tile, level.tile_width)),
    ]
    race(contenders, inner[:: max(1, len(inner) // tiles)], rounds)
    return Row(
        "JPEG 2000: DeepZoom 254+1 + PIL / native grid + simplejpeg",
        ratios(contenders[1].wall_seconds, contenders[0].wall_seconds),
        "≥ 2.5",
        note=f"{min(contenders[0].wall_seconds) * 1e3:.1f} ms a tile",
    )
