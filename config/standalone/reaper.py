"""Outlive the supervisor by a moment: when it is gone, end what it left behind, then let go of the data folder.

The kernel ends the supervisor's own children (see leash.py), but not *their* children: web workers, Celery's
pool, a training run. This process reads a pipe whose other end only the supervisor holds. The lines in it are
process ids to wait for (the database, the broker: they close their files first); its end is the supervisor's end.
The reaper inherits the lock of the data folder, so the next start waits until nothing of this one lives.

Run as a plain script: `python -I reaper.py MARK`, with the pipe as standard input.
"""

import os
import signal
import sys
import time
from pathlib import Path

PATIENCE_SECONDS = 60


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from processes import is_alive, marked_processes  # type: ignore[import-not-found]

    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    mark = sys.argv[1]
    servers = [int(line) for line in sys.stdin]

    while left := [pid for pid in marked_processes(mark) if pid != os.getpid()]:
        end(left)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (left := [pid for pid in servers if is_alive(pid)]) and time.monotonic() < give_up_at:
        time.sleep(0.05)
    end(left)


def end(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    time.sleep(0.05)


if __name__ == "__main__":
    main()
