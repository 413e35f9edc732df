import errno
import shutil
import struct
import zlib

import numpy as np
import pytest
import tifffile

from tests.viewer.drawing import draw_png, draw_slide, tissue
from viewer import services, storage
from viewer.services import importing

pytestmark = pytest.mark.django_db


def test_a_text_file_named_svs_is_refused(tmp_path, assert_refused):
    path = tmp_path / "letter.svs"
    path.write_text("Dear colleague,")
    assert_refused(path, "This is no slide that can be read")


def test_an_empty_file_is_refused(tmp_path, assert_refused):
    path = tmp_path / "nothing.tif"
    path.touch()
    assert_refused(path, "The file is empty")


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_truncated_slide_is_refused(slide_file, tmp_path, assert_refused, share):
    path = tmp_path / "cut.tif"
    whole = slide_file.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert_refused(path, "")


def test_a_fluorescence_slide_is_refused(tmp_path, assert_refused):
    path = tmp_path / "dapi.tif"
    dark = np.zeros((600, 600, 3), np.uint8)
    dark[100:120, 100:120] = (0, 0, 250)
    tifffile.imwrite(path, dark, photometric="rgb", tile=(256, 256))
    assert_refused(path, "fluorescence")


def test_a_grey_slide_of_sixteen_bits_is_refused(tmp_path, assert_refused):
    path = tmp_path / "grey.tif"
    tifffile.imwrite(path, np.full((600, 600), 40000, np.uint16))
    assert_refused(path, "RGB")


def test_a_slide_smaller_than_an_instance_is_refused(tmp_path, assert_refused):
    assert_refused(draw_png(tmp_path / "tiny.png", 200, 300), "at least 224 × 224")


def test_an_image_of_absurd_dimensions_is_refused(tmp_path, assert_refused):
    path = tmp_path / "huge.tif"
    tifffile.imwrite(path, tissue(), photometric="rgb", tile=(256, 256))
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tags = tiff.pages.first.tags
        tags["ImageWidth"].overwrite(2_000_000_000)
        tags["ImageLength"].overwrite(2_000_000_000)
    assert_refused(path, "")


def test_a_bomb_of_a_png_is_refused(tmp_path, assert_refused):
    path = draw_png(tmp_path / "bomb.png")
    png = bytearray(path.read_bytes())
    png[16:24] = struct.pack(">II", 100_000, 100_000)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    path.write_bytes(png)
    assert_refused(path, "far more pixels than the 100,000,000 that are accepted")


@pytest.mark.parametrize("name", ["with two  spaces.tif", "Пациент Иванов.tif", "slide 🔬.tif", "a'b\"c;$(d).tif"])
def test_a_path_may_hold_any_character(asked, tmp_path, name):
    folder = tmp_path / "Папка 🧫"
    folder.mkdir()
    slide = services.import_slide(asked(draw_slide(folder / name)).pk)
    assert slide is not None
    assert slide.key.endswith(".tif")


def test_a_strange_ending_is_not_kept(asked, slide_file, tmp_path):
    path = tmp_path / "slide.Ivanov1961"
    shutil.copy(slide_file, path)
    slide = services.import_slide(asked(path).pk)
    assert "Ivanov" not in slide.key


def test_a_name_of_one_letter_does_not_tear_the_message(tmp_path):
    path = tmp_path / "a"
    path.write_text("no slide")
    assert importing._without_names("a: not a slide at all", path) == "…: not … slide at all"


def test_a_file_that_went_away_is_reported(asked, slide_file, stored_files):
    row = asked(slide_file)
    slide_file.unlink()
    assert services.import_slide(row.pk) is None
    row.refresh_from_db()
    assert row.state == "failed"
    assert "Ivanov" not in row.message
    assert stored_files() == []


def test_a_full_disk_leaves_nothing_behind(slide_file, assert_refused, monkeypatch):
    def full(source, copy, on_bytes):
        copy.write_bytes(source.read_bytes()[:1000])
        raise OSError(errno.ENOSPC, "No space left on device", str(copy))

    monkeypatch.setattr(storage, "_copy", full)
    row = assert_refused(slide_file, "The disk is full")
    assert "Free some space" in row.message


def test_a_disk_that_fills_up_at_the_second_file_leaves_nothing_behind(dicom_folder, assert_refused, monkeypatch):
    copy, copied = storage._copy, []

    def full_later(source, target, on_bytes):
        copied.append(source)
        if len(copied) > 1:
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        copy(source, target, on_bytes)

    monkeypatch.setattr(storage, "_copy", full_later)
    assert_refused(dicom_folder, "The disk is full")
    assert len(copied) == 2


def test_a_file_that_grows_while_it_is_imported_is_refused(slide_file, assert_refused, monkeypatch):
    copy = storage._copy

    def scanner_still_writes(source, target, on_bytes):
        copy(source, target, on_bytes)
        with source.open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr(storage, "_copy", scanner_still_writes)
    assert_refused(slide_file, "The file changed while it was imported")


def test_an_error_of_the_program_marks_the_import_and_is_not_hidden(asked, slide_file, stored_files, monkeypatch):
    def broken(*args):
        raise ZeroDivisionError

    monkeypatch.setattr(importing, "_accept", broken)
    row = asked(slide_file)
    with pytest.raises(ZeroDivisionError):
        services.import_slide(row.pk)
    row.refresh_from_db()
    assert row.state == "failed"
    assert "error of the program" in row.message
    assert stored_files() == []
