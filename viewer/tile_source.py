"""Know, without asking the database again, what a process needs to serve a slide's tiles, and make them."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from django.http import Http404

from viewer import tile_cache, tile_files
from viewer.imaging.composing import compose_tile, decoded_tile
from viewer.imaging.errors import UnreadableSlide
from viewer.imaging.passthrough import TileIndex
from viewer.imaging.tiles import TILE_RULE_VERSION, ServedLevel, encode_tile, render_tile
from viewer.models import Slide, SlideTileIndex
from viewer.readers import open_reader
from viewer.tile_files import OpenFiles

MAX_KNOWN = 512
MAX_INDEX_BYTES = 64 * 1024 * 1024
NO_INDEX = TileIndex({}, [])


@dataclass(frozen=True)
class TileSource:
    """A slide, its served levels (level 0 first), and where its compressed tiles lie."""

    slide: Slide
    levels: list[ServedLevel]
    index: TileIndex

    def jpeg(self, number: int, column: int, row: int) -> bytes:
        """Return one tile: passed through, kept from before, composed of finer ones, or decoded.

        Raises:
            ImagingError, OSError: the slide's file cannot be read, or is no longer the one that was imported.
        """
        files = tile_files.files_of(self.slide, self.index.file_bytes)
        stored = self.index.levels.get(number)
        try:
            jpeg = stored.jpeg(files.descriptor, column, row) if stored is not None else None
            return jpeg if jpeg is not None else self._kept_or_made(files, number, column, row)
        except (UnreadableSlide, OSError):
            tile_files.forget(self.slide.key)
            raise

    def _kept_or_made(self, files: OpenFiles, number: int, column: int, row: int) -> bytes:
        path = tile_cache.kept_path(self.slide.pk, self.slide.version, f"{number}/{column}_{row}")
        jpeg = tile_cache.read(path)
        if jpeg is None:
            jpeg = self._make(files, number, column, row)
            tile_cache.keep(path, jpeg)
        return jpeg

    def _make(self, files: OpenFiles, number: int, column: int, row: int) -> bytes:
        picture = decoded_tile(self.levels, self.index, number, column, row, files.descriptor)
        if picture is None:
            picture = compose_tile(self.levels, self.index, number, column, row, files.descriptor)
        if picture is not None:
            return encode_tile(picture)
        with open_reader(self.slide) as reader:
            return render_tile(reader, self.levels[number], column, row)


_lock = threading.Lock()
_known: OrderedDict[tuple[int, str], TileSource] = OrderedDict()


def known_source(slide_pk: int, version: str) -> TileSource | None:
    """Return the slide of this very version if the process has served it before. No query."""
    with _lock:
        source = _known.get((slide_pk, version))
        if source is not None:
            _known.move_to_end((slide_pk, version))
        return source


def tile_source(slide_pk: int, version: str) -> TileSource:
    """Return the slide of this very version. One query at the first call in a process.

    Raises:
        Http404: no such slide, or its version is another.
    """
    source = known_source(slide_pk, version)
    if source is None:
        source = _load(slide_pk, version)
        with _lock:
            _known[slide_pk, version] = source
            while len(_known) > MAX_KNOWN or (len(_known) > 1 and _index_bytes() > MAX_INDEX_BYTES):
                _known.popitem(last=False)
    return source


def forget_source(slide_pk: int, version: str) -> None:
    """Ask the database again at the next tile."""
    with _lock:
        _known.pop((slide_pk, version), None)


def _load(slide_pk: int, version: str) -> TileSource:
    slide = Slide.objects.select_related("tile_index").filter(pk=slide_pk, version=version).first()
    if slide is None:
        raise Http404
    return TileSource(slide, [ServedLevel.from_dict(level) for level in slide.served_levels], _index_of(slide))


def _index_of(slide: Slide) -> TileIndex:
    """Return the slide's index if its tiles may be sent as they are stored; else every tile is decoded."""
    row: SlideTileIndex | None = getattr(slide, "tile_index", None)
    if row is None or row.rule != TILE_RULE_VERSION or slide.colour != Slide.Colour.NATIVE:
        return NO_INDEX
    index = TileIndex.from_bytes(row.content)
    slide.tile_index.content = b""
    return index


def _index_bytes() -> int:
    return sum(source.index.memory_bytes for source in _known.values())
