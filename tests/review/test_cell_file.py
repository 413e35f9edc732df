from pathlib import Path

import numpy as np
import pytest

from review.cell_file import CellTable, read_cells, write_cells
from viewer.imaging.cells import CellCount, CountParameters


@pytest.fixture
def count() -> CellCount:
    """Four cells, not in order."""
    return CellCount(
        mpp=0.5,
        region=(0, 0, 100, 100),
        parameters=CountParameters().as_dict(),
        x=np.array([10.5, 20.0, 30.0, 10.0]),
        y=np.array([40.0, 10.0, 20.0, 20.0]),
        area_um2=np.array([50.0, 60.0, 70.0, 80.0]),
        dab=np.array([0.5, 0.0, 0.1, 0.9]),
        is_positive=np.array([True, False, False, True]),
    )


def test_cells_come_back_from_top_to_bottom(count: CellCount, tmp_path: Path) -> None:
    write_cells(tmp_path / "cells.npz", count)
    cells = read_cells(tmp_path / "cells.npz")
    assert cells.y.tolist() == [10.0, 20.0, 20.0, 40.0]
    assert cells.x.tolist() == [20.0, 30.0, 10.0, 10.5]
    assert cells.area_um2.tolist() == [60.0, 70.0, 80.0, 50.0]
    assert cells.is_positive.tolist() == [False, False, True, True]
    assert cells.dab.tolist() == pytest.approx([0.0, 0.1, 0.9, 0.5])


def test_the_same_cells_give_the_same_file(count: CellCount, tmp_path: Path) -> None:
    write_cells(tmp_path / "a.npz", count)
    write_cells(tmp_path / "b.npz", count)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_file_needs_no_pickle(count: CellCount, tmp_path: Path) -> None:
    write_cells(tmp_path / "cells.npz", count)
    with np.load(tmp_path / "cells.npz", allow_pickle=False) as columns:
        assert {name: str(columns[name].dtype) for name in columns} == {
            "x": "float32",
            "y": "float32",
            "area_um2": "float32",
            "dab": "float32",
            "is_positive": "bool",
        }


def test_a_window_holds_its_left_and_upper_edge_only(count: CellCount, tmp_path: Path) -> None:
    write_cells(tmp_path / "cells.npz", count)
    found = read_cells(tmp_path / "cells.npz").within(10, 10, 20, 30)
    assert list(zip(found.x.tolist(), found.y.tolist(), strict=True)) == [(20.0, 10.0), (10.0, 20.0)]


def test_a_window_off_the_slide_is_empty(count: CellCount, tmp_path: Path) -> None:
    write_cells(tmp_path / "cells.npz", count)
    assert len(read_cells(tmp_path / "cells.npz").within(500, 500, 100, 100).x) == 0


def test_a_table_is_thinned_evenly() -> None:
    column = np.arange(1000)
    thinned = CellTable(column, column, column, column, column).thinned(5)
    assert thinned.x.tolist() == [0, 249, 499, 749, 999]
    assert len(CellTable(column, column, column, column, column).thinned(1000).x) == 1000
