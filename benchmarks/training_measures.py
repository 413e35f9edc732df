"""What the rows of `benchmarks.training` share: the slide, the arithmetic of a step, timing in turns."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.tile_measures import Row
from training.learning.store import Pixels
from viewer.imaging.slides import open_slide

DATA = Path(os.environ.get("COUNTERSTAIN_DATA", "../shared/data"))
SLIDE = DATA / "wsi" / "BS25_HE_crop.tif"
SIDE_PX, MPP = 224, 0.5
# Where BS25 is tissue.
TISSUE = (6000, 6000)
# 2 * multiply-adds, docs/paper.md: a CycleGAN step with one block and class plane, and one ResNet34 instance.
GAN_STEP_FLOP, INSTANCE_FLOP = 305.57e9, 2 * 3_663_250_432


def seconds(work: Callable[[], object]) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def race(slow: Callable[[], object], fast: Callable[[], object], rounds: int, row: Row) -> Row:
    """Time both in turn, after one call each that is not counted."""
    slow(), fast()
    pairs = [(seconds(slow), seconds(fast)) for _ in range(rounds)]
    row.ratios = [one / other for one, other in pairs]
    row.note += f"{median(one for one, _ in pairs):.2f} s against {median(other for _, other in pairs):.2f} s"
    return row


def places(count: int) -> list[tuple[int, int]]:
    side = int(count**0.5) + 1
    return [(TISSUE[0] + at % side * SIDE_PX, TISSUE[1] + at // side * SIDE_PX) for at in range(count)]


def decoded(count: int) -> Pixels:
    with open_slide(SLIDE) as reader:
        return np.stack([reader.read_region(x, y, 0, SIDE_PX, SIDE_PX) for x, y in places(count)])


def product_rate(dtype: torch.dtype, device: torch.device, side: int) -> float:
    """Return the FLOP/s of a large matrix product."""
    square = torch.randn(side, side, device=device, dtype=dtype)
    square @ square
    times = 5 if device.type == "cpu" else 50
    return float(2 * side**3 * times / seconds(lambda: [square @ square for _ in range(times)]))
