"""Measure the comparison desk: `python -m benchmarks.desk [--cells 100000] [--seconds 6] [--json FILE]`.

Starts a throw-away Postgres and the web server, draws a case of three slides with so many counted cells on the real and
on the synthetic one, pans the desk by dragging in a real browser, and prints the time between frames with and without
the cells, at the whole slide and at 5 × and 20 ×.
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
    parser.add_argument("--cells", type=int, default=100_000, help="on each of the two counted slides")
    parser.add_argument("--size", type=int, default=8960, help="side of the slides, pixels of 0.5 µm")
    parser.add_argument("--seconds", type=float, default=6.0, help="of panning for each figure")
    add_json_option(parser)
    chosen = parser.parse_args()
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
        from benchmarks.desk_panning import measure

        figures: list[Figure] = []
        for figure in measure(folder, chosen.cells, chosen.size, chosen.seconds):
            print(f"| {figure.name} | {figure.value:.0f} {figure.unit} |", flush=True)
            figures.append(figure)
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
