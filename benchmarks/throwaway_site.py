"""A throw-away site for benchmarks that need Django: Postgres and a home of its own, gone afterwards."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.embedded import make_home, remove_home, start_postgres


@contextmanager
def throwaway_site() -> Iterator[Path]:
    """Set Django up on an empty database and yield a folder for files; stops and removes all of it, on SIGTERM too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stop what was started, too
    home = make_home()
    os.environ["COUNTERSTAIN_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps an event loop in this thread
    stop = start_postgres(home)
    folder = Path(tempfile.mkdtemp(prefix="counterstain-bench-"))
    try:
        import django

        django.setup()
        yield folder
    finally:
        from django.db import connections

        connections.close_all()
        stop()
        shutil.rmtree(folder, ignore_errors=True)
        remove_home(home)
