"""Keep fetched files on the local disk within a budget, shared by all processes of a machine.

Beside each entry lies `<entry>.lock`. A reader holds it shared for as long as it uses the file; who fetches or evicts
holds it alone. Lock files stay when their entry is evicted, so that two processes never lock different files.
"""

import errno
import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.errors import DiskIsFull

logger = logging.getLogger(__name__)

LOCK_SUFFIX = ".lock"
PART_SUFFIX = ".part"
EVICTION_LOCK = ".eviction.lock"

Measure = Callable[[str], int]
Fetch = Callable[[str, Path], None]


@contextmanager
def lend(key: str, measure: Measure, fetch: Fetch) -> Generator[Path]:
    """Lend the cached file or folder of a key, fetching it when it is not there.

    measure: tells how many bytes the key will take.
    fetch: writes what belongs to the key to the path it is given.

    Raises:
        ApplicationError: the disk is full.
    """
    entry = _entry(key)
    entry.parent.mkdir(parents=True, exist_ok=True)
    with _beside(entry, LOCK_SUFFIX).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        while not entry.exists():
            fcntl.flock(lock, fcntl.LOCK_UN)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not entry.exists():
                _fill(entry, key, measure, fetch)
            # Going from alone to shared may let an evictor in between: hence the loop.
            fcntl.flock(lock, fcntl.LOCK_SH)
        os.utime(entry)
        yield entry


def forget(key: str) -> None:
    """Drop the cached copy of a key, unless somebody reads it."""
    entry = _entry(key)
    if entry.exists():
        _evict(entry)


def keep_within(budget_bytes: int) -> None:
    """Evict what was used least recently until the cache fits; entries in use stay."""
    cache = settings.LAYOUT.cache
    if not cache.is_dir():
        return
    with (cache / EVICTION_LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        entries = _entries(cache)
        total = sum(size for _, size, _ in entries)
        for _used_at, size, entry in sorted(entries):
            if total <= budget_bytes:
                return
            if _evict(entry):
                total -= size
    if total > max(0, budget_bytes):
        logger.warning("The slide cache has no room: %d bytes of it are in use.", total)


def _fill(entry: Path, key: str, measure: Measure, fetch: Fetch) -> None:
    part = _beside(entry, PART_SUFFIX)
    _remove(part)
    keep_within(settings.SLIDE_CACHE_BYTES - measure(key))
    try:
        fetch(key, part)
        _sync_folders(part)
        part.replace(entry)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskIsFull(
                _("The disk of the slide cache is full. Free some space, or lower SLIDE_CACHE_BYTES.")
            ) from error
        raise
    finally:
        _remove(part)


def _evict(entry: Path) -> bool:
    with _beside(entry, LOCK_SUFFIX).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        _remove(_beside(entry, PART_SUFFIX))
        _remove(entry)
        return True


def _entries(cache: Path) -> list[tuple[float, int, Path]]:
    """List (last used, bytes, path). What a killed process left half-fetched counts as never used."""
    found = []
    for lock in cache.rglob(f"*{LOCK_SUFFIX}"):
        entry = lock.with_name(lock.name.removesuffix(LOCK_SUFFIX))
        part = _beside(entry, PART_SUFFIX)
        if entry.exists() or part.exists():
            used_at = entry.stat().st_mtime if entry.exists() else 0.0
            found.append((used_at, _size(entry) + _size(part), entry))
    return found


def _entry(key: str) -> Path:
    entry: Path = (settings.LAYOUT.cache / key).resolve()
    if not entry.is_relative_to(settings.LAYOUT.cache.resolve()):
        raise ValueError(f"The key {key} leads out of the cache.")
    return entry


def _beside(entry: Path, suffix: str) -> Path:
    return entry.with_name(entry.name + suffix)


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size if path.exists() else 0


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync_folders(path: Path) -> None:
    for folder in [path.parent, *(p for p in [path, *path.rglob("*")] if p.is_dir())]:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
