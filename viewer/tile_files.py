"""Keep the files that compressed tiles are read from open: a bounded number of slides per process, for all its threads.

A descriptor is closed when the last thread that reads from it lets go, never under its hands. Once a second the file is
looked at again, so that one that was replaced, cut off or removed since is not served from for longer.
"""

import os
import threading
import time
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path

from viewer import storage
from viewer.file_look import SECONDS_BETWEEN_LOOKS, Look, look_of
from viewer.imaging.errors import UnreadableSlide
from viewer.keys import key_of_file
from viewer.models import Slide

MAX_OPEN = 64


class OpenFiles:
    """The open files of one slide, opened as they are asked for, by their number."""

    def __init__(self, slide: Slide, file_bytes: list[int]) -> None:
        self._slide = slide
        self._file_bytes = file_bytes
        self._opening = threading.Lock()
        self._files: dict[int, tuple[int, Path, Look]] = {}
        self._lent = ExitStack()
        self._folder: Path | None = None
        self.looked_at = time.monotonic()

    def descriptor(self, number: int) -> int:
        """Return the descriptor of a file of the slide; keep this object for as long as it is used.

        Raises:
            UnreadableSlide: it is not the file that was imported.
        """
        found = self._files.get(number)
        return found[0] if found is not None else self._open(number)

    def has_changed(self) -> bool:
        """Say whether any open file is no longer the one at its path."""
        self.looked_at = time.monotonic()
        try:
            return any(look_of(path.stat()) != look for _descriptor, path, look in list(self._files.values()))
        except OSError:
            return True

    def _open(self, number: int) -> int:
        with self._opening:
            if number in self._files:
                return self._files[number][0]
            path = self._path(number)
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            look = look_of(os.fstat(descriptor))
            if look[2] != self._file_bytes[number]:
                os.close(descriptor)
                raise UnreadableSlide(
                    f"The slide's file has {look[2]:,} bytes and had {self._file_bytes[number]:,} at its import. "
                    "It was cut off or replaced: restore it."
                )
            self._files[number] = (descriptor, path, look)
            return descriptor

    def _path(self, number: int) -> Path:
        if self._folder is None:
            main = self._lent.enter_context(storage.local_path(self._slide))
            self._folder = main.parents[len(Path(self._slide.key).parts) - 1]
        return self._folder / key_of_file(self._slide.key, self._slide.folder_key, number)

    def __del__(self) -> None:
        for descriptor, _path, _look in self._files.values():
            os.close(descriptor)
        self._lent.close()


_lock = threading.Lock()
_open: OrderedDict[str, OpenFiles] = OrderedDict()


def files_of(slide: Slide, file_bytes: list[int]) -> OpenFiles:
    """Return the process's open files of a slide; anew if they were changed."""
    dropped = []
    with _lock:
        found = _open.get(slide.key)
        if found is not None and time.monotonic() - found.looked_at > SECONDS_BETWEEN_LOOKS and found.has_changed():
            dropped.append(_open.pop(slide.key))
            found = None
        if found is None:
            found = _open[slide.key] = OpenFiles(slide, file_bytes)
        _open.move_to_end(slide.key)
        while len(_open) > MAX_OPEN:
            dropped.append(_open.popitem(last=False)[1])
    # What nobody reads is closed here, outside the lock.
    del dropped
    return found


def forget(key: str) -> None:
    """Drop the open files of a slide; those who read go on with theirs."""
    with _lock:
        dropped = _open.pop(key, None)
    del dropped


def close_all() -> None:
    """Drop every open file."""
    with _lock:
        dropped = list(_open.values())
        _open.clear()
    del dropped


def _start_afresh() -> None:
    global _lock, _open
    # Closing the child's copies leaves the parent's descriptors and locks as they are.
    _lock, _open = threading.Lock(), OrderedDict()


os.register_at_fork(after_in_child=_start_afresh)
