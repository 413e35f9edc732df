"""Files that are whole or absent: written beside their place, synced, then moved there."""

import errno
import hashlib
import os
from pathlib import Path

from training.learning.errors import DiskFull


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a crash at any moment leaves the old one or the new one.

    Raises:
        DiskFull: no space is left; the old file is untouched and nothing half-written remains.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise_if_full(error, path)
        raise


def raise_if_full(error: OSError, path: Path) -> None:
    """Turn "no space left" into an error that says which file and how much."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise DiskFull(f"No space is left for {path.name} in {path.parent}; free some and resume the run.") from error


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
