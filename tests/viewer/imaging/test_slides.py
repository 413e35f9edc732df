import hashlib
import struct
import threading

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.viewer.imaging.pictures import pink, reader_of, refusal, write_pyramid, write_tiff
from viewer.imaging.errors import RegionOutsideSlide, SlideTooLarge, UnreadableSlide, UnsupportedSlide
from viewer.imaging.openslide_reader import on_white
from viewer.imaging.slides import content_sha256, main_file, open_slide, slide_files, verify

OME = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
    '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="300" SizeY="260" SizeC="3" SizeZ="1" SizeT="1" '
    '{sizes}><Channel ID="Channel:0:0" SamplesPerPixel="3"/><TiffData/></Pixels></Image></OME>'
)


# What is read


def test_a_pyramid_is_read_through_openslide(ki67_slide, ki67):
    with open_slide(ki67_slide) as reader:
        verify(reader)
        assert (reader.format, reader.width_l0, reader.height_l0, reader.mpp) == ("generic-tiff", 1120, 1120, 0.5)
        assert [(level.width, level.tile_width, level.downsample) for level in reader.levels][:2] == [
            (1120, 256, 1.0),
            (560, 256, 2.0),
        ]
        read = reader.read_region(300, 200, 0, 400, 500)
        assert (read.shape, read.dtype) == ((500, 400, 3), np.uint8)
        assert np.abs(read.astype(int) - ki67[200:700, 300:700]).mean() < 3


def test_outside_the_slide_is_white(ki67_slide):
    for reader in (open_slide(ki67_slide), reader_of(pink(1120, 1120))):
        with reader:
            read = reader.read_region(-50, 1100, 0, 100, 100)
            assert (read[20:] == 255).all() and (read[:, :50] == 255).all()
            assert not (read[:20, 50:] == 255).all()
            assert (reader.read_region(5000, 5000, 0, 10, 10) == 255).all()


def test_transparent_pixels_are_white_and_half_transparent_ones_half_white():
    rgba = np.array([[[10, 20, 30, 0], [100, 0, 50, 255], [100, 0, 50, 128]]], np.uint8)
    assert on_white(rgba).tolist() == [[[255, 255, 255], [100, 0, 50], [177, 127, 152]]]


def test_a_scaled_read_averages_areas():
    picture = pink(600, 800)
    read = reader_of(picture).read_scaled(80, 40, 400, 200, 100, 50)
    expected = picture[40:240, 80:480].reshape(50, 4, 100, 4, 3).mean(axis=(1, 3))
    assert np.abs(read - expected).max() <= 1


def test_a_scaled_read_of_the_same_size_is_the_region():
    reader = reader_of(pink(600, 800))
    np.testing.assert_array_equal(reader.read_scaled(5, 7, 300, 200, 300, 200), reader.read_region(5, 7, 0, 300, 200))


def test_a_thumbnail_keeps_the_aspect_and_never_enlarges():
    reader = reader_of(pink(600, 800))
    assert reader.thumbnail(200).shape == (150, 200, 3)
    assert reader.thumbnail(5000).shape == (600, 800, 3)


def test_a_read_in_bands_equals_the_whole(monkeypatch):
    reader = reader_of(pink(640, 800))
    whole = reader.read_reduced(0, 0, 0, 800, 640, 4)
    monkeypatch.setattr("viewer.imaging.reader.BAND_PX", 800 * 12)
    np.testing.assert_array_equal(reader.read_reduced(0, 0, 0, 800, 640, 4), whole)


def test_empty_huge_and_unknown_regions_are_refused():
    reader = reader_of(pink(300, 300))
    with pytest.raises(RegionOutsideSlide, match="no level 9"):
        reader.read_region(0, 0, 9, 10, 10)
    with pytest.raises(RegionOutsideSlide, match="empty"):
        reader.read_region(0, 0, 0, 0, 10)
    with pytest.raises(SlideTooLarge, match="at most 100,000,000"):
        reader.read_region(0, 0, 0, 20_000, 20_000)


def test_threads_may_share_a_reader(ki67_slide):
    with open_slide(ki67_slide) as reader:
        places = [(x, y) for y in range(0, 1120, 160) for x in range(0, 1120, 160)]
        alone = [reader.read_region(x, y, 0, 160, 160) for x, y in places]
        wrong: list[tuple[int, int]] = []

        def read_all():
            for place, expected in zip(places, alone, strict=True):
                if not np.array_equal(reader.read_region(*place, 0, 160, 160), expected):
                    wrong.append(place)

        threads = [threading.Thread(target=read_all) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_a_closed_reader_says_so(ki67_slide):
    for reader in (open_slide(ki67_slide), reader_of(pink(300, 300))):
        reader.close()
        reader.close()
        with pytest.raises(UnreadableSlide, match="closed"):
            reader.read_region(0, 0, 0, 10, 10)


def test_a_reader_recovers_when_its_file_does(tmp_path):
    path = write_pyramid(tmp_path / "slide.tif", pink(600, 800))
    bytes_of_slide = path.read_bytes()
    with open_slide(path) as reader:
        path.write_bytes(bytes_of_slide[:2000].ljust(len(bytes_of_slide), b"\0"))
        with pytest.raises(UnreadableSlide):
            reader.read_region(500, 500, 0, 200, 100)
        path.write_bytes(bytes_of_slide)
        assert reader.read_region(500, 500, 0, 200, 100).shape == (100, 200, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("name", ["with space", "срез", "🔬 slide"])
def test_paths_with_spaces_cyrillic_and_emoji_are_read(tmp_path, name, suffix):
    path = tmp_path / name / f"{name}{suffix}"
    path.parent.mkdir()
    picture = pink(260, 300)
    if suffix == ".tif":
        write_pyramid(path, picture)
    else:
        Image.fromarray(picture).save(path)
    with open_slide(path) as reader:
        verify(reader)
        assert (reader.width_l0, reader.height_l0) == (300, 260)


# Plain images


def test_a_png_gets_256_px_tiles_derived_levels_and_no_mpp(tmp_path):
    picture = pink(700, 901)
    Image.fromarray(picture).save(tmp_path / "field.png", dpi=(72, 72))
    with open_slide(tmp_path / "field.png") as reader:
        verify(reader)
        assert (reader.format, reader.mpp) == ("png", None)
        assert [(level.width, level.height, level.tile_width) for level in reader.levels] == [
            (901, 700, 256),
            (451, 350, 256),
            (226, 175, 256),
        ]
        np.testing.assert_array_equal(reader.read_region(0, 0, 0, 901, 700), picture)


def test_a_png_with_alpha_lies_on_white(tmp_path):
    rgba = np.dstack([pink(300, 300), np.zeros((300, 300), np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "field.png")
    with open_slide(tmp_path / "field.png") as reader:
        assert (reader.read_region(0, 0, 0, 300, 300) == 255).all()


def test_a_large_plain_image_is_held_outside_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("viewer.imaging.plain_reader.IN_MEMORY_PX", 1000)
    picture = pink(300, 310)
    with reader_of(picture) as reader:
        np.testing.assert_array_equal(reader.read_region(0, 0, 0, 310, 300), picture)
        assert isinstance(reader._pictures[0], np.memmap)


@pytest.mark.parametrize(
    ("sizes", "mpp"),
    [
        ('PhysicalSizeX="0.2271" PhysicalSizeXUnit="µm" PhysicalSizeY="0.2271" PhysicalSizeYUnit="µm"', 0.2271),
        ('PhysicalSizeX="0.5" PhysicalSizeY="0.5"', 0.5),
        ('PhysicalSizeX="250" PhysicalSizeXUnit="nm" PhysicalSizeY="250" PhysicalSizeYUnit="nm"', 0.25),
        ('PhysicalSizeX="1" PhysicalSizeXUnit="pixel" PhysicalSizeY="1" PhysicalSizeYUnit="pixel"', None),
        ('PhysicalSizeX="352.8" PhysicalSizeY="352.8"', None),
        ('PhysicalSizeX="0.25" PhysicalSizeY="0.5"', None),
        ("", None),
    ],
)
def test_the_mpp_of_an_ome_tiff_is_its_physical_size_where_that_can_be_one(tmp_path, sizes, mpp):
    path = write_tiff(tmp_path / "a.ome.tif", pink(260, 300), description=OME.format(sizes=sizes).encode())
    with open_slide(path) as reader:
        verify(reader)
        assert (reader.format, reader.mpp) == ("ome-tiff", mpp)


@pytest.mark.parametrize(
    ("resolution", "unit", "mpp"),
    [
        ((72, 72), "INCH", None),
        ((300, 300), "INCH", None),
        ((20_000, 20_000), "CENTIMETER", 0.5),
        ((50_800, 50_800), "INCH", 0.5),
        ((20_000, 20_000), "NONE", None),
    ],
)
def test_a_plain_tiff_s_resolution_counts_only_where_it_can_be_a_microscope_s(tmp_path, resolution, unit, mpp):
    path = write_tiff(tmp_path / "a.tif", pink(260, 300), resolution=resolution, resolutionunit=unit)
    with open_slide(path) as reader:
        assert (reader.format, reader.mpp) == ("tiff", mpp and pytest.approx(mpp))


def test_an_imagej_tiff_names_its_unit(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", pink(260, 300), imagej=True, resolution=(4.0, 4.0), metadata={"unit": "um", "axes": "YXS"}
    )
    with open_slide(tmp_path / "a.tif") as reader:
        assert reader.mpp == pytest.approx(0.25)


def test_separate_colour_planes_are_put_together(tmp_path):
    picture = pink(260, 300)
    path = write_tiff(tmp_path / "a.tif", np.moveaxis(picture, -1, 0), planarconfig="separate")
    with open_slide(path) as reader:
        np.testing.assert_array_equal(reader.read_region(0, 0, 0, 300, 260), picture)


# Folders and content


def test_a_mirax_slide_is_its_file_and_its_folder(tmp_path):
    (tmp_path / "slide.mrxs").write_bytes(b"main")
    (tmp_path / "slide").mkdir()
    for name in ("Data0001.dat", "Slidat.ini", "Data0000.dat", ".hidden"):
        (tmp_path / "slide" / name).write_bytes(name.encode())
    for path in (tmp_path, tmp_path / "slide.mrxs"):
        assert main_file(path) == tmp_path / "slide.mrxs"
        names = [file.name for file in slide_files(path)]
        assert names == ["slide.mrxs", "Data0000.dat", "Data0001.dat", "Slidat.ini"]
    assert content_sha256(tmp_path) == hashlib.sha256(b"mainData0000.datData0001.datSlidat.ini").hexdigest()


def write_dicom(path, series, size):
    uid = series.encode()
    path.write_bytes(bytes(128) + b"DICM" + b"\x20\x00\x0e\x00UI" + struct.pack("<H", len(uid)) + uid + bytes(size))


def test_a_dicom_folder_is_one_slide_named_by_its_largest_file(tmp_path):
    write_dicom(tmp_path / "level-1.dcm", "1.2.3", 10)
    write_dicom(tmp_path / "level-0.dcm", "1.2.3", 500)
    (tmp_path / "report.txt").write_text("not a part of it")
    (tmp_path / "link.dcm").symlink_to(tmp_path / "level-0.dcm")
    assert main_file(tmp_path) == tmp_path / "level-0.dcm"
    names = [file.name for file in slide_files(tmp_path / "level-1.dcm")]
    assert names == ["level-0.dcm", "level-1.dcm"]


def test_a_folder_with_two_slides_is_refused(tmp_path):
    write_dicom(tmp_path / "a.dcm", "1.2.3", 10)
    write_dicom(tmp_path / "b.dcm", "1.2.4", 10)
    kind, message = refusal(tmp_path)
    assert kind is UnsupportedSlide and "2 DICOM series" in message


def test_a_folder_without_a_slide_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no slide here")
    kind, message = refusal(tmp_path)
    assert kind is UnreadableSlide and "holds no slide" in message


def test_the_content_hash_of_a_file_is_its_sha256(ki67_slide):
    assert content_sha256(ki67_slide) == hashlib.sha256(ki67_slide.read_bytes()).hexdigest()
