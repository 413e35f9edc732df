"""Coordinate planes and the patch grid.

`_l0` is level-0 pixels of a slide, `_px` pixels of the picture at hand, `_um` micrometres; `mpp` is micrometres per
level-0 pixel.
The grid starts at (0, 0) and holds whole cells only.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """One square of the grid, named by its column and row."""

    column: int
    row: int
    x_l0: int
    y_l0: int


def patch_side_l0(patch_px: int, target_mpp: float, mpp: float) -> int:
    """Give the side, in level-0 pixels of a slide with `mpp`, of a patch of `patch_px` pixels at `target_mpp`."""
    if patch_px < 1 or not target_mpp > 0 or not mpp > 0:
        raise ValueError(f"patch_px, target_mpp and mpp must be positive, got {patch_px}, {target_mpp}, {mpp}")
    return max(1, round(patch_px * target_mpp / mpp))


def grid_cells(width_l0: int, height_l0: int, side_l0: int) -> list[Cell]:
    """List the whole cells that fit on a slide, row by row; empty when the slide is narrower than one."""
    if side_l0 < 1:
        raise ValueError(f"side_l0 must be at least 1, got {side_l0}")
    return [
        Cell(column, row, column * side_l0, row * side_l0)
        for row in range(height_l0 // side_l0)
        for column in range(width_l0 // side_l0)
    ]


def sample_of_grid(columns: int, rows: int) -> list[tuple[int, int]]:
    """Choose the corners, the centre and a diagonal of a grid of tiles, as (column, row)."""
    diagonal = {(columns * i // 8, rows * i // 8) for i in range(8)}
    return sorted(diagonal | {(columns - 1, rows - 1), (columns - 1, 0), (0, rows - 1), (columns // 2, rows // 2)})
