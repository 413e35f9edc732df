"""Slides in S3, played by moto's server, read through the local cache."""

import errno
import multiprocessing
import os
import threading
import time
from pathlib import Path

import boto3
import pytest
from django.conf import settings
from moto.server import ThreadedMotoServer
from storages.backends.s3 import S3Storage

from accounts.errors import DiskIsFull
from config.standalone.layout import Layout
from tests.factories import make_slide
from tests.viewer.drawing import draw_slide
from viewer import cache, readers, services, storage
from viewer.models import Slide, SlideImport
from viewer.readers import open_reader
from viewer.services import importing

BUCKET = "slides"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-central-1"}


@pytest.fixture(scope="module")
def s3_address():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def bucket(s3_address, settings, data_folder_of_the_test, monkeypatch):
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    made = boto3.resource("s3", endpoint_url=s3_address, **KEYS).create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": KEYS["region_name"]}
    )
    options = {
        "bucket_name": BUCKET,
        "endpoint_url": s3_address,
        "access_key": "test",
        "secret_key": "test",
        "region_name": KEYS["region_name"],
        "file_overwrite": True,
        "default_acl": None,
    }
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
    }
    yield made
    made.objects.all().delete()
    made.delete()


@pytest.fixture
def put(tmp_path):
    """Return a function that stores so many bytes under a key."""

    def stored(key: str, size: int = 1000) -> None:
        path = tmp_path / "put.bin"
        path.write_bytes(os.urandom(size))
        storage.save_file(path, key)

    return stored


@pytest.fixture
def cached(data_folder_of_the_test):
    """Return a function that lists what the cache holds, locks aside."""
    folder = data_folder_of_the_test.cache

    def listed() -> list[str]:
        files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".lock"]
        return sorted(str(file.relative_to(folder)) for file in files)

    return listed


def keys_in(bucket) -> list[str]:
    return sorted(item.key for item in bucket.objects.all())


@pytest.mark.django_db
def test_a_slide_is_imported_into_the_bucket_and_read_through_the_cache(asked, slide_file, bucket, cached):
    slide = services.import_slide(asked(slide_file).pk)
    assert keys_in(bucket) == [slide.key]
    assert cached() == []
    with open_reader(slide) as reader:
        assert (reader.width_l0, reader.height_l0, reader.mpp) == (700, 500, 0.5)
        assert reader.read_region(300, 200, 0, 64, 64).shape == (64, 64, 3)
    assert cached() == [slide.key]


@pytest.mark.django_db
@pytest.mark.data
def test_a_slide_of_many_files_is_fetched_as_a_whole(asked, data_folder, bucket, cached):
    slide = services.import_slide(asked(data_folder / "wsi" / "CMU-1-Small-Region_dicom").pk)
    assert len(keys_in(bucket)) == 12
    with open_reader(slide) as reader:
        assert (reader.width_l0, reader.height_l0) == (2220, 2967)
    assert cached() == keys_in(bucket)


@pytest.mark.django_db
def test_a_refused_import_leaves_nothing_in_the_bucket(asked, slide_file, bucket):
    services.import_slide(asked(slide_file).pk)
    row = asked(slide_file)
    assert services.import_slide(row.pk) is None
    assert len(keys_in(bucket)) == 1


@pytest.mark.django_db
def test_an_import_that_fails_after_storing_sweeps_the_bucket(asked, slide_file, bucket, monkeypatch):
    monkeypatch.setattr(importing, "_accept", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.import_slide(asked(slide_file).pk)
    assert keys_in(bucket) == []
    assert not Slide.objects.exists()


def test_sweeping_takes_file_and_folder_of_one_slide_only(put, bucket):
    for key in ("slides/ab/one.tif", "slides/ab/one/0001.dcm", "slides/ab/one/sub/a", "slides/ab/two.tif"):
        put(key)
    storage.sweep("slides/ab/one")
    assert keys_in(bucket) == ["slides/ab/two.tif"]


def test_a_second_reader_fetches_nothing(put, monkeypatch):
    put("a.bin")
    with storage.local_copy("a.bin"):
        pass
    monkeypatch.setattr(storage, "fetch_file", lambda *args: pytest.fail("fetched again"))
    with storage.local_copy("a.bin") as path:
        assert path.stat().st_size == 1000


def test_a_failed_fetch_leaves_nothing_and_the_next_one_works(put, cached, monkeypatch):
    put("a.bin")
    fetch = storage.fetch_file

    def cut_off(key: str, target: Path) -> None:
        target.write_bytes(b"half")
        raise ConnectionError("cut off")

    monkeypatch.setattr(storage, "fetch_file", cut_off)
    with pytest.raises(ConnectionError), storage.local_copy("a.bin"):
        pass
    assert cached() == []
    monkeypatch.setattr(storage, "fetch_file", fetch)
    with storage.local_copy("a.bin") as path:
        assert path.stat().st_size == 1000


def test_a_full_cache_disk_is_said_clearly(put, cached, monkeypatch):
    put("a.bin")

    def full(key: str, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage, "fetch_file", full)
    with pytest.raises(DiskIsFull, match="The disk of the slide cache is full"), storage.local_copy("a.bin"):
        pass
    assert cached() == []


def test_what_was_used_least_recently_goes_first(put, cached, settings, data_folder_of_the_test):
    settings.SLIDE_CACHE_BYTES = 2500
    for age, key in enumerate(["c.bin", "b.bin", "a.bin"]):
        put(key)
        with storage.local_copy(key) as path:
            pass
        if path.exists():
            os.utime(path, (1000 + age, 1000 + age))
    assert cached() == ["a.bin", "b.bin"]
    with storage.local_copy("b.bin"):
        pass
    with storage.local_copy("c.bin"):
        pass
    assert cached() == ["b.bin", "c.bin"]


def test_a_file_in_use_is_never_evicted(put, cached, settings):
    settings.SLIDE_CACHE_BYTES = 1500
    put("a.bin")
    put("b.bin")
    with storage.local_copy("a.bin") as first, storage.local_copy("b.bin") as second:
        assert first.exists()
        assert second.exists()
    cache.keep_within(1500)
    assert len(cached()) == 1


def test_what_a_killed_process_half_fetched_is_swept(put, cached, settings, data_folder_of_the_test):
    folder = data_folder_of_the_test.cache
    folder.mkdir(parents=True)
    (folder / "dead.bin.lock").touch()
    (folder / "dead.bin.part").write_bytes(b"x" * 5000)
    settings.SLIDE_CACHE_BYTES = 2000
    put("a.bin")
    with storage.local_copy("a.bin"):
        assert cached() == ["a.bin"]


def test_a_key_never_leads_out_of_the_cache(put):
    with pytest.raises(ValueError, match="leads out of the cache"), storage.local_copy("../../etc/passwd"):
        pass


def test_many_threads_fetch_a_file_once(put, monkeypatch):
    put("a.bin")
    fetch, fetched = storage.fetch_file, []

    def slow(key: str, target: Path) -> None:
        fetched.append(key)
        time.sleep(0.2)
        fetch(key, target)

    monkeypatch.setattr(storage, "fetch_file", slow)

    def read() -> None:
        with storage.local_copy("a.bin") as path:
            assert path.stat().st_size == 1000

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetched == ["a.bin"]


def hold_in_another_process(folder: Path, ready, finish) -> None:
    settings.LAYOUT = Layout(folder)
    with cache.lend("a.bin", lambda key: 0, lambda key, target: pytest.fail("not there")):
        ready.set()
        finish.wait(20)


def test_a_file_in_use_by_another_process_is_not_evicted(put, cached, settings):
    put("a.bin")
    with storage.local_copy("a.bin"):
        pass
    context = multiprocessing.get_context("fork")
    ready, finish = context.Event(), context.Event()
    process = context.Process(target=hold_in_another_process, args=(settings.LAYOUT.home, ready, finish))
    process.start()
    assert ready.wait(20)
    cache.keep_within(0)
    assert cached() == ["a.bin"]
    finish.set()
    process.join()
    cache.keep_within(0)
    assert cached() == []


@pytest.mark.django_db
def test_an_open_reader_pins_its_file(asked, slide_file, cached):
    slide = services.import_slide(asked(slide_file).pk)
    with open_reader(slide):
        pass
    cache.keep_within(0)
    assert cached() == [slide.key]
    readers.close_all()
    cache.keep_within(0)
    assert cached() == []


@pytest.mark.django_db
def test_a_slides_root_is_the_cache_with_the_slides_in_it(asked, slide_file, settings):
    slide = services.import_slide(asked(slide_file).pk)
    with storage.slides_root([slide]) as root:
        assert root == settings.LAYOUT.cache
        assert (root / slide.key).read_bytes() == slide_file.read_bytes()


@pytest.mark.django_db
def test_progress_of_a_slow_upload_is_reported_by_the_calling_thread(asked, tmp_path, monkeypatch):
    path = draw_slide(tmp_path / "slide.tif")
    save = S3Storage.save

    def slow(self, key, content):
        time.sleep(1.2)
        return save(self, key, content)

    monkeypatch.setattr(S3Storage, "save", slow)
    callers = set()
    row = asked(path)
    services.import_slide(row.pk, lambda share: callers.add(threading.current_thread().name))
    assert callers == {threading.current_thread().name}
    assert SlideImport.objects.get(pk=row.pk).state == "done"


@pytest.mark.django_db
def test_a_missing_object_is_an_error_not_an_empty_file(cached):
    slide = make_slide(key="slides/00/missing.tif")
    with pytest.raises(FileNotFoundError), storage.local_path(slide):
        pass
    assert cached() == []
