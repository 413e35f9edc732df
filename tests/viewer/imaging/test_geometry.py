import pytest

from viewer.imaging.geometry import Cell, grid_cells, patch_side_l0


@pytest.mark.parametrize(
    ("mpp", "side"), [(0.5, 2240), (0.25, 4480), (0.499, 2244), (1.0, 1120)], ids=["same", "finer", "nearly", "coarser"]
)
def test_a_patch_of_2240_px_at_half_a_micrometre_has_this_side_on_a_slide(mpp, side):
    assert patch_side_l0(2240, 0.5, mpp) == side


@pytest.mark.parametrize(("patch_px", "target", "mpp"), [(0, 0.5, 0.5), (2240, 0, 0.5), (2240, 0.5, -1)])
def test_a_patch_without_size_or_resolution_is_refused(patch_px, target, mpp):
    with pytest.raises(ValueError, match="must be positive"):
        patch_side_l0(patch_px, target, mpp)


def test_the_grid_starts_at_the_corner_and_holds_whole_cells_only():
    assert grid_cells(700, 450, 224) == [
        Cell(0, 0, 0, 0),
        Cell(1, 0, 224, 0),
        Cell(2, 0, 448, 0),
        Cell(0, 1, 0, 224),
        Cell(1, 1, 224, 224),
        Cell(2, 1, 448, 224),
    ]


def test_a_slide_narrower_than_one_cell_has_none():
    assert grid_cells(2220, 2967, 2240) == []
