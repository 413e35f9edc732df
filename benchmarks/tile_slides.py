"""Large slides for the benchmark, mosaicked of real ones: compressed tiles are copied, so that it takes seconds."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tifffile

SOURCE = "wsi/BS25_HE_crop.tif"
JPEG_2000 = "wsi/tcga-cr-7395-01a-01-ts1.svs"
# Of the source, the square that holds whole tiles on its level of 1/16 as well.
SQUARE_PX = 12_288
COPIES = (3, 2)
TILE_PX = 256
STORED = (1, 4, 16)
TISSUE_BYTES = 8_000
DESCRIPTION = "Aperio Image Library v12.0.16\r\n{0}x{1} [0,0 {0}x{1}] (256x256) JPEG/YCC Q=70|AppMag = 40|MPP = 0.25"


def write_large_slide(data: Path, target: Path) -> Path:
    """Write 36,864 × 24,576 px as an Aperio slide with levels 1, 4 and 16."""
    if target.exists():
        return target
    part = target.with_suffix(".part")
    with tifffile.TiffFile(data / SOURCE) as tiff, tifffile.TiffWriter(part, bigtiff=True) as writer:
        found = [page.aspage() for page in tiff.pages]
        pages = {round(found[0].imagewidth / page.imagewidth): page for page in found}
        for downsample in STORED:
            side = SQUARE_PX // downsample
            width, height = side * COPIES[0], side * COPIES[1]
            writer.write(
                _tiles(tiff, pages[downsample], side // TILE_PX),
                shape=(height, width, 3),
                dtype=np.uint8,
                tile=(TILE_PX, TILE_PX),
                photometric="ycbcr",
                compression="jpeg",
                subsampling=(2, 2),
                subfiletype=0,
                metadata=None,
                description=DESCRIPTION.format(width, height),
            )
    part.replace(target)
    return target


def _tiles(tiff: tifffile.TiffFile, page: tifffile.TiffPage, per_side: int) -> Iterator[bytes]:
    columns = -(-page.imagewidth // TILE_PX)
    for row in range(per_side * COPIES[1]):
        for column in range(per_side * COPIES[0]):
            place = (row % per_side) * columns + column % per_side
            tiff.filehandle.seek(page.dataoffsets[place])
            yield tiff.filehandle.read(page.databytecounts[place])


def tissue_tiles(counts: Sequence[int], columns: int, wanted: int, seed: int = 1) -> list[tuple[int, int]]:
    """Choose random tiles that hold tissue, as (column, row): those whose compressed bytes are many."""
    full = [divmod(place, columns)[::-1] for place, count in enumerate(counts) if count > TISSUE_BYTES]
    return random.Random(seed).sample(full, min(wanted, len(full)))


def write_raw(data: Path, target: Path, side: int) -> Path:
    """Write `side` × `side` real pixels, mirrored to fill the square, as bare bytes row by row."""
    if target.exists() and target.stat().st_size == side * side * 3:
        return target
    with tifffile.TiffFile(data / SOURCE) as tiff:
        picture = tiff.pages[1].asarray()[:5000, :5000]
    part = target.with_suffix(".part")
    band = np.concatenate([picture, picture[:, ::-1]], axis=1)
    band = np.tile(band, (1, -(-side // band.shape[1]), 1))[:, :side]
    with part.open("wb") as file:
        written = 0
        while written < side:
            rows = (band if written // band.shape[0] % 2 == 0 else band[::-1])[: side - written]
            np.ascontiguousarray(rows).tofile(file)
            written += rows.shape[0]
    part.replace(target)
    return target
