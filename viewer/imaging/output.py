"""Write a result whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .errors import DiskFull

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def disk_full(path: Path) -> DiskFull:
    """Make the error of a disk that filled up while `path` was written."""
    return DiskFull(
        f"No space left in {path.parent} while writing {path.name}; nothing of it was kept. "
        "Free some space and start again."
    )


def part_file(path: Path) -> tuple[IO[bytes], Path]:
    """Open a temporary file beside `path`, named so that a left-over is recognisable after a power cut."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    except OSError as error:
        # Name the file that was asked for, not the temporary one.
        raise type(error)(error.errno, error.strerror, str(path)) from error
    return os.fdopen(handle, "w+b"), Path(name)


def move_into_place(file: IO[bytes], part: Path, path: Path) -> None:
    """Close a finished temporary file and give it its name, safe against a power cut."""
    file.flush()
    os.fsync(file.fileno())
    file.close()
    # mkstemp makes files that only their owner reads.
    mask = os.umask(0)
    os.umask(mask)
    part.chmod(0o666 & ~mask)
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def discard(file: IO[bytes], part: Path) -> None:
    """Remove an unfinished temporary file; closing flushes, which fails again on a full disk."""
    with suppress(OSError):
        file.close()
    part.unlink(missing_ok=True)


@contextmanager
def write_atomically(path: Path) -> Iterator[IO[bytes]]:
    """Give a binary file that takes the name `path` when the block ends well, and vanishes otherwise.

    Raises:
        DiskFull: no space left.
    """
    file, part = part_file(path)
    try:
        yield file
        move_into_place(file, part, path)
    except BaseException as error:
        discard(file, part)
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise disk_full(path) from error
        raise
