"""Measure the patch desk: `python -m benchmarks.labelling [--full] [--only server|browser]`.

Starts a throw-away Postgres and the web server as the one-machine stack does, draws its slides, and prints one table.
Short by default (a minute or two); `--full` is the issue's own load: 60 s of twenty readers, ten kills, 200 patches.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, add_json_option, write_figures
from tests.embedded import make_home, remove_home, start_postgres


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", choices=["server", "browser"])
    add_json_option(parser)
    chosen = parser.parse_args()
    figures: list[Figure] = []
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
        from benchmarks.labelling_rows import measure

        for row in measure(folder, full=chosen.full, only=chosen.only):
            print(row.as_markdown(), flush=True)
            figures += row.figures()
        write_figures(chosen.json, figures)
    finally:
        from django.db import connections

        connections.close_all()
        stop()
        shutil.rmtree(folder, ignore_errors=True)
        remove_home(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
