import os
from contextlib import contextmanager

import numpy as np
import pytest
import simplejpeg

from tests.viewer.imaging.pictures import pink, write_pyramid
from tests.viewer.imaging.tiled_files import APERIO, jpeg_of, pyramid_of, write_scan
from viewer.imaging.composing import decoded_tile
from viewer.imaging.folders import slide_files
from viewer.imaging.indexing import as_a_browser_shows, index_slide
from viewer.imaging.jpeg import ADOBE_RGB
from viewer.imaging.slides import open_slide
from viewer.imaging.tiles import served_levels, tile_pixels


@contextmanager
def indexed(path):
    """Open a slide; give the reader, its served levels, its index, and a function that opens its files."""
    with open_slide(path) as reader:
        files = [os.open(file, os.O_RDONLY) for file in slide_files(path)]
        levels = served_levels(reader)
        yield reader, levels, index_slide(reader, levels), files.__getitem__
        for file in files:
            os.close(file)


def differences(path):
    """Per level that passes through: the largest difference between any tile as a browser shows it and the reader's."""
    found = {}
    with indexed(path) as (reader, levels, index, open_file):
        for number, tiles in index.levels.items():
            worst, passed = 0, 0
            for row in range(levels[number].rows):
                for column in range(levels[number].columns):
                    jpeg = tiles.jpeg(open_file, column, row)
                    if jpeg is not None:
                        stored = tile_pixels(reader, levels[number], column, row).astype(int)
                        shown = as_a_browser_shows(jpeg)[: stored.shape[0], : stored.shape[1]]
                        worst, passed = max(worst, np.abs(shown - stored).max()), passed + 1
            found[number] = (worst, passed)
    return found


def test_every_tile_of_a_pyramid_of_our_own_passes_through_with_openslide_s_pixels(tmp_path):
    # Even sizes, so that every level's downsample is whole.
    path = write_pyramid(tmp_path / "slide.tif", pink(1024, 1280))
    assert differences(path) == {0: (0, 20), 1: (0, 6), 2: (0, 2), 3: (0, 1)}


def test_rgb_tiles_of_aperio_get_the_marker_and_are_not_green(tmp_path):
    path = write_scan(tmp_path / "a.svs", [pink(720, 960)], rgb=True, description=APERIO)
    assert differences(path) == {0: (0, 12)}
    with indexed(path) as (reader, _levels, index, open_file):
        assert reader.format == "aperio"
        jpeg = index.levels[0].jpeg(open_file, 1, 1)
        assert jpeg[2:18] == ADOBE_RGB
        without = simplejpeg.decode_jpeg(jpeg.replace(ADOBE_RGB, b"")).astype(int)
        assert np.abs(without - reader.read_region(240, 240, 0, 240, 240)).mean() > 30


def test_edges_of_aperio_s_reduced_levels_and_tiles_over_blank_ones_are_left_to_the_reader(tmp_path):
    levels = pyramid_of(pink(2880, 2880), 2, factor=4)
    path = write_scan(tmp_path / "a.svs", levels, description=APERIO, blank=[(0, 2, 1)])
    with indexed(path) as (_reader, served, index, open_file):
        assert sorted((number, served[number].downsample) for number in index.levels) == [(0, 1), (2, 4)]
        full, reduced = index.levels[0], index.levels[2]
        assert full.jpeg(open_file, 11, 11) is not None
        assert full.jpeg(open_file, 2, 1) is None
        passed = [(c, r) for r in range(3) for c in range(3) if reduced.jpeg(open_file, c, r) is not None]
        assert passed == [(1, 0), (0, 1), (1, 1)]
    assert differences(path) == {0: (0, 143), 2: (0, 3)}


def test_a_reduced_level_that_openslide_shifts_by_part_of_a_pixel_passes_too_unless_its_colours_differ(tmp_path):
    """Real scanners round the sizes of reduced levels down, so that their factors are hardly ever whole."""
    full = pink(1027, 1539)
    reduced = np.ascontiguousarray(pyramid_of(full, 2, factor=4)[1][:256, :384])
    path = write_scan(tmp_path / "a.tif", [full, reduced], side=128)
    with indexed(path) as (reader, levels, index, _open_file):
        assert 4 < reader.levels[1].downsample < 4.02
        assert sorted(index.levels) == [0, 2]
    assert differences(path)[0] == (0, 117)
    odd = [(1, column, row) for column in range(3) for row in range(2)]
    other_colours = write_scan(tmp_path / "b.tif", [full, reduced], side=128, odd=odd)
    with open_slide(path) as reader, open_slide(other_colours) as other:
        reader.path = other.path
        assert sorted(index_slide(reader, levels).levels) == [0]


def test_a_level_whose_tiles_show_something_else_is_decoded(tmp_path, monkeypatch):
    """As Aperio's mixed-up edge tiles, but in a format that is not known for it."""
    levels = pyramid_of(pink(1024, 1024), 2)
    path = write_scan(tmp_path / "a.tif", levels, side=256)
    assert sorted(differences(path)) == [0, 1]
    with open_slide(path) as reader:
        served = served_levels(reader)
        real = type(reader)._read

        def shows_other_pixels_on_level_1(self, x, y, level, width, height):
            picture = real(self, x, y, level, width, height)
            return 255 - picture if level == 1 else picture

        monkeypatch.setattr(type(reader), "_read", shows_other_pixels_on_level_1)
        assert sorted(index_slide(reader, served).levels) == [0]


def test_a_tile_that_names_itself_ycbcr_in_an_rgb_file_is_decoded(tmp_path, monkeypatch):
    sound = write_scan(tmp_path / "sound.tif", [pink(512, 512)], side=256, rgb=True)
    assert sorted(differences(sound)) == [0]
    jfif = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"

    def with_jfif(picture, rgb):
        return b"\xff\xd8" + jfif + jpeg_of(picture, rgb=rgb)[2:]

    monkeypatch.setattr("tests.viewer.imaging.tiled_files.jpeg_of", with_jfif)
    assert differences(write_scan(tmp_path / "odd.tif", [pink(512, 512)], side=256, rgb=True)) == {}


def test_sub_levels_of_an_ome_tiff_are_read_and_pass_through(tmp_path):
    pictures = pyramid_of(pink(1024, 1024), 3)
    for rgb in (False, True):
        path = write_scan(tmp_path / f"{rgb}.ome.tif", pictures, side=256, rgb=rgb, sub_levels=True)
        with open_slide(path) as reader:
            assert [(level.width, level.downsample) for level in reader.levels] == [(1024, 1), (512, 2), (256, 4)]
            read = reader.read_region(300, 500, 1, 200, 230)
            assert np.abs(read.astype(int) - pictures[1][250:480, 150:350]).mean() < 6
        assert differences(path) == {0: (0, 16), 1: (0, 4), 2: (0, 1)}


def test_our_reading_of_sub_levels_equals_openslide_s_reading_of_top_level_ones(tmp_path):
    pictures = pyramid_of(pink(1024, 768), 3)
    top = write_scan(tmp_path / "top.tif", pictures, side=256)
    below = write_scan(tmp_path / "below.tif", pictures, side=256, sub_levels=True)
    with open_slide(top) as openslide, open_slide(below) as ours:
        assert (openslide.format, ours.format, openslide.levels) == ("generic-tiff", "tiff", ours.levels)
        for place in ((-20, -30, 0, 300, 400), (100, 120, 1, 400, 500), (0, 0, 2, 192, 256), (700, 900, 0, 200, 200)):
            np.testing.assert_array_equal(openslide.read_region(*place), ours.read_region(*place))


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CMU-1-Small-Region.svs", {0: (0, 130)}),
        ("BS25_SYN_crop.tif", None),
    ],
)
def test_real_tiles_that_pass_through_have_openslide_s_pixels(data_folder, name, expected):
    found = differences(data_folder / "wsi" / name)
    if expected is not None:
        assert found == expected
    else:
        assert len(found) >= 4
        assert found[0] == (0, 44 * 60)


@pytest.mark.data
def test_jpeg_2000_tiles_do_not_pass_but_are_decoded_to_openslide_s_pixels(data_folder):
    with indexed(data_folder / "wsi/tcga-cr-7395-01a-01-ts1.svs") as (reader, levels, index, open_file):
        assert (index.levels, sorted(index.jpeg_2000)) == ({}, [0, 1])
        for column, row in ((3, 4), (17, 13)):
            decoded = decoded_tile(levels, index, 0, column, row, open_file)
            np.testing.assert_array_equal(decoded, tile_pixels(reader, levels[0], column, row))
        assert decoded_tile(levels, index, 2, 0, 0, open_file) is None
        # The last column of a reduced level is not trusted.
        assert decoded_tile(levels, index, 1, levels[1].columns - 1, 0, open_file) is None


@pytest.mark.data
def test_frames_of_the_real_dicom_slide_pass_through_in_their_right_colours(data_folder):
    found = differences(data_folder / "wsi/CMU-1-Small-Region_dicom")
    # The declared RGB is YCbCr in truth: OpenSlide's pixels are converted, with an error of rounding.
    assert found[0][0] <= 1
    assert found[0][1] == 30
    assert sorted(found) == [0, 1, 2, 3]
