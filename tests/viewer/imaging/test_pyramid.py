import errno
from io import BytesIO

import numpy as np
import openslide
import pytest
import tifffile

from tests.viewer.imaging.pictures import pink, write_pyramid
from viewer.imaging import pyramid
from viewer.imaging.errors import DiskFull, SlideTooLarge
from viewer.imaging.pyramid import PyramidWriter
from viewer.imaging.tiff_checks import pages_of


def test_openslide_opens_it_with_its_levels_and_mpp(tmp_path):
    path = write_pyramid(tmp_path / "slide.tif", pink(1200, 2000), mpp=0.2271)
    with openslide.OpenSlide(path) as slide:
        assert slide.level_dimensions == ((2000, 1200), (1000, 600), (500, 300), (250, 150))
        assert float(slide.properties[openslide.PROPERTY_NAME_MPP_X]) == pytest.approx(0.2271, rel=1e-6)
        assert slide.associated_images == {}


def test_reduced_levels_are_top_level_directories_and_carry_the_description(tmp_path):
    path = tmp_path / "slide.tif"
    with PyramidWriter(path, 600, 400, 0.5, "SYNTHETIC Ki-67, 5 µm") as writer:
        writer.write_rows(pink(400, 600))
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff
        assert [page.tags["NewSubfileType"].value for page in pages_of(tiff)] == [0, 1, 1]
        assert [page.tags["ImageDescription"].value for page in pages_of(tiff)] == ["SYNTHETIC Ki-67, 5 &#181;m"] * 3


def test_pixels_survive_but_for_the_jpeg(tmp_path, he):
    picture = he[:500, :600]
    path = write_pyramid(tmp_path / "slide.tif", picture)
    with tifffile.TiffFile(path) as tiff:
        assert np.abs(tiff.pages[0].asarray().astype(int) - picture).mean() < 3
        for page in tiff.pages:
            np.testing.assert_allclose(page.asarray().mean(axis=(0, 1)), picture.mean(axis=(0, 1)), atol=1.5)


def test_rows_may_come_in_any_portions(tmp_path):
    picture = pink(777, 530)
    whole = write_pyramid(tmp_path / "whole.tif", picture).read_bytes()
    with PyramidWriter(tmp_path / "parts.tif", 530, 777, 0.5) as writer:
        for top in range(0, 777, 100):
            writer.write_rows(picture[top : top + 100])
    assert (tmp_path / "parts.tif").read_bytes() == whole


def test_a_slide_of_one_tile_has_one_level(tmp_path):
    with openslide.OpenSlide(write_pyramid(tmp_path / "slide.tif", pink(100, 90))) as slide:
        assert slide.level_dimensions == ((90, 100),)


def test_an_error_in_the_block_leaves_nothing_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "slide.tif"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="cut"), PyramidWriter(path, 600, 400, 0.5) as writer:
        writer.write_rows(pink(300, 600))
        raise RuntimeError("cut")
    assert [file.name for file in tmp_path.iterdir()] == ["slide.tif"]
    assert path.read_bytes() == b"old"


def test_missing_rows_leave_nothing(tmp_path):
    with pytest.raises(ValueError, match="300 of 400 rows"), PyramidWriter(tmp_path / "a.tif", 600, 400, 0.5) as writer:
        writer.write_rows(pink(300, 600))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (pink(10, 599), "must be uint8"),
        (pink(10, 600).astype(np.uint16), "must be uint8"),
        (pink(401, 600), "401 rows"),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_leave_nothing(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message), PyramidWriter(tmp_path / "a.tif", 600, 400, 0.5) as writer:
        writer.write_rows(rows)
    assert list(tmp_path.iterdir()) == []


class FullDisk(BytesIO):
    """A file on a disk with room for 20,000 bytes."""

    def write(self, data):
        if self.tell() + len(data) > 20_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    part = tmp_path / ".slide.part"

    def part_on_full_disk(path):
        part.write_bytes(b"")
        return FullDisk(), part

    monkeypatch.setattr(pyramid, "part_file", part_on_full_disk)
    with pytest.raises(DiskFull, match="nothing of it was kept"), PyramidWriter(tmp_path / "a.tif", 600, 400, 0.5) as w:
        w.write_rows(pink(400, 600))
    assert list(tmp_path.iterdir()) == []


def test_absurd_sizes_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(SlideTooLarge):
        PyramidWriter(tmp_path / "a.tif", 2_000_000, 10, 0.5)
    for mpp, tile_px in ((0.0, 256), (float("nan"), 256), (0.5, 100)):
        with pytest.raises(ValueError, match="must be"):
            PyramidWriter(tmp_path / "a.tif", 100, 100, mpp, tile_px=tile_px)
    assert list(tmp_path.iterdir()) == []
