"""Slides that are many files: DICOM series, MIRAX and Hamamatsu VMS folders."""

import os
from pathlib import Path
from typing import TypeVar

from .dicom import is_dicom, series_uid
from .errors import UnreadableSlide, UnsupportedSlide

# Where OpenSlide is pointed at, in order of preference; what it names is found from there.
MAIN_SUFFIXES = (".mrxs", ".vms", ".vmu")

T = TypeVar("T")


def main_file(path: Path) -> Path:
    """Find the file that OpenSlide opens: the path itself, or the chief file of a folder.

    Raises:
        UnreadableSlide: nothing there, or no slide in the folder.
        UnsupportedSlide: several slides in one folder.
    """
    if path.is_file():
        if not os.access(path, os.R_OK):
            raise UnreadableSlide(f"{path.name} may not be read by this user. Change its permissions.")
        return path
    if not path.exists():
        raise UnreadableSlide(f"There is no file {path.name}. Check the path.")
    if not path.is_dir():
        raise UnreadableSlide(f"{path.name} is neither a file nor a folder.")
    files = _plain_files(path)
    for suffix in MAIN_SUFFIXES:
        found = [file for file in files if file.suffix.lower() == suffix]
        if found:
            return _only(found, f"{suffix} files")
    series: dict[str, list[Path]] = {}
    for file in files:
        if is_dicom(file):
            series.setdefault(series_uid(file), []).append(file)
    if not series:
        raise UnreadableSlide(
            f"The folder {path.name} holds no slide; a DICOM series or a MIRAX slide (.mrxs with its folder) was "
            "expected. Give the slide's file instead."
        )
    parts = _only(list(series.values()), "DICOM series")
    return max(parts, key=lambda file: (file.stat().st_size, file.name))


def slide_files(path: Path) -> list[Path]:
    """List all files that belong to a slide, in name order; label files of other series are left out."""
    main = main_file(path)
    if main.suffix.lower() == ".mrxs":
        companions = main.with_suffix("")
        return [main, *(_plain_files(companions) if companions.is_dir() else [])]
    if main.suffix.lower() in MAIN_SUFFIXES:
        return _plain_files(main.parent)
    if is_dicom(main):
        uid = series_uid(main)
        return [file for file in _plain_files(main.parent) if is_dicom(file) and series_uid(file) == uid]
    return [main]


def _plain_files(folder: Path) -> list[Path]:
    """List regular files of a folder; links and hidden files are no part of a slide."""
    return sorted(
        file for file in folder.iterdir() if file.is_file() and not file.is_symlink() and not file.name.startswith(".")
    )


def _only(found: list[T], kind: str) -> T:
    if len(found) > 1:
        raise UnsupportedSlide(
            f"The folder holds {len(found)} {kind}; one slide per folder was expected. "
            "Put each slide into its own folder."
        )
    return found[0]
