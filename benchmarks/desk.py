"""Measure the comparison desk: `python -m benchmarks.desk [--cells 100000] [--seconds 6] [--json FILE]`.

Starts a throw-away Postgres and the web server, draws a case of three slides with so many counted cells on the real and
on the synthetic one, pans the desk by dragging in a real browser, and prints the time between frames with and without
the cells, at the whole slide and at 5 × and 20 ×.
"""

import argparse
import sys

from benchmarks.figures import Figure, add_json_option, write_figures
from benchmarks.throwaway_site import throwaway_site


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=100_000, help="on each of the two counted slides")
    parser.add_argument("--size", type=int, default=8960, help="side of the slides, pixels of 0.5 µm")
    parser.add_argument("--seconds", type=float, default=6.0, help="of panning for each figure")
    add_json_option(parser)
    chosen = parser.parse_args()
    figures: list[Figure] = []
    with throwaway_site() as folder:
        from benchmarks.desk_panning import measure

        for figure in measure(folder, chosen.cells, chosen.size, chosen.seconds):
            print(f"| {figure.name} | {figure.value:.0f} {figure.unit} |", flush=True)
            figures.append(figure)
        write_figures(chosen.json, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
