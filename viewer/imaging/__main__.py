"""The command line of the pixel core: `python -m viewer.imaging {info,thumbnail,cells,phantom} …`.

Exit 0: done. Exit 2: a person must act; one line on stderr says what was found, expected, and what to do.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
from PIL import Image

from .cell_export import cells_as_geojson, cells_as_json
from .cells import CountParameters, NucleusModel, calibrate, count_slide
from .errors import ImagingError, MissingResolution
from .limits import sane_mpp
from .output import write_atomically
from .phantom import TissueBlock, write_section
from .phantom_render import Stain
from .reader import SlideReader
from .slides import open_slide, verify
from .stain_check import look_at_stain
from .tiles import served_levels

OK, PERSON_MUST_ACT = 0, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    options = _parser().parse_args(arguments)
    # One process, one core: whoever starts several must be able to count on it.
    cv2.setNumThreads(1)
    command: Callable[[argparse.Namespace], None] = options.command
    try:
        command(options)
    except ImagingError as error:
        print(f"error: {error}", file=sys.stderr)
        return PERSON_MUST_ACT
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain once more at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}. Check the path and its permissions.", file=sys.stderr)
        return PERSON_MUST_ACT
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m viewer.imaging", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    info = commands.add_parser("info", help="verify a slide and print its size, resolution and levels as JSON")
    info.add_argument("slide", type=Path, help="a slide file, or a folder that holds one slide")
    info.set_defaults(command=_info)

    thumbnail = commands.add_parser("thumbnail", help="write a small picture of a whole slide")
    thumbnail.add_argument("slide", type=Path)
    thumbnail.add_argument("out", type=Path, help="a .png or .jpg file")
    thumbnail.add_argument("--max-px", type=_positive_int, default=1024, help="longest side (default: 1024)")
    thumbnail.set_defaults(command=_thumbnail)

    cells = commands.add_parser("cells", help="count Ki-67-positive and negative nuclei of an H-DAB image")
    cells.add_argument("image", type=Path, help="a whole slide, or a plain TIFF, PNG or JPEG")
    cells.add_argument("--mpp", type=_mpp, help="µm per pixel, when the file does not say (or says it wrongly)")
    cells.add_argument(
        "--region", type=int, nargs=4, metavar=("X", "Y", "W", "H"), help="count here only, level-0 pixels"
    )
    cells.add_argument("--json", type=Path, metavar="OUT", help="write the result here instead of to stdout")
    cells.add_argument("--geojson", type=Path, metavar="OUT", help="also write the cells as points for QuPath")
    cells.add_argument(
        "--calibrate-on", type=Path, metavar="SLIDE", help="take white point and thresholds from this slide"
    )
    cells.add_argument("--calibrate-mpp", type=_mpp, metavar="M", help="µm per pixel of that slide, if unknown")
    cells.add_argument("--threshold", type=_positive_float, help="detection threshold, instead of the calibrated one")
    cells.add_argument("--dab-threshold", type=_positive_float, help="mean DAB above which a nucleus is positive")
    cells.add_argument("--model", type=Path, metavar="FILE.onnx", help="find nuclei by this model")
    cells.add_argument("--threads", type=_positive_int, default=1, help="tiles counted side by side (default: 1)")
    cells.set_defaults(command=_cells)

    phantom = commands.add_parser("phantom", help="draw one section of a tissue block as a pyramidal TIFF")
    phantom.add_argument("out", type=Path, help="a .tif file")
    phantom.add_argument("--seed", type=int, default=0)
    phantom.add_argument("--size", type=_positive_int, default=6720, metavar="PX", help="side (default: 6720)")
    phantom.add_argument("--mpp", type=_mpp, default=0.5, help="µm per pixel (default: 0.5)")
    phantom.add_argument("--cut", choices=("HE", "KI67"), default="HE", help="which of the two sections")
    phantom.add_argument("--stain", choices=("HE", "HDAB"), help="default: the section's own")
    phantom.add_argument("--tumor-extent", type=float, default=0.42, help="share of the width that may hold tumour")
    phantom.add_argument("--morph", type=float, default=1.0, help="0 hides Ki-67 status on H&E, 1 shows it")
    phantom.add_argument("--counterstain", type=float, default=0.34, help="haematoxylin on H-DAB")
    phantom.add_argument("--dab-strength", type=float, default=0.72, help="DAB of positive nuclei")
    phantom.add_argument("--truth", type=Path, metavar="OUT", help="also write every nucleus of the section as JSON")
    phantom.set_defaults(command=_phantom)
    return parser


def _info(options: argparse.Namespace) -> None:
    with open_slide(options.slide) as reader:
        verify(reader)
        found = {
            "format": reader.format,
            "width": reader.width_l0,
            "height": reader.height_l0,
            "mpp": reader.mpp,
            "levels": [[level.width, level.height, level.downsample] for level in reader.levels],
            "served_levels": [level.as_dict() for level in served_levels(reader)],
        }
    print(json.dumps(found, indent=2))


def _thumbnail(options: argparse.Namespace) -> None:
    format = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(options.out.suffix.lower())
    if format is None:
        raise ImagingError(f"The name {options.out.name} ends neither in .png nor in .jpg; give it one of these.")
    with open_slide(options.slide) as reader:
        picture = Image.fromarray(reader.thumbnail(options.max_px))
    with write_atomically(options.out) as file:
        picture.save(file, format)


def _cells(options: argparse.Namespace) -> None:
    with open_slide(options.image) as reader:
        mpp = _resolution(reader, options.mpp, options.image, "--mpp")
        model = NucleusModel(options.model) if options.model else None
        parameters = _parameters(options, reader, mpp)
        region = tuple(options.region) if options.region else None
        stain = look_at_stain(reader, mpp)
        count = count_slide(reader, mpp, parameters, region, _progress, threads=options.threads, model=model)
    count = count.beside(stain)
    for warning in count.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    text = json.dumps(cells_as_json(count), allow_nan=False)
    if options.geojson is not None:
        with write_atomically(options.geojson) as file:
            file.write(json.dumps(cells_as_geojson(count), allow_nan=False).encode())
    if options.json is not None:
        with write_atomically(options.json) as file:
            file.write(text.encode())
    else:
        print(text)


def _parameters(options: argparse.Namespace, reader: SlideReader, mpp: float) -> CountParameters:
    if options.calibrate_on is None:
        parameters = calibrate(reader, mpp)
    else:
        with open_slide(options.calibrate_on) as other:
            other_mpp = _resolution(other, options.calibrate_mpp, options.calibrate_on, "--calibrate-mpp")
            parameters = calibrate(other, other_mpp)
    return parameters.overridden(options.threshold, options.dab_threshold)


def _resolution(reader: SlideReader, given: float | None, path: Path, flag: str) -> float:
    mpp = given if given is not None else reader.mpp
    if mpp is None:
        raise MissingResolution(
            f"{path.name} does not say how many µm a pixel measures, and sizes of nuclei depend on it. "
            f"Give it: {flag} M (0.25 for a 40× scan, 0.5 for 20×)."
        )
    return mpp


def _phantom(options: argparse.Namespace) -> None:
    stain: Stain = options.stain or ("HE" if options.cut == "HE" else "HDAB")
    try:
        block = TissueBlock(
            options.size,
            options.mpp,
            options.seed,
            tumor_extent=options.tumor_extent,
            morph=options.morph,
            counterstain=options.counterstain,
            dab_strength=options.dab_strength,
        )
    except ValueError as error:
        raise ImagingError(f"No block can be drawn: {error}.") from error
    write_section(block, options.cut, stain, options.out, _progress)
    if options.truth is not None:
        with write_atomically(options.truth) as file:
            file.write(json.dumps(block.truth(options.cut).as_dict()).encode())


def _progress(share: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{share:4.0%}", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)


def _positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return value


def _positive_float(text: str) -> float:
    value = float(text)
    if not 0 < value < 10:
        raise argparse.ArgumentTypeError(f"{text} is not a number between 0 and 10")
    return value


def _mpp(text: str) -> float:
    value: Any = sane_mpp(float(text), float(text))
    if value is None:
        raise argparse.ArgumentTypeError(f"{text} µm per pixel is no microscope's resolution (0.05 to 20)")
    return float(value)


if __name__ == "__main__":
    sys.exit(main())
