"""The learning core from the command line; no database, no web.

    python -m training.learning mil       --config C.json --out DIR --manifest M --slides-root DIR --stain HE
    python -m training.learning cyclegan  --config C.json --out DIR --manifest M --slides-root DIR
                                          --source-classifier CKPT --target-classifier CKPT
    python -m training.learning synthesis --config C.json --out DIR --slide PATH --mpp X
                                          --generator CKPT --classifier CKPT [--region X Y W H]
    python -m training.learning score     --config C.json --out DIR --slide PATH --mpp X
                                          --classifier CKPT --patches patches.json

    python -m training.learning cohort    --profile tiny|cpu|paper --out DIR [--morph 0]
    python -m training.learning study     --profile tiny|cpu|paper --out DIR [--seeds N] [--threads N]

cohort draws the paper's study in phantoms; study runs everything on it and writes report.html and report.json. Both go
on where they were when they are started again.
mil and cyclegan take --resume DIR, an earlier out folder to go on from, and run in several processes as one:
`torchrun --nproc-per-node 2 -m training.learning cyclegan …`; the others start again, which is harmless.
Events go to stdout, one JSON object a line (events.py). Exit codes: 0 done; 2 a person must act, the reason is on
stderr; 3 the program is wrong; 143 stopped on request (SIGTERM), the state is saved.
"""

import argparse
import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from training.learning import config as configs
from training.learning.errors import ConfigError, LearningError, StopRequested
from training.learning.events import Reporter
from viewer.imaging.colour import COLOURS

DONE, PERSON, PROGRAM, STOPPED = 0, 2, 3, 143
STUDIES = ("cohort", "study")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one kind of run and return the exit code."""
    options = _parser().parse_args(arguments)
    # Of several processes that train as one, the first alone speaks.
    follows = int(os.environ.get("RANK", "0")) > 0
    reporter = Reporter(Path(os.devnull).open("w") if follows else sys.stdout)  # noqa: SIM115 - open until the end
    try:
        return _guarded(options, reporter)
    except StopRequested as stopped:
        print(stopped, file=sys.stderr)
        return STOPPED


def _guarded(options: argparse.Namespace, reporter: Reporter) -> int:
    """Run, and turn every failure into an error event, one line on stderr and an exit code."""
    from viewer.imaging.errors import ImagingError

    try:
        _run(options, reporter)
        return DONE
    except (LearningError, ImagingError) as error:
        # A refused run leaves no decoded patches behind; what it saved before stays.
        shutil.rmtree(options.out / "store", ignore_errors=True)
        message = " ".join(str(error).split())
        reporter.error(message, "person")
        print(message, file=sys.stderr)
        return PERSON
    except StopRequested:
        reporter.warning("Stopped on request; resume from this folder to go on.")
        raise
    except Exception as error:
        traceback.print_exc()
        reporter.error(f"{type(error).__name__}: {error}", "program")
        return PROGRAM


def _run(options: argparse.Namespace, reporter: Reporter) -> None:
    if options.kind in STUDIES:
        _study(options, reporter)
        return
    config = read_config(options.kind, options.config)
    # Read by OpenMP when torch is imported. Waiting threads must sleep: where other programs share the cores (the web
    # server, a second worker), spinning ones made a training step up to fifty times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # torch takes seconds to import: a bad configuration is refused before that.
    from training.learning import compute, manifest, run, scoring, synthesis, train_cyclegan, train_mil
    from training.learning.classifier import load_classifier

    stop = run.Stop()
    stop.on_signals()
    machine = compute.prepare(config)
    this = run.Run(options.out, reporter, stop, machine, shared_store=options.store)
    reporter.started(options.kind, **machine.describe(), resumed_from=str(options.resume) if options.resume else None)

    if isinstance(config, configs.MilConfig):
        frozen = manifest.read(options.manifest)
        train_mil.train_mil(this, config, frozen, options.stain, options.slides_root, options.resume)
    elif isinstance(config, configs.CycleGanConfig):
        frozen = manifest.read(options.manifest)
        train_cyclegan.check_stains(frozen)
        paths = (options.source_classifier, options.target_classifier)
        if config.class_channel and None in paths:
            raise ConfigError("With a class channel, --source-classifier and --target-classifier must be given.")
        header = frozen.header
        classifiers = [
            None
            if path is None
            else load_classifier(
                path, machine, stain=stain, target_mpp=header.target_mpp, instance_px=header.instance_px
            )
            for path, stain in zip(paths, header.stains, strict=False)
        ]
        pair = (classifiers[0], classifiers[1])
        train_cyclegan.train_cyclegan(this, config, frozen, pair, options.slides_root, options.resume)
    elif isinstance(config, configs.SynthesisConfig):
        classifier = None if options.classifier is None else load_classifier(options.classifier, machine)
        region = None if options.region is None else tuple(options.region)
        synthesis.synthesize(
            this, config, options.slide, options.mpp, options.generator, classifier, region, options.colour
        )
    elif isinstance(config, configs.ScoreConfig):
        classifier = load_classifier(options.classifier, machine)
        scoring.score_slide(this, config, options.slide, options.mpp, classifier, options.patches, options.colour)


def _study(options: argparse.Namespace, reporter: Reporter) -> None:
    """Draw a cohort, or run a whole study."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from training.learning.run import Stop
    from training.learning.study import cohort, profiles, report, steps

    stop = Stop()
    stop.on_signals()
    chosen = profiles.profile(options.profile)
    reporter.started(options.kind, profile=chosen.name)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.0f} s  {text}", file=sys.stderr, flush=True)

    if options.kind == "cohort":
        manifest = cohort.draw_cohort(chosen, options.out, options.morph, say, stop.check)
        reporter.finished({"manifest": manifest.sha256, "slides": len(manifest.slides), "bags": len(manifest.patches)})
        return
    study = steps.Study(chosen, options.out, options.threads, stop, say)
    whole = report.write_report(study, options.seeds)
    reporter.finished({"criteria": whole["criteria"], "inverted": whole["inverted"]})


def read_config(kind: str, path: Path) -> configs.RunConfig:
    """Return the configuration in a JSON file.

    Raises:
        ConfigError: no JSON object, an unknown key, or a value that makes no sense.
    """
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError) as broken:
        raise ConfigError(f"The configuration {path} cannot be read ({broken}).") from None
    if not isinstance(values, dict):
        raise ConfigError(f"The configuration {path} is no JSON object.")
    return configs.from_dict(kind, values)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.learning", description="Learn, paint and score.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in STUDIES:
        options = kinds.add_parser(kind)
        options.add_argument("--profile", required=True, help="tiny, cpu or paper")
        options.add_argument("--out", type=Path, required=True, help="folder for everything that is drawn and written")
        if kind == "cohort":
            options.add_argument("--morph", type=float, default=1.0, help="0 hides the target's status on the source")
        else:
            options.add_argument("--seeds", type=int, default=1, help="pairs of CycleGANs with and without class")
            options.add_argument("--threads", type=int, default=0, help="CPU threads; 0 takes all cores")
    for kind in configs.CONFIGS:
        options = kinds.add_parser(kind)
        options.add_argument("--config", type=Path, required=True, help="JSON of the run's keys; {} takes the defaults")
        options.add_argument("--out", type=Path, required=True, help="folder for everything the run writes")
        options.add_argument("--resume", type=Path, help="an earlier out folder to go on from")
        options.add_argument("--store", type=Path, help="folder of decoded patches that runs share; kept at the end")
        if kind in ("mil", "cyclegan"):
            options.add_argument("--manifest", type=Path, required=True)
            options.add_argument(
                "--slides-root", type=Path, required=True, help="slide files are here, under their key"
            )
        else:
            options.add_argument("--slide", type=Path, required=True)
            options.add_argument("--mpp", type=float, required=True, help="µm per level-0 pixel")
            options.add_argument(
                "--colour", choices=COLOURS, default=COLOURS[0], help="as scanned, or converted to sRGB by its profile"
            )
        if kind == "mil":
            options.add_argument("--stain", required=True)
        elif kind == "cyclegan":
            options.add_argument("--source-classifier", type=Path)
            options.add_argument("--target-classifier", type=Path)
        elif kind == "synthesis":
            options.add_argument("--generator", type=Path, required=True)
            options.add_argument("--classifier", type=Path, help="of the source stain")
            options.add_argument("--region", type=int, nargs=4, metavar=("X", "Y", "W", "H"), help="level-0 pixels")
        else:
            options.add_argument("--classifier", type=Path, required=True)
            options.add_argument("--patches", type=Path, required=True, help="[{id, x_l0, y_l0, size_l0}, …]")
    return parser


if __name__ == "__main__":
    sys.exit(main())
