"""Read the table of processes (Linux). Only the standard library: the reaper runs this file's folder alone."""

import contextlib
from pathlib import Path

PROC = Path("/proc")
# Every part of one start, and whatever it starts in turn, carries this variable with the same random value.
MARK = "COUNTERSTAIN_STACK"


def is_alive(pid: int) -> bool:
    """Say whether a process lives. A zombie is dead: where process 1 is slow to reap, it still answers a signal."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def marked_processes(mark: str) -> list[int]:
    """Return the living processes that were started with this mark in their environment."""
    wanted = f"{MARK}={mark}".encode()
    return [pid for pid in _all_pids() if wanted in _environment(pid) and is_alive(pid)]


def processes_in(folder: Path) -> list[int]:
    """Return the living processes whose working folder this is."""
    found = []
    for pid in _all_pids():
        with contextlib.suppress(OSError):
            if (PROC / str(pid) / "cwd").readlink() == folder and is_alive(pid):
                found.append(pid)
    return found


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in PROC.glob("[0-9]*")]


def _environment(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
