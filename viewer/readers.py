"""Keep the slides that were read last open, a bounded number per process, shared by its threads."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from viewer import storage
from viewer.file_look import SECONDS_BETWEEN_LOOKS, Look, look_of
from viewer.imaging.colour import colour_named
from viewer.imaging.errors import RegionOutsideSlide
from viewer.imaging.plain_reader import PlainReader
from viewer.imaging.slides import SlideReader, open_slide
from viewer.models import Slide

MAX_OPEN = 32
# A plain picture is held decoded, up to 10⁸ pixels, so fewer of them stay.
MAX_PLAIN = 4


@dataclass(eq=False)
class _Open:
    """A reader, who uses it, and the lent file it reads from."""

    users: int = 0
    retired: bool = False
    opening: threading.Lock = field(default_factory=threading.Lock)
    lent: ExitStack = field(default_factory=ExitStack)
    reader: SlideReader | None = None
    seen: Look | None = None
    looked_at: float = 0.0


_lock = threading.Lock()
_open: OrderedDict[str, _Open] = OrderedDict()


@contextmanager
def open_reader(slide: Slide) -> Generator[SlideReader]:
    """Lend the process's reader of a slide, in its colour mode. After an error the next user gets a fresh one."""
    key = slide.key if slide.colour == Slide.Colour.NATIVE else f"{slide.key}#{slide.colour}"
    entry = _borrow(key)
    try:
        yield _opened(entry, slide)
    except RegionOutsideSlide:
        raise  # the question was wrong, not the reader
    except BaseException:
        _retire(key, entry)
        raise
    finally:
        _give_back(entry)


def close_all() -> None:
    """Close every reader that nobody uses; the others close when given back."""
    with _lock:
        entries = list(_open.items())
    for key, entry in entries:
        _retire(key, entry)


def _borrow(key: str) -> _Open:
    stale = None
    with _lock:
        entry = _open.setdefault(key, _Open())
        if _has_changed(entry):
            stale, _open[key] = entry, _Open()
            entry = _open[key]
            stale.retired = True
        _open.move_to_end(key)
        entry.users += 1
        closing = stale if stale is not None and stale.users == 0 else None
    if closing is not None:
        closing.lent.close()
    return entry


def _has_changed(entry: _Open) -> bool:
    """Look, once a second, whether the file at the path is still the one that was opened.

    OpenSlide opens the file by its path at every tile: one that was replaced would give pixels of both.
    """
    if entry.reader is None or entry.seen is None or time.monotonic() - entry.looked_at < SECONDS_BETWEEN_LOOKS:
        return False
    entry.looked_at = time.monotonic()
    try:
        return look_of(entry.reader.path.stat()) != entry.seen
    except OSError:
        return True


def _opened(entry: _Open, slide: Slide) -> SlideReader:
    with entry.opening:
        if entry.reader is None:
            path = entry.lent.enter_context(storage.local_path(slide))
            entry.reader = entry.lent.enter_context(open_slide(path, colour_named(slide.colour)))
            entry.seen, entry.looked_at = look_of(entry.reader.path.stat()), time.monotonic()
        return entry.reader


def _give_back(entry: _Open) -> None:
    with _lock:
        entry.users -= 1
        plain = [key for key, other in _open.items() if isinstance(other.reader, PlainReader)]
        surplus = _take_idle(plain, MAX_PLAIN) + _take_idle(list(_open), MAX_OPEN)
        if entry.retired and entry.users == 0:
            surplus.append(entry)
    for closing in surplus:
        closing.lent.close()


def _take_idle(keys: list[str], most: int) -> list[_Open]:
    """Take out what nobody uses, the longest unused first, until `most` of the keys are left."""
    idle = [key for key in keys if _open[key].users == 0]
    return [_open.pop(key) for key in idle[: max(0, len(keys) - most)]]


def _retire(key: str, entry: _Open) -> None:
    with _lock:
        if _open.get(key) is entry:
            del _open[key]
        entry.retired = True
        idle = entry.users == 0
    if idle:
        entry.lent.close()


def _start_afresh() -> None:
    global _lock
    _lock = threading.Lock()
    _open.clear()


os.register_at_fork(after_in_child=_start_afresh)
