import errno
from pathlib import Path

import pytest

from tests.factories import make_slide
from viewer import storage


@pytest.fixture
def local(tmp_path):
    path = tmp_path / "local.bin"
    path.write_bytes(b"x" * 1000)
    return path


def test_a_saved_file_lies_at_its_key(local, stored_files):
    storage.save_file(local, "runs/1/a.bin")
    assert stored_files() == ["runs/1/a.bin"]
    with storage.local_copy("runs/1/a.bin") as path:
        assert path.read_bytes() == local.read_bytes()


def test_saving_tells_how_many_bytes_are_stored(tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(b"x" * (9 * 1024 * 1024))
    told: list[int] = []
    storage.save_file(path, "large.bin", told.append)
    assert told == [4 * 1024 * 1024, 8 * 1024 * 1024, 9 * 1024 * 1024]


def test_a_failed_save_leaves_the_key_as_it_was(local, stored_files, monkeypatch):
    def full(source, copy, on_bytes):
        copy.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage, "_copy", full)
    with pytest.raises(OSError, match="No space left"):
        storage.save_file(local, "a.bin")
    assert stored_files() == []


def test_a_part_of_a_killed_process_does_not_stand_in_the_way(local, data_folder_of_the_test, stored_files):
    part = data_folder_of_the_test.storage / "a.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    storage.save_file(local, "a.bin")
    assert stored_files() == ["a.bin"]


def test_a_link_is_made_only_where_it_may(local):
    storage.save_file(local, "linked.bin", may_link=True)
    storage.save_file(local, "copied.bin")
    with storage.local_copy("linked.bin") as linked, storage.local_copy("copied.bin") as copied:
        assert linked.stat().st_ino == local.stat().st_ino
        assert copied.stat().st_ino != local.stat().st_ino


def test_sweeping_removes_file_folder_and_parts_of_one_slide_only(local, stored_files, data_folder_of_the_test):
    storage.save_files({local: "slides/ab/one.tif"})
    storage.save_file(local, "slides/ab/one/0001.dcm")
    storage.save_file(local, "slides/ab/two.tif")
    (data_folder_of_the_test.storage / "slides/ab/one.tif.part").write_bytes(b"half")
    storage.sweep("slides/ab/one")
    assert stored_files() == ["slides/ab/two.tif"]


def test_sweeping_what_was_never_stored_is_no_error(db):
    storage.sweep("slides/ab/nothing")


@pytest.mark.django_db
def test_a_slide_is_read_where_it_lies(local):
    slide = make_slide(key="slides/ab/one/slide.mrxs", folder_key="slides/ab/one")
    storage.save_file(local, slide.key)
    with storage.local_path(slide) as path:
        assert path == Path(storage.root()) / slide.key
