"""Measure the patch desk: `python -m benchmarks.labelling [--full] [--only server|browser]`.

Starts a throw-away Postgres and the web server as the one-machine stack does, draws its slides, and prints one table.
Short by default (a minute or two); `--full` is the issue's own load: 60 s of twenty readers, ten kills, 200 patches.
"""

import argparse
import sys

from benchmarks.figures import Figure, add_json_option, write_figures
from benchmarks.throwaway_site import throwaway_site


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", choices=["server", "browser"])
    add_json_option(parser)
    chosen = parser.parse_args()
    figures: list[Figure] = []
    with throwaway_site() as folder:
        from benchmarks.labelling_rows import measure

        for row in measure(folder, full=chosen.full, only=chosen.only):
            print(row.as_markdown(), flush=True)
            figures += row.figures()
        write_figures(chosen.json, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
