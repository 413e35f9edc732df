"""Pictures and readers that the tests draw themselves, and the scoring of cells against a truth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from viewer.imaging.cells import CellCount
from viewer.imaging.errors import SlideTooLarge, UnreadableSlide, UnsupportedSlide
from viewer.imaging.plain_reader import PlainReader
from viewer.imaging.pyramid import PyramidWriter
from viewer.imaging.reader import Picture
from viewer.imaging.slides import open_slide, verify

MATCH_UM = 4.0
FRAME_UM = 3.0
NOISE_SEED = 7


def reader_of(picture: Picture, mpp: float | None = None) -> PlainReader:
    """A slide that exists in memory only."""
    return PlainReader(Path("drawn"), "drawn", picture.shape[1], picture.shape[0], mpp, lambda: picture)


def pink(height: int, width: int) -> Picture:
    """Noise in the colours of H&E, light enough for a brightfield slide."""
    noise = np.random.default_rng(NOISE_SEED).integers(0, 40, (height, width, 3))
    return (np.array([210, 160, 190]) + noise).astype(np.uint8)


def write_pyramid(path: Path, picture: Picture, mpp: float = 0.5) -> Path:
    with PyramidWriter(path, picture.shape[1], picture.shape[0], mpp) as writer:
        writer.write_rows(picture)
    return path


def discs(places: Sequence[tuple[float, float]], side: int, radius_px: float, colour: Sequence[int]) -> Picture:
    """A white square with one round nucleus at each (x, y)."""
    rows, columns = np.mgrid[:side, :side]
    picture = np.full((side, side, 3), 245, np.uint8)
    for x, y in places:
        picture[np.hypot(columns - x, rows - y) <= radius_px] = colour
    return picture


def matched(
    x: NDArray[np.float64], y: NDArray[np.float64], true_x: NDArray[np.float64], true_y: NDArray[np.float64]
) -> list[tuple[int, int]]:
    """Nearest one-to-one pairs within 4 µm (found, true); all places in µm."""
    if not len(x) or not len(true_x):
        return []
    distances, indices = cKDTree(np.column_stack([true_x, true_y])).query(
        np.column_stack([x, y]), k=min(6, len(true_x)), distance_upper_bound=MATCH_UM
    )
    near = [
        (distance, found, int(true))
        for found, row in enumerate(zip(np.atleast_2d(distances.T).T, np.atleast_2d(indices.T).T, strict=True))
        for distance, true in zip(*row, strict=True)
        if np.isfinite(distance)
    ]
    pairs: list[tuple[int, int]] = []
    taken_found: set[int] = set()
    taken_true: set[int] = set()
    for _, found, true in sorted(near):
        if found not in taken_found and true not in taken_true:
            taken_found.add(found)
            taken_true.add(true)
            pairs.append((found, true))
    return pairs


def f1(
    count: CellCount,
    truth_um: tuple[NDArray[np.float64], NDArray[np.float64]],
    size_um: float,
    ignored_um: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> float:
    """F1 of all nuclei by the protocol of the adjudicated fields: 3 µm frame not judged, `ignored` neither way."""
    x, y = (count.x + 0.5) * count.mpp, (count.y + 0.5) * count.mpp
    pairs = matched(x, y, *truth_um)

    def judged(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
        return (np.minimum(a, b) >= FRAME_UM) & (np.maximum(a, b) <= size_um - FRAME_UM)

    judge_found, judge_true = judged(x, y), judged(*truth_um)
    single_found = np.ones(len(x), bool)
    single_found[[found for found, _ in pairs]] = False
    single_true = np.ones(len(truth_um[0]), bool)
    single_true[[true for _, true in pairs]] = False
    if ignored_um is not None:
        rest = np.flatnonzero(single_found)
        judge_found[[rest[found] for found, _ in matched(x[rest], y[rest], *ignored_um)]] = False
    hits = sum(judge_true[true] for _, true in pairs)
    wrong = (single_found & judge_found).sum() + (single_true & judge_true).sum()
    return float(2 * hits / (2 * hits + wrong))


def refusal(path: Path) -> tuple[type[BaseException], str]:
    """Open and verify as an import does; give the error's type and text."""
    with pytest.raises((UnreadableSlide, UnsupportedSlide, SlideTooLarge)) as caught, open_slide(path) as reader:
        verify(reader)
    return caught.type, str(caught.value)


def write_tiff(path: Path, picture: Picture, **options: Any) -> Path:
    tifffile.imwrite(path, picture, **{"photometric": "rgb", "metadata": None, **options})
    return path
