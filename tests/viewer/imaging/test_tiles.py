import numpy as np
import pytest
import simplejpeg

from tests.viewer.imaging.pictures import pink, reader_of, write_pyramid
from viewer.imaging.errors import TileOutside
from viewer.imaging.reader import NativeLevel, SlideReader
from viewer.imaging.slides import open_slide
from viewer.imaging.tiles import ServedLevel, render_tile, served_levels, slide_version, tile_pixels


def stored(*levels: NativeLevel) -> SlideReader:
    """A reader of which only the levels matter."""
    reader = reader_of(pink(8, 8))
    reader.levels = levels
    return reader


def level(width, height, downsample, tile=240):
    return NativeLevel(width, height, tile, tile, float(downsample))


def test_missing_powers_of_two_are_filled_in_on_the_native_tile_size():
    levels = served_levels(stored(level(40_000, 30_000, 1), level(10_000, 7_500, 4), level(2_500, 1_875, 16)))
    assert [found.downsample for found in levels] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert (levels[1].width, levels[1].height, levels[1].tile_width) == (20_000, 15_000, 240)
    assert (levels[-1].width, levels[-1].height) == (157, 118)


def test_levels_below_the_first_that_fits_one_tile_are_not_served():
    levels = served_levels(stored(level(900, 700, 1, 500), level(450, 350, 2, 500), level(225, 175, 4, 500)))
    assert [found.downsample for found in levels] == [1, 2]


def test_odd_sizes_are_rounded_up():
    levels = served_levels(stored(level(1001, 513, 1)))
    assert [(found.width, found.height) for found in levels] == [(1001, 513), (501, 257), (251, 129), (126, 65)]


def test_a_served_level_survives_json():
    served = ServedLevel(1001, 513, 240, 256, 2.0005)
    assert ServedLevel.from_dict(served.as_dict()) == served


def test_the_version_has_12_hex_digits_and_follows_bytes_levels_and_colour():
    levels = [ServedLevel(512, 512, 256, 256, 1.0)]
    version = slide_version("ab" * 32, levels, "native")
    assert len(version) == 12 and int(version, 16) >= 0
    assert version == slide_version("ab" * 32, list(levels), "native")
    others = [
        slide_version("cd" * 32, levels, "native"),
        slide_version("ab" * 32, [ServedLevel(512, 512, 128, 128, 1.0)], "native"),
        slide_version("ab" * 32, levels, "srgb"),
    ]
    assert len({version, *others}) == 4


def test_tiles_of_stored_levels_equal_what_the_slide_holds(tmp_path):
    with open_slide(write_pyramid(tmp_path / "slide.tif", pink(768, 1024))) as reader:
        levels = served_levels(reader)
        assert [found.downsample for found in levels] == [1, 2, 4]
        for index, served in enumerate(levels):
            whole = reader.read_region(0, 0, index, served.width, served.height)
            rows = [
                np.concatenate([tile_pixels(reader, served, c, r) for c in range(served.columns)], axis=1)
                for r in range(served.rows)
            ]
            np.testing.assert_array_equal(np.concatenate(rows), whole)


def test_an_edge_tile_is_cut_to_what_the_level_holds():
    reader = reader_of(pink(300, 400))
    jpeg = render_tile(reader, served_levels(reader)[0], 1, 1)
    assert simplejpeg.decode_jpeg_header(jpeg)[:2] == (44, 144)


def test_a_tile_is_a_jpeg_close_to_the_pixels(ki67_slide):
    with open_slide(ki67_slide) as reader:
        first = served_levels(reader)[0]
        decoded = simplejpeg.decode_jpeg(render_tile(reader, first, 2, 1))
        assert np.abs(decoded.astype(int) - tile_pixels(reader, first, 2, 1)).mean() < 3


def test_a_level_that_is_not_stored_is_the_average_of_the_finer_one():
    picture = pink(512, 512)
    reader = reader_of(picture)
    derived = ServedLevel(128, 128, 128, 128, 4.0)
    reader.levels = reader.levels[:1]
    expected = picture.reshape(128, 4, 128, 4, 3).mean(axis=(1, 3))
    assert np.abs(tile_pixels(reader, derived, 0, 0) - expected).max() <= 1


@pytest.mark.parametrize(("column", "row"), [(2, 0), (0, 2), (-1, 0), (0, -1)])
def test_a_tile_outside_the_level_is_refused(column, row):
    reader = reader_of(pink(300, 400))
    with pytest.raises(TileOutside, match="2 × 2 tiles"):
        render_tile(reader, served_levels(reader)[0], column, row)
