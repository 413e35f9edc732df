"""Memory of a process in which 100 slides are viewed in turn: half passed through, half decoded. Prints the growth."""

import os
import sys
from pathlib import Path

COUNT, TILES_EACH = 100, 60


def main(slide: Path, storage: Path) -> None:
    """Print the growth of resident memory in MiB after the first slide of either kind."""
    import django

    django.setup()

    from benchmarks.tile_measures import resident_mib
    from benchmarks.tile_rows import source_of
    from viewer.tile_source import NO_INDEX, TileSource

    first = source_of(slide, storage)
    grid = first.levels[0]
    places = [(column * 7 % grid.columns, column * 11 % grid.rows) for column in range(TILES_EACH)]
    before = 0.0
    for number in range(-2, COUNT):
        key = storage / "memory" / f"{number}.svs"
        key.parent.mkdir(exist_ok=True)
        key.unlink(missing_ok=True)
        os.link(slide, key)
        if number == 0:
            before = resident_mib()
        opened = source_of(key, storage)
        opened.slide.pk, opened.slide.version = 1000 + number, f"{number % 2**32:012x}"
        if number % 2:
            opened = TileSource(opened.slide, opened.levels, NO_INDEX)
        for column, row in places:
            opened.jpeg(0, column, row)
        for column, row in places[:6]:
            opened.jpeg(1, column // 2, row // 2)
    print(f"{resident_mib() - before:.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
