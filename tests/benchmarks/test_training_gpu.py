import numpy as np

from benchmarks.training_gpu import GpuScale, gpu_rows
from training.learning.compute import prepare
from training.learning.config import CycleGanConfig, MilConfig

PATCHES = np.zeros((4, 64, 64, 3), np.uint8)
TINY = GpuScale(
    MilConfig(width=8, stages=(1, 1, 1, 1)), CycleGanConfig(ngf=8, ndf=8), (1, 2), 64, 8, 4, warm_steps=1, steps=2
)


def test_every_row_of_the_gpus_column_is_measured_on_whatever_device_is_given() -> None:
    rows = gpu_rows(prepare(MilConfig(device="cpu", threads=1)), TINY, PATCHES)

    assert [row.unit for row in rows] == ["share", "h", "h", "h"]
    assert all(ratio > 0 for row in rows for ratio in row.ratios)
    assert [len(row.ratios) for row in rows] == [5, 5, 1, 1]
    assert "over 2 steps" in rows[2].note


def test_without_a_gpu_its_rows_say_so() -> None:
    rows = gpu_rows(None, GpuScale(), PATCHES)

    assert [(row.ratios, row.note) for row in rows] == [([], "no GPU at hand")] * 5
