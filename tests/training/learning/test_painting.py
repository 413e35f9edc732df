import tracemalloc

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.learning.compute import Compute
from training.learning.painting import Painter
from training.learning.store import Pixels


class Copy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, :3]


class ClassAsGrey(nn.Module):
    """Paints the class plane: -1 is black, +1 white."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 3:4].expand(-1, 3, -1, -1)


def _reader(picture: Pixels):
    def read(x: int, y: int, width: int, height: int) -> Pixels:
        margin = 200
        padded = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), constant_values=255)
        return padded[y + margin : y + margin + height, x + margin : x + margin + width]

    return read


@pytest.mark.parametrize(("core", "halo", "blend"), [(32, 16, 16), (32, 8, 0), (16, 16, 16), (64, 0, 0), (48, 32, 20)])
@pytest.mark.parametrize(("width", "height"), [(100, 70), (64, 64), (33, 97), (10, 5)])
def test_a_copying_generator_returns_the_picture(
    cpu: Compute, core: int, halo: int, blend: int, width: int, height: int
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    painter = Painter(Copy(), True, core, halo, blend, 3, cpu)
    strips = list(painter.paint(_reader(picture), lambda y, xs: np.zeros(len(xs), np.float32), width, height))
    assert np.array_equal(np.concatenate(strips), picture)
    assert max(len(strip) for strip in strips) <= core + blend


def test_each_tile_is_painted_of_its_class_and_neighbours_are_mixed_in_the_band(cpu: Compute) -> None:
    def classes(y: int, xs: list[int]) -> np.ndarray:
        return np.array([1 if x >= 32 else -1 for x in xs], np.float32)

    blank = np.zeros((32, 64, 3), np.uint8)
    painted = Painter(ClassAsGrey(), True, 32, 8, 8, 4, cpu).picture(_reader(blank), classes, 64, 32)
    row = painted[16, :, 0].astype(int)
    assert set(row[:28]) == {0}
    assert set(row[36:]) == {255}
    assert row[28:36].tolist() == [16, 48, 80, 112, 143, 175, 207, 239]


def test_a_tile_is_asked_for_the_class_at_its_middle(cpu: Compute) -> None:
    asked: list[tuple[int, list[int]]] = []

    def classes(y: int, xs: list[int]) -> np.ndarray:
        asked.append((y, xs))
        return np.zeros(len(xs), np.float32)

    blank = np.zeros((40, 70, 3), np.uint8)
    Painter(Copy(), True, 32, 8, 8, 4, cpu).picture(_reader(blank), classes, 70, 40)
    assert asked == [(16, [16, 48, 80]), (48, [16, 48, 80])]


def test_the_number_of_tiles_at_a_time_does_not_change_the_picture(cpu: Compute) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(4, 3, 3, padding=1), nn.Tanh()).requires_grad_(False)
    picture = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)

    def paint(batch: int) -> Pixels:
        painter = Painter(net, True, 32, 8, 8, batch, cpu)
        return painter.picture(_reader(picture), lambda y, xs: np.ones(len(xs), np.float32), 80, 80)

    assert np.abs(paint(1).astype(int) - paint(5)).max() <= 1


class Normed(nn.Module):
    """Shows nothing but the normalised picture."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x[:, :3]).div(3).clamp(-1, 1)


def _half_dark() -> Pixels:
    """Noise, with a dark right half beginning in the middle of a tile."""
    picture = np.random.default_rng(0).integers(120, 200, (96, 192, 3))
    picture[:, 112:] -= 80
    return picture.astype(np.uint8)


@pytest.mark.parametrize(("flowing", "least", "most"), [(False, 25, 255), (True, 0, 12)])
def test_flowing_statistics_take_away_the_step_between_a_tile_and_its_darker_neighbour(
    cpu: Compute, flowing: bool, least: float, most: float
) -> None:
    painter = Painter(Normed(), False, 32, 8, 0, 2, cpu, flowing_statistics=flowing)
    painted = painter.picture(_reader(_half_dark()), lambda y, xs: np.zeros(len(xs), np.float32), 192, 96).astype(float)
    columns = painted[:, :, 0].mean(axis=0)
    step = abs(columns[96:100].mean() - columns[92:96].mean())  # a border of tiles in the light half
    assert least <= step <= most


def test_flowing_statistics_of_a_slide_are_the_same_for_any_number_of_tiles_at_a_time(cpu: Compute) -> None:
    pictures = [
        Painter(Normed(), False, 32, 8, 8, batch, cpu, flowing_statistics=True).picture(
            _reader(_half_dark()), lambda y, xs: np.zeros(len(xs), np.float32), 192, 96
        )
        for batch in (1, 4)
    ]
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1


def test_a_flowing_class_rises_in_a_line_from_tile_to_tile(cpu: Compute) -> None:
    def classes(y: int, xs: list[int]) -> np.ndarray:
        return np.array([1 if x >= 32 else -1 for x in xs], np.float32)

    blank = np.zeros((32, 96, 3), np.uint8)
    painted = Painter(ClassAsGrey(), True, 32, 8, 0, 4, cpu, flowing_class=True).picture(
        _reader(blank), classes, 96, 32
    )
    row = painted[16, :, 0].astype(int)
    assert set(row[:16]) == {0} and set(row[48:]) == {255}
    assert np.abs(np.diff(row[15:49]) - 255 / 32).max() <= 4.5
    assert row[31] < 127.5 < row[32]


def test_memory_grows_with_the_width_of_a_slide_by_less_than_four_kilobytes_a_pixel(cpu: Compute) -> None:
    # A slide of 100,000 px so takes less than 0.4 GB of strips, whatever its height.
    def read(x: int, y: int, width: int, height: int) -> Pixels:
        return np.full((height, width, 3), 200, np.uint8)

    def peak(width: int, height: int) -> int:
        painter = Painter(Normed(), False, 224, 32, 16, 2, cpu, flowing_statistics=True)
        tracemalloc.start()
        for strip in painter.paint(read, lambda y, xs: np.zeros(len(xs), np.float32), width, height):
            del strip
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    narrow, wide, tall = peak(1_000, 700), peak(5_000, 700), peak(1_000, 2_100)
    assert (wide - narrow) / 4_000 < 4_000
    assert tall < 1.1 * narrow
