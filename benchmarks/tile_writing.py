"""Write a pyramid from a raw file in a process of its own, by our writer or by pyvips. Prints seconds and MiB."""

import sys
import time
from pathlib import Path

STRIP_ROWS = 256
QUALITY = 88


def ours(raw: Path, out: Path, side: int) -> None:
    import numpy as np

    from viewer.imaging.pyramid import PyramidWriter

    with raw.open("rb") as file, PyramidWriter(out, side, side, 0.25, quality=QUALITY) as writer:
        for top in range(0, side, STRIP_ROWS):
            rows = min(STRIP_ROWS, side - top)
            strip = np.fromfile(file, np.uint8, rows * side * 3)
            writer.write_rows(strip.reshape(rows, side, 3))


def vips(raw: Path, out: Path, side: int) -> None:
    import pyvips

    picture = pyvips.Image.rawload(str(raw), side, side, 3, access="sequential").copy(interpretation="srgb")
    picture.tiffsave(
        str(out), compression="jpeg", Q=QUALITY, tile=True, tile_width=256, tile_height=256, pyramid=True, bigtiff=True
    )


def main(how: str, raw: Path, out: Path, side: int) -> None:
    from benchmarks.tile_measures import resident_mib

    started = time.perf_counter()
    {"ours": ours, "pyvips": vips}[how](raw, out, side)
    print(f"{time.perf_counter() - started:.3f} {resident_mib(what='VmHWM'):.1f}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
