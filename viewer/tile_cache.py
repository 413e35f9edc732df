"""Keep encoded tiles that cannot be passed through on the local disk, within TILE_CACHE_BYTES.

One folder per slide and version, one file per tile. Losing any of it costs time only, so nothing here is ever an error
to the reader of a tile: a full disk is logged and the tile served all the same.
"""

import fcntl
import logging
import os
import shutil
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from viewer.imaging.passthrough import END_OF_IMAGE

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_MARKS = 3600
SWEEP_AFTER_SHARE = 0.02
SWEPT_DOWN_TO_SHARE = 0.9
LOCK_NAME = ".sweep.lock"
PART_SUFFIX = ".part"
ABANDONED_AFTER_SECONDS = 600

_lock = threading.Lock()
_written_bytes = 0


def kept_path(slide_pk: int, version: str, name: str) -> Path:
    """Return where a picture of a slide is kept; `name` is without its ending: `3/12_7`, `thumbnail`."""
    path: Path = settings.LAYOUT.tiles / f"{slide_pk}-{version}" / f"{name}.jpg"
    return path


def read(path: Path) -> bytes | None:
    """Return a kept tile and note that it was used; None when it is not there, or was torn by a power cut."""
    try:
        jpeg = path.read_bytes()
        if not jpeg.endswith(END_OF_IMAGE):
            return None
        if time.time() - path.stat().st_mtime > SECONDS_BETWEEN_MARKS:
            os.utime(path)
    except OSError:
        return None
    return jpeg


def keep(path: Path, jpeg: bytes) -> None:
    """Keep a tile, whole or not at all. Now and then a thread removes what was not used for longest."""
    if settings.TILE_CACHE_BYTES <= 0:
        return
    part = path.with_name(f".{uuid.uuid4().hex}{PART_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(jpeg)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        logger.warning("A tile could not be kept in the tile cache: %s.", error.strerror)
        return
    global _written_bytes
    with _lock:
        _written_bytes += len(jpeg)
        is_due = _written_bytes > settings.TILE_CACHE_BYTES * SWEEP_AFTER_SHARE
        if is_due:
            _written_bytes = 0
    if is_due:
        threading.Thread(target=sweep, name="tile-cache-sweep", daemon=True).start()


def sweep() -> int:
    """Remove what was used least recently until the cache fits; return how many tiles went. One process at a time."""
    root: Path = settings.LAYOUT.tiles
    if not root.is_dir():
        return 0
    with (root / LOCK_NAME).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        found = _entries(root)
        total = sum(size for _used_at, size, _path in found)
        if total <= settings.TILE_CACHE_BYTES:
            return 0
        removed = 0
        for _used_at, size, path in sorted(found):
            if total <= settings.TILE_CACHE_BYTES * SWEPT_DOWN_TO_SHARE:
                break
            path.unlink(missing_ok=True)
            total -= size
            removed += 1
        return removed


def forget_slide(slide_pk: int) -> None:
    """Remove every kept tile of a slide, of all its versions."""
    root: Path = settings.LAYOUT.tiles
    for folder in root.glob(f"{slide_pk}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _entries(root: Path) -> list[tuple[float, int, Path]]:
    """List (last used, bytes, path) of all tiles; what a killed process left half written goes at once."""
    found: list[tuple[float, int, Path]] = []
    for folder, _folders, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            try:
                status = path.stat()
            except OSError:  # another process was faster
                continue
            if name.endswith(PART_SUFFIX):
                if time.time() - status.st_mtime > ABANDONED_AFTER_SECONDS:
                    path.unlink(missing_ok=True)
            elif name != LOCK_NAME:
                found.append((status.st_mtime, status.st_size, path))
    return found
