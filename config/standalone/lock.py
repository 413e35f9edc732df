"""Let one stack at a time use a data folder."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from config.standalone.errors import CannotStart
from config.standalone.processes import is_alive

# A killed stack's reaper holds the lock until the database has closed its files.
PATIENCE_SECONDS = 90


def lock_folder(lock_file: Path) -> IO[str]:
    """Take the lock and write our process id into it. The kernel frees it when the last holder ends."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_file.open("a+")
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not _try_lock(lock):
        lock.seek(0)
        holder = lock.read().strip()
        if (holder.isdigit() and is_alive(int(holder))) or time.monotonic() > give_up_at:
            lock.close()
            raise CannotStart(
                f"Counterstain already runs on {lock_file.parent} (process {holder or 'unknown'}): stop it first, "
                "or choose another folder with COUNTERSTAIN_HOME."
            )
        time.sleep(0.1)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
