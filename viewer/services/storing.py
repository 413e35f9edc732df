"""Measure a slide's files and put them into storage."""

import errno
import hashlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, DiskIsFull
from viewer import storage
from viewer.imaging.colour import profile_name
from viewer.imaging.indexing import index_slide
from viewer.imaging.passthrough import TileIndex
from viewer.imaging.slides import SlideReader, main_file, open_slide, slide_files
from viewer.imaging.tiles import TILE_RULE_VERSION, served_levels, slide_version
from viewer.keys import keys_below, new_prefix
from viewer.models import Slide, SlideTileIndex

CHUNK_BYTES = 4 * 1024 * 1024

# Called with a share of the work, 0 to 1; may raise to stop it.
Progress = Callable[[float], None]


@dataclass(frozen=True)
class SlideFiles:
    """All files of one slide: the main one, every one in name order, and what each looked like when first seen."""

    main: Path
    files: list[Path]
    seen: list[tuple[int, int]]

    @classmethod
    def at(cls, path: Path) -> "SlideFiles":
        """Find the files of the slide at a path, which may be a folder."""
        files = slide_files(path)
        return cls(main_file(path), files, [_look(file) for file in files])

    @property
    def size_bytes(self) -> int:
        return sum(size for size, _changed_at in self.seen)

    def sha256(self, on_progress: Progress) -> str:
        """Hash the bytes of all files as `imaging.content_sha256` does, telling how far it is."""
        digest, done = hashlib.sha256(), 0
        for file in self.files:
            with file.open("rb") as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    digest.update(chunk)
                    done += len(chunk)
                    on_progress(done / max(self.size_bytes, done))
        return digest.hexdigest()

    def refuse_if_changed(self) -> None:
        """Refuse files that were still being written while they were read."""
        if [_look(file) for file in self.files] != self.seen:
            raise ApplicationError(
                _("The file changed while it was imported. Wait until it is complete, then import it again.")
            )


@dataclass(frozen=True)
class Stored:
    """Where a slide lies in storage."""

    prefix: str
    key: str
    folder_key: str


def measured(reader: SlideReader, sha256: str) -> dict[str, Any]:
    """Return the columns of a Slide row that follow from its pixels."""
    levels = served_levels(reader)
    return {
        "content_sha256": sha256,
        "format": reader.format,
        "width_l0": reader.width_l0,
        "height_l0": reader.height_l0,
        "served_levels": [level.as_dict() for level in levels],
        "version": slide_version(sha256, levels, Slide.Colour.NATIVE),
        "colour": Slide.Colour.NATIVE,
        "colour_profile": profile_name(reader.icc_profile()),
    }


def store_index(slide: Slide, index: TileIndex) -> None:
    """Write where the slide's compressed tiles lie, in place of what was known before."""
    SlideTileIndex.objects.update_or_create(
        slide=slide, defaults={"rule": TILE_RULE_VERSION, "content": index.to_bytes()}
    )


def indexed(reader: SlideReader) -> TileIndex:
    """Find and check the tiles of an open slide that may be passed through."""
    return index_slide(reader, served_levels(reader))


@contextmanager
def stored(
    source: SlideFiles, sha256: str, on_progress: Progress, on_prefix: Callable[[str], None], *, may_link: bool = False
) -> Generator[Stored]:
    """Store a slide's files for as long as the block succeeds; on any error nothing of them stays.

    on_prefix: told where the files will lie before the first byte is written, so that a killed process can be swept.
    """
    prefix = new_prefix(sha256)
    keys = keys_below(prefix, source.main, source.files)
    on_prefix(prefix)
    try:
        total = max(1, source.size_bytes)
        storage.save_files(keys, lambda done: on_progress(min(1.0, done / total)), may_link=may_link)
        source.refuse_if_changed()
        key = keys[source.main]
        folder_key = prefix if len(keys) > 1 else ""
        if folder_key:
            _check_that_it_opens(key)
        yield Stored(prefix, key, folder_key)
    except BaseException:
        storage.sweep(prefix)
        raise


@contextmanager
def clear_file_errors() -> Generator[None]:
    """Say what the operating system refused in words that name no file."""
    try:
        yield
    except FileNotFoundError as error:
        raise ApplicationError(_("The file is no longer there. Check the path and import it again.")) from error
    except PermissionError as error:
        raise ApplicationError(
            _("The worker may not read the file. Change its permissions and import it again.")
        ) from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskIsFull(
                _("The disk is full: the slide was not stored. Free some space and import it again.")
            ) from error
        raise ApplicationError(
            _("The file could not be read or stored (%(reason)s).") % {"reason": error.strerror or type(error).__name__}
        ) from error


def _look(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _check_that_it_opens(key: str) -> None:
    """Open a stored folder's main file: its companions were renamed. Skipped where that would fetch it all again."""
    folder = storage.root()
    if folder is not None:
        open_slide(folder / key).close()
