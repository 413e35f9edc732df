"""Tell whether a file is still the one that was opened: replaced, cut off or written to since, it looks otherwise."""

import os

SECONDS_BETWEEN_LOOKS = 1.0

Look = tuple[int, int, int, int]


def look_of(status: os.stat_result) -> Look:
    """Return device, inode, bytes and time of the last change."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
