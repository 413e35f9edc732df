import os

import numpy as np
import pytest

from tests.viewer.imaging.tiled_files import pyramid_of, write_scan
from viewer.imaging.composing import compose_tile, finer_level
from viewer.imaging.errors import UnreadableSlide
from viewer.imaging.indexing import index_slide
from viewer.imaging.passthrough import TileIndex
from viewer.imaging.slides import open_slide
from viewer.imaging.tiles import served_levels, tile_pixels


@pytest.fixture
def open_file(tmp_path):
    opened = []

    def of(path):
        opened.append(os.open(path, os.O_RDONLY))
        return lambda number: opened[-1]

    yield of
    for descriptor in opened:
        os.close(descriptor)


def smooth(height, width):
    """Tissue-like: no detail as fine as a pixel."""
    rows, columns = np.mgrid[:height, :width]
    wave = 40 * np.sin(rows / 7) * np.cos(columns / 9)
    return (np.array([200, 150, 180]) + wave[..., None]).astype(np.uint8)


def test_levels_between_and_below_the_stored_ones_come_from_the_coarsest_finer_one(tmp_path):
    path = write_scan(tmp_path / "a.tif", pyramid_of(smooth(2048, 2560), 2, factor=8), side=256)
    with open_slide(path) as reader:
        levels = served_levels(reader)
        index = index_slide(reader, levels)
    assert [level.downsample for level in levels] == [1, 2, 4, 8, 16]
    assert sorted(index.levels) == [0, 3]
    assert [finer_level(levels, index, number) for number in range(5)] == [None, (0, 2), (0, 4), (0, 8), (3, 2)]
    assert finer_level(levels, TileIndex({}, []), 2) is None


def test_composed_tiles_show_the_average_of_the_finer_pixels_up_to_the_edges(tmp_path, open_file):
    path = write_scan(tmp_path / "a.tif", [smooth(1000, 1333)], side=240)
    opened = open_file(path)
    with open_slide(path) as reader:
        levels = served_levels(reader)
        index = index_slide(reader, levels)
        for number in (1, 2, 3):
            for row in range(levels[number].rows):
                for column in range(levels[number].columns):
                    composed = compose_tile(levels, index, number, column, row, opened)
                    averaged = tile_pixels(reader, levels[number], column, row)
                    assert composed.shape == averaged.shape
                    assert np.abs(composed.astype(int) - averaged).mean() < 3


def test_a_tile_over_a_blank_one_is_left_to_the_reader(tmp_path, open_file):
    path = write_scan(tmp_path / "a.tif", [smooth(1024, 1024)], side=256, blank=[(0, 2, 0)])
    with open_slide(path) as reader:
        levels = served_levels(reader)
        index = index_slide(reader, levels)
    opened = open_file(path)
    assert compose_tile(levels, index, 1, 1, 0, opened) is None
    assert compose_tile(levels, index, 1, 0, 0, opened).shape == (256, 256, 3)


def test_a_damaged_tile_below_is_told(tmp_path, open_file):
    path = write_scan(tmp_path / "a.tif", [smooth(1024, 1024)], side=256)
    with open_slide(path) as reader:
        levels = served_levels(reader)
        index = index_slide(reader, levels)
    path.write_bytes(path.read_bytes()[: index.levels[0].offsets[5]])
    with pytest.raises(UnreadableSlide, match="damaged"):
        compose_tile(levels, index, 1, 0, 0, open_file(path))
