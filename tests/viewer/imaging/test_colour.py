import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.viewer.imaging.pictures import pink
from tests.viewer.imaging.tiled_files import swapping_profile, write_scan
from viewer.imaging.colour import colour_named, is_srgb, profile_name, srgb_converter
from viewer.imaging.errors import UnsupportedSlide
from viewer.imaging.slides import open_slide

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def test_a_profile_has_a_name_unless_it_is_of_no_use():
    assert profile_name(swapping_profile()) == "Scan built-in"
    assert [profile_name(useless) for useless in (None, b"", b"rubbish", LAB)] == ["", "", "", ""]


def test_srgb_is_known_by_its_name():
    assert is_srgb(profile_name(SRGB))
    assert is_srgb("s RGB IEC61966-2.1")
    assert not is_srgb("ScanScope v1")


def test_pixels_are_converted_by_the_profile():
    picture = np.array([[[255, 0, 0], [0, 255, 0], [255, 255, 255], [10, 20, 200]]], np.uint8)
    converted = srgb_converter(swapping_profile())(picture)
    assert np.abs(converted.astype(int) - picture[..., ::-1]).max() <= 1


@pytest.mark.parametrize("useless", [None, b"", b"rubbish", LAB], ids=["none", "empty", "rubbish", "lab"])
def test_what_is_no_scanner_s_profile_converts_nothing(useless):
    with pytest.raises(UnsupportedSlide, match="Show it as scanned"):
        srgb_converter(useless)


def test_an_unknown_mode_is_named():
    assert [colour_named(name) for name in ("native", "srgb")] == ["native", "srgb"]
    with pytest.raises(UnsupportedSlide, match="'adobe'"):
        colour_named("adobe")


@pytest.mark.parametrize("sub_levels", [False, True], ids=["openslide", "our own reader"])
def test_a_slide_opened_in_srgb_gives_converted_pixels_everywhere(tmp_path, sub_levels):
    path = write_scan(tmp_path / "a.tif", [pink(512, 512)] * 2, side=256, profile=swapping_profile())
    if sub_levels:
        path = write_scan(
            tmp_path / "b.tif", [pink(512, 512), pink(256, 256)], side=256, profile=swapping_profile(), sub_levels=True
        )
    with open_slide(path) as scanned, open_slide(path, "srgb") as converted:
        assert profile_name(scanned.icc_profile()) == "Scan built-in"
        for read in (
            lambda reader: reader.read_region(100, 120, 0, 200, 210),
            lambda reader: reader.thumbnail(128),
        ):
            difference = read(converted).astype(int) - read(scanned)[..., ::-1]
            assert np.abs(difference).max() <= 2


def test_a_picture_s_profile_is_found(tmp_path):
    Image.fromarray(pink(300, 300)).save(tmp_path / "a.png", icc_profile=swapping_profile())
    with open_slide(tmp_path / "a.png") as reader:
        assert profile_name(reader.icc_profile()) == "Scan built-in"


def test_a_slide_without_a_profile_is_not_opened_in_srgb(tmp_path):
    path = write_scan(tmp_path / "a.tif", [pink(512, 512)], side=256)
    with pytest.raises(UnsupportedSlide, match="no ICC profile"):
        open_slide(path, "srgb")
