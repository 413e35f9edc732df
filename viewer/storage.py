"""Put files into storage, and have them as local files when they are read.

On file storage a stored file is read where it lies. On object storage (S3) it is fetched once into a bounded cache
below the cache folder, laid out by key, and evicted least recently used first, never while somebody reads it.
Stored files are never rewritten: a key stands for the same bytes for ever.
"""

import os
import shutil
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from viewer import cache
from viewer.models import Slide

CHUNK_BYTES = 4 * 1024 * 1024
PART_SUFFIX = ".part"

Progress = Callable[[int], None]


def root() -> Path | None:
    """Return the folder of file storage, or None where the default storage keeps no local files."""
    try:
        return Path(default_storage.path(""))
    except NotImplementedError:
        return None


@contextmanager
def local_path(slide: Slide) -> Generator[Path]:
    """Lend the slide's main file as a local file; its companions lie beside it, as they do in storage."""
    with _local(slide.key, slide.folder_key) as path:
        yield path


@contextmanager
def local_copy(key: str) -> Generator[Path]:
    """Lend any stored file (a manifest, a checkpoint) as a local file. It must not be written to."""
    with _local(key, "") as path:
        yield path


@contextmanager
def slides_root(slides: Iterable[Slide]) -> Generator[Path]:
    """Lend a folder in which each of the slides lies at its key."""
    with ExitStack() as stack:
        for slide in slides:
            stack.enter_context(local_path(slide))
        yield root() or settings.LAYOUT.cache


@contextmanager
def _local(key: str, folder_key: str) -> Generator[Path]:
    folder = root()
    if folder is not None:
        yield folder / key
        return
    if not folder_key:
        with cache.lend(key, default_storage.size, fetch_file) as path:
            yield path
        return
    with cache.lend(folder_key, folder_bytes, fetch_folder) as path:
        yield path / Path(key).relative_to(folder_key)


def save_file(local: Path, key: str, on_bytes: Progress | None = None, *, may_link: bool = False) -> None:
    """Store a local file under a key: all of it or nothing. An interrupted write leaves at most a `.part` file.

    on_bytes: called in this thread with the number of bytes stored so far.
    may_link: nobody will write to the local file any more, so the store may share its bytes.
    """
    folder = root()
    if folder is None:
        _send(local, key, on_bytes)
        return
    target = folder / key
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART_SUFFIX)
    try:
        part.unlink(missing_ok=True)
        if not (may_link and _link(local, part)):
            _copy(local, part, on_bytes)
        part.replace(target)
        sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


def save_files(keys: dict[Path, str], on_bytes: Progress | None = None, *, may_link: bool = False) -> None:
    """Store several files under their keys, one after the other; on an error the caller sweeps what was stored."""
    before = 0

    def report(stored: int) -> None:
        if on_bytes is not None:
            on_bytes(before + stored)

    for local, key in keys.items():
        save_file(local, key, report, may_link=may_link)
        before += local.stat().st_size


def delete(key: str) -> None:
    """Remove a stored file; one that is not there is no error."""
    default_storage.delete(key)
    cache.forget(key)


def sweep(prefix: str) -> None:
    """Remove all that was stored, or half stored, for one slide: its file, its folder, parts of either."""
    parent, name = prefix.rsplit("/", 1)
    folder = root()
    if folder is None:
        folders, files = _listed(parent)
        keys = [f"{parent}/{file}" for file in files if file.startswith(name)]
        for key in keys + [key for below in folders if below == name for key in _keys_below(prefix)]:
            delete(key)
        cache.forget(prefix)
        return
    for path in (folder / parent).glob(f"{name}*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def fetch_file(key: str, target: Path) -> None:
    """Download one stored file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with default_storage.open(key, "rb") as remote, target.open("wb") as local:
        shutil.copyfileobj(remote, local, CHUNK_BYTES)
        local.flush()
        os.fsync(local.fileno())


def fetch_folder(prefix: str, target: Path) -> None:
    """Download everything below a prefix into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    for key in _keys_below(prefix):
        fetch_file(key, target / Path(key).relative_to(prefix))


def folder_bytes(prefix: str) -> int:
    """Return the size of everything below a prefix."""
    return sum(default_storage.size(key) for key in _keys_below(prefix))


def _keys_below(prefix: str) -> list[str]:
    folders, files = _listed(prefix)
    below = [f"{prefix}/{name}" for name in files if name]
    for name in folders:
        below += _keys_below(f"{prefix}/{name}")
    return below


def _listed(prefix: str) -> tuple[list[str], list[str]]:
    try:
        return default_storage.listdir(prefix)
    except FileNotFoundError:
        return [], []


def _link(local: Path, part: Path) -> bool:
    try:
        part.hardlink_to(local)
    except OSError:  # another file system, or one without links
        return False
    return True


def _copy(local: Path, part: Path, on_bytes: Progress | None) -> None:
    stored = 0
    with local.open("rb") as source, part.open("xb") as copy:
        while chunk := source.read(CHUNK_BYTES):
            copy.write(chunk)
            stored += len(chunk)
            if on_bytes is not None:
                on_bytes(stored)
        copy.flush()
        os.fsync(copy.fileno())


def sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Counted(File):
    """A file that counts what was read from it, by whichever thread of the storage's client."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.counted = file
        self.read_bytes = 0

    def read(self, *args: Any) -> bytes:
        chunk: bytes = self.counted.read(*args)
        self.read_bytes += len(chunk)
        return chunk


def _send(local: Path, key: str, on_bytes: Progress | None) -> None:
    """Upload in a thread of its own; progress is reported from the caller's, which holds the database connection."""
    with local.open("rb") as source, ThreadPoolExecutor(max_workers=1) as sender:
        counted = _Counted(source)
        sending = sender.submit(default_storage.save, key, counted)
        while not wait([sending], timeout=1).done:
            if on_bytes is not None:
                on_bytes(min(counted.read_bytes, local.stat().st_size))
        saved = sending.result()
    if saved != key:
        default_storage.delete(saved)
        raise FileExistsError(f"The key {key} is taken in storage.")
