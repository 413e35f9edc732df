"""Registration of consecutive sections against landmarks: `python -m benchmarks.registration`.

The real pair is H&E and Ki-67 of mouse lung at 5 % scale; its landmarks were set by hand at 50 %. Before: no map.
Centres: the middles laid on each other. Phantoms: drawn pairs whose true map is known.
"""

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.cells import SHARED
from benchmarks.figures import Figure, add_json_option, write_figures
from viewer.imaging.phantom import TissueBlock
from viewer.imaging.plain_reader import PlainReader
from viewer.imaging.reader import Picture
from viewer.imaging.registration import register
from viewer.imaging.slides import open_slide

PAIR = SHARED / "data/pairs/CIMA_lung-lesion_3"
FIXED, MOVING = "29-041-Izd2-w35-He-les3", "29-041-Izd2-w35-Ki67-7-les3"
# Nobody records the pair's resolution; 5 % of a 40× scan is about this. Only ratios of errors are reported.
MPP = 5.0
SEEDS, PHANTOM_PX = (1, 2, 3), 2240

Points = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_json_option(parser)
    options = parser.parse_args()
    found_figures: list[Figure] = []
    cv2.setNumThreads(1)
    landmarks = [_landmarks(name) for name in (FIXED, MOVING)]
    fixed, moving = landmarks
    with open_slide(PAIR / f"scale-5pc/{FIXED}.jpg") as one, open_slide(PAIR / f"scale-5pc/{MOVING}.jpg") as other:
        diagonal = float(np.hypot(one.width_l0, one.height_l0))
        shift = np.array([other.width_l0 - one.width_l0, other.height_l0 - one.height_l0]) / 2
        found = register(one, other, MPP, MPP)
    x, y = found.apply(fixed[:, 0], fixed[:, 1])
    errors = {
        "before": np.linalg.norm(fixed - moving, axis=1),
        "centres": np.linalg.norm(fixed + shift - moving, axis=1),
        "registered": np.linalg.norm(np.column_stack([x, y]) - moving, axis=1),
    }
    print(f"H&E → Ki-67, {len(fixed)} landmarks, median error in px (% of the diagonal of {diagonal:.0f} px):")
    for name, values in errors.items():
        percent = 100 * float(np.median(values)) / diagonal
        found_figures.append(Figure(f"H&E to Ki-67, {name}", percent, "% of the diagonal", "≤ 1 % registered"))
        print(f"  {name:10} {np.median(values):6.1f} ({percent:.2f} %)")
    for seed in SEEDS:
        block = TissueBlock(PHANTOM_PX, 0.5, seed=seed)
        truth = block.truth("HE")
        points = np.column_stack([truth.x, truth.y])
        map_ = register(_reader(block.render("HE", "HE")), _reader(block.render("KI67", "HDAB")), 0.5, 0.5)
        at = np.column_stack(map_.apply(points[:, 0], points[:, 1]))
        error = np.median(np.linalg.norm(at - block.to_section(points, "KI67"), axis=1)) * 0.5
        found_figures.append(Figure(f"drawn pair, seed {seed}", float(error), "µm", "≤ 5 µm"))
        print(f"  phantom {seed}: median error {error:.1f} µm (aim ≤ 5)")
    write_figures(options.json, found_figures)


def _landmarks(name: str) -> Points:
    """Read the landmarks of one section; they are given at ten times the size of the picture."""
    with (PAIR / f"landmarks_50pc/user-PS_scale-50pc/{name}.csv").open() as file:
        return np.array([[float(row["X"]), float(row["Y"])] for row in csv.DictReader(file)]) / 10


def _reader(picture: Picture) -> PlainReader:
    return PlainReader(Path("drawn"), "drawn", picture.shape[1], picture.shape[0], 0.5, lambda: picture)


if __name__ == "__main__":
    main()
