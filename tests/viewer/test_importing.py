import hashlib
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from accounts.errors import ApplicationError
from tests.viewer.drawing import draw_png, draw_slide, tissue
from viewer import services, storage
from viewer.imaging.slides import content_sha256, open_slide
from viewer.imaging.tiles import served_levels, slide_version
from viewer.models import Case, Slide, SlideImport
from viewer.services import importing
from viewer.services.storing import SlideFiles

pytestmark = pytest.mark.django_db


def test_an_import_makes_the_case_and_the_slide(asked, slide_file, project, lead, stored_files):
    row = asked(slide_file)
    slide = services.import_slide(row.pk)
    assert slide is not None
    assert (slide.case.name, slide.case.project, slide.stain) == ("Case 01", project, "HE")
    assert (slide.width_l0, slide.height_l0, slide.mpp, slide.mpp_source) == (700, 500, 0.5, "file")
    assert (slide.state, slide.origin, slide.drawn, slide.imported_by) == ("ready", "real", False, lead)
    assert slide.content_sha256 == hashlib.sha256(slide_file.read_bytes()).hexdigest()
    assert slide.size_bytes == slide_file.stat().st_size
    with open_slide(slide_file) as reader:
        levels = served_levels(reader)
    assert slide.served_levels == [level.as_dict() for level in levels]
    assert slide.version == slide_version(slide.content_sha256, levels, "native")
    assert stored_files() == [slide.key]
    row.refresh_from_db()
    assert (row.state, row.progress, row.slide, row.message) == ("done", 1.0, slide, "")


def test_no_name_of_the_file_is_kept(asked, slide_file, stored_files):
    row = asked(slide_file)
    slide = services.import_slide(row.pk)
    row.refresh_from_db()
    kept = repr([SlideImport.objects.values(), Slide.objects.values(), Case.objects.values(), stored_files()])
    assert "Ivanov" not in kept
    assert slide.key.startswith(f"slides/{slide.content_sha256[:2]}/")
    assert slide_file.exists()


def test_the_stored_file_is_the_import_bit_for_bit_and_no_link(stored_slide, slide_file):
    with storage.local_path(stored_slide) as path:
        assert path.read_bytes() == slide_file.read_bytes()
        assert path.stat().st_ino != slide_file.stat().st_ino


def test_a_second_delivery_of_a_done_import_changes_nothing(asked, slide_file, stored_files):
    row = asked(slide_file)
    services.import_slide(row.pk)
    before = stored_files()
    assert services.import_slide(row.pk) is None
    assert Slide.objects.count() == 1
    assert stored_files() == before


def test_an_import_that_another_worker_has_is_left_alone(asked, slide_file):
    row = asked(slide_file)
    SlideImport.objects.filter(pk=row.pk).update(state="running", heartbeat_at=timezone.now(), attempt=1)
    assert services.import_slide(row.pk) is None
    row.refresh_from_db()
    assert (row.state, row.attempt) == ("running", 1)
    assert not Slide.objects.exists()


def test_an_import_whose_worker_died_is_taken_over_and_swept(asked, slide_file, stored_files):
    row = asked(slide_file)
    prefix = "slides/00/dead-attempt"
    storage.save_file(slide_file, f"{prefix}.tif")
    storage.save_file(slide_file, f"{prefix}/0001.dcm")
    SlideImport.objects.filter(pk=row.pk).update(
        state="running", heartbeat_at=timezone.now() - timedelta(minutes=5), attempt=1, stored_key=prefix
    )
    slide = services.import_slide(row.pk)
    assert stored_files() == [slide.key]
    row.refresh_from_db()
    assert (row.state, row.attempt) == ("done", 2)


def test_an_import_that_kills_every_worker_is_given_up(asked, slide_file):
    row = asked(slide_file)
    SlideImport.objects.filter(pk=row.pk).update(
        state="running", heartbeat_at=timezone.now() - timedelta(minutes=5), attempt=3
    )
    assert services.import_slide(row.pk) is None
    row.refresh_from_db()
    assert row.state == "failed"
    assert "The worker died 3 times" in row.message


def test_a_worker_that_was_silent_too_long_leaves_the_slide_to_its_successor(
    asked, slide_file, stored_files, monkeypatch
):
    row = asked(slide_file)
    refuse_duplicate = importing._refuse_duplicate

    def somebody_takes_over(claimed, sha256):
        refuse_duplicate(claimed, sha256)
        SlideImport.objects.filter(pk=row.pk).update(attempt=2)

    monkeypatch.setattr(importing, "_refuse_duplicate", somebody_takes_over)
    assert services.import_slide(row.pk) is None
    assert not Slide.objects.exists()
    assert not Case.objects.exists()
    assert stored_files() == []
    row.refresh_from_db()
    assert (row.state, row.attempt, row.source_path) == ("running", 2, str(slide_file))


def test_progress_is_told_and_grows(asked, slide_file):
    told: list[float] = []
    services.import_slide(asked(slide_file).pk, told.append)
    assert told == sorted(told)
    assert told[0] >= 0
    assert told[-1] <= 1


def test_the_same_file_twice_in_case_and_stain_names_the_slide_that_is_there(stored_slide, slide_file, assert_refused):
    assert_refused(slide_file, f"already in Case 01 as H&E: it is slide {stored_slide.pk}")


def test_two_imports_of_one_file_at_once_give_one_slide(asked, slide_file, stored_files, monkeypatch):
    first, second = asked(slide_file), asked(slide_file)
    real = importing._refuse_duplicate
    monkeypatch.setattr(importing, "_refuse_duplicate", lambda *args: None)
    assert services.import_slide(first.pk) is not None

    calls = iter([lambda *args: None, real])
    monkeypatch.setattr(importing, "_refuse_duplicate", lambda *args: next(calls)(*args))
    assert services.import_slide(second.pk) is None
    second.refresh_from_db()
    assert "already in Case 01" in second.message
    assert Slide.objects.count() == 1
    assert len(stored_files()) == 1


@pytest.mark.django_db(transaction=True)
def test_an_import_delivered_to_two_workers_at_once_runs_once(asked, slide_file, stored_files):
    row = asked(slide_file)
    start, results = threading.Barrier(2), []

    def work():
        start.wait()
        results.append(services.import_slide(row.pk))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(result is None for result in results) == [False, True]
    assert Slide.objects.count() == 1
    assert len(stored_files()) == 1
    row.refresh_from_db()
    assert (row.state, row.attempt) == ("done", 1)


def test_the_same_file_in_another_case_is_taken_with_a_warning(stored_slide, slide_file, asked):
    row = asked(slide_file, case_name="Case 02")
    assert services.import_slide(row.pk) is not None
    row.refresh_from_db()
    assert row.message == "Take care: the same file is also in Case 01 · H&E."


# Resolution


def test_a_file_without_resolution_waits_for_one(asked, tmp_path):
    slide = services.import_slide(asked(draw_png(tmp_path / "field.png")).pk)
    assert (slide.state, slide.mpp, slide.mpp_source) == ("needs_mpp", None, "")


def test_a_resolution_given_by_hand_is_recorded_with_who_and_when(asked, tmp_path, lead):
    row = asked(draw_png(tmp_path / "field.png"), mpp=0.25)
    slide = services.import_slide(row.pk)
    assert (slide.state, slide.mpp, slide.mpp_source) == ("ready", 0.25, "hand")
    assert (slide.mpp_by, slide.mpp_at) == (lead, row.created_at)


def test_a_resolution_that_contradicts_the_file_is_refused(slide_file, assert_refused):
    assert_refused(slide_file, "a pixel measures 0.5 µm; 0.25 was given by hand", mpp=0.25)


def test_a_resolution_that_agrees_with_the_file_is_the_file_s(asked, slide_file):
    slide = services.import_slide(asked(slide_file, mpp=0.501).pk)
    assert (slide.mpp, slide.mpp_source, slide.mpp_by) == (0.5, "file", None)


# Folders


@pytest.mark.data
def test_a_dicom_folder_is_one_slide_under_new_names(asked, dicom_folder, stored_files):
    slide = services.import_slide(asked(dicom_folder).pk)
    names = [Path(key).name for key in stored_files()]
    assert names == [f"{number:04d}.dcm" for number in range(1, 13)]
    assert slide.key.startswith(f"{slide.folder_key}/")
    assert slide.content_sha256 == content_sha256(dicom_folder)
    with storage.local_path(slide) as path, open_slide(path) as reader:
        assert (reader.width_l0, reader.height_l0) == (slide.width_l0, slide.height_l0) == (2220, 2967)


def test_a_folder_without_a_slide_is_refused(tmp_path, assert_refused):
    folder = tmp_path / "Sidorova"
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing")
    assert_refused(folder, "holds no slide")


def test_the_hash_with_progress_is_imaging_s_own(slide_file):
    assert SlideFiles.at(slide_file).sha256(lambda share: None) == content_sha256(slide_file)


# Uploaded files


def test_an_uploaded_file_is_linked_and_then_removed(asked, tmp_path):
    path = draw_slide(tmp_path / "upload" / "slide.tif")
    inode = path.stat().st_ino
    slide = services.import_slide(asked(path, owns_source=True).pk)
    assert not path.parent.exists()
    with storage.local_path(slide) as stored:
        assert stored.stat().st_ino == inode


def test_an_uploaded_file_that_is_refused_is_removed(tmp_path, assert_refused):
    path = tmp_path / "upload" / "slide.svs"
    path.parent.mkdir()
    path.write_text("no slide")
    assert_refused(path, "no slide that can be read", owns_source=True)
    assert not path.parent.exists()


# What is asked for


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"case_name": "  "}, "cannot name a case"),
        ({"case_name": "x" * 61}, "cannot name a case"),
        ({"case_name": "a\nb"}, "cannot name a case"),
        ({"stain": "h&e"}, "names no stain"),
        ({"stain": ""}, "names no stain"),
        ({"mpp": 0.0}, "0 µm per pixel was given; expected 0.05 to 20"),
        ({"mpp": 250.0}, "250 µm per pixel was given"),
        ({"mpp": float("nan")}, "nan µm per pixel was given"),
        ({"mpp": 0.25, "by": None}, "needs the person"),
    ],
)
def test_a_request_that_cannot_be_right_is_refused(asked, slide_file, changes, message):
    with pytest.raises(ApplicationError, match=message):
        asked(slide_file, **changes)
    assert not SlideImport.objects.exists()


def test_a_path_that_does_not_exist_is_refused(asked, tmp_path):
    with pytest.raises(ApplicationError, match="There is no file or folder at"):
        asked(tmp_path / "missing.svs")
    assert not SlideImport.objects.exists()


def test_the_picture_drawn_for_these_tests_is_not_uniform():
    assert tissue().std() > 10


# Real slides


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "size", "mpp"),
    [
        ("wsi/CMU-1-Small-Region.svs", (2220, 2967), 0.499),
        ("wsi/tcga-cr-7395-01a-01-ts1.svs", (4443, 3567), None),
        ("ki67/openslide_OS2/OS-2-ndpi.ome.tif", (2202, 2202), 0.2271),
    ],
)
def test_real_slides_come_in(asked, data_folder, name, size, mpp):
    row = asked(data_folder / name)
    slide = services.import_slide(row.pk)
    row.refresh_from_db()
    assert slide is not None, row.message
    assert (slide.width_l0, slide.height_l0) == size
    assert slide.mpp == (None if mpp is None else pytest.approx(mpp, abs=0.0005))
    assert slide.state == ("needs_mpp" if mpp is None else "ready")
