"""What a benchmark found, written to a file beside the table that it prints: `--json FILE`."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One number. `value`, in `unit`, is None where nothing was measured; `reference` is the bar, as it is printed."""

    name: str
    value: float | None
    unit: str
    reference: str


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")


def write_figures(path: Path | None, figures: Iterable[Figure]) -> None:
    """Write the figures, if a file was asked for."""
    if path is not None:
        path.write_text(json.dumps([asdict(figure) for figure in figures], indent=1, ensure_ascii=False) + "\n")
