"""How fast the method is, as ratios measured in one run: python -m benchmarks.training [--rounds 3] [--threads 2].

(a) an epoch of MIL scoring and training against a loop that reads every region through OpenSlide each epoch;
(b) a CycleGAN step at the paper's size against eager float32 loops, of our networks and of the classic shape;
(c) painting a slide against the bare forward passes it contains, and the peak memory of painting a very wide slide;
(d) on a GPU: the share of a large bf16 matrix product's rate, and the hours of a run at the paper's scale.

Slides are real ones from COUNTERSTAIN_DATA; rounds are interleaved, so that what else the machine does falls on all of
them alike. Each part takes less than four minutes on two quiet cores; `--only` runs one. Rows that need what is not
here read "not measured".
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.figures import add_json_option, write_figures
from benchmarks.tile_measures import Row
from benchmarks.training_gpu import GpuScale, gpu_rows
from benchmarks.training_measures import (
    GAN_STEP_FLOP,
    INSTANCE_FLOP,
    MPP,
    SIDE_PX,
    SLIDE,
    TISSUE,
    decoded,
    places,
    product_rate,
    race,
    seconds,
)
from benchmarks.training_references import Apart, ClassicMil, EagerCycleGan
from training.learning import checkpoint
from training.learning.classifier import build_network, tumor_probabilities
from training.learning.compute import Compute, prepare
from training.learning.conditioning import to_images, with_class
from training.learning.config import CycleGanConfig, MilConfig
from training.learning.cyclegan import Batch, CycleGan
from training.learning.folding import for_scoring
from training.learning.mil import select_instances, train_on_picks
from training.learning.networks import Generator
from training.learning.painting import Floats
from viewer.imaging.pyramid import PyramidWriter
from viewer.imaging.slides import open_slide


def mil_row(compute: Compute, rounds: int, instances: int = 400, bags: int = 4) -> Row:
    """Score all instances and train on a pick of each bag: from the store, and through OpenSlide."""
    config = MilConfig()
    given = (SLIDE, places(instances), bags, SIDE_PX, config.batch_size)
    classic = Apart(ClassicMil, *given)
    net = build_network(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(net.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    pixels, index = decoded(instances), np.arange(instances)
    bag, labels = index * bags // instances, np.arange(bags) % 2
    rng = np.random.default_rng(0)

    def score() -> Floats:
        return tumor_probabilities(for_scoring(net), pixels, index, config.normalization, config.batch_size, compute)

    def epoch() -> None:
        picks = select_instances(score(), bag)
        train_on_picks(net, None, optimizer, pixels, picks, labels, config, compute, rng)

    row = race(classic, epoch, rounds, Row("MIL epoch against reading through OpenSlide", bar="≥ 2.5 ×"))
    reading = seconds(ClassicMil(*given).read_all)
    rate = INSTANCE_FLOP * instances / seconds(score) / product_rate(torch.float32, compute.device, 2048)
    row.note += f"; {reading:.2f} s of the former are reading; ours scores at {rate:.2f} of a matrix product's rate"
    return row


def gan_rows(compute: Compute, rounds: int) -> list[Row]:
    """One step at the paper's size: ours, the same networks in eager float32, and the classic shape.

    The note says what share of a float32 matrix product's rate a step reaches, counted in the paper's multiplications.
    """
    torch.manual_seed(0)
    model = CycleGan(CycleGanConfig(), compute)
    pixels = np.split(decoded(2), 2)
    a, b = (to_images(part).to(compute.device) for part in pixels)
    one = torch.ones(1, device=compute.device)
    rng = np.random.default_rng(0)
    rows = []
    for classic, name, bar in (
        (False, "GAN step against eager fp32, same networks", "≥ 1.8 ×"),
        (True, "GAN step against the classic shape, eager fp32", "≥ 6 ×"),
    ):
        reference = Apart(EagerCycleGan, classic, *pixels)
        row = Row(name, bar=bar)

        def ours() -> None:
            model.step(Batch(a, b, one, one), 1.0, rng)

        rows.append(race(reference, ours, rounds, row))
        if not classic:
            rate = product_rate(torch.float32, compute.device, 2048)
            shares = [GAN_STEP_FLOP / seconds(step) / rate for step in (reference, ours)]
            row.note += f"; {shares[0]:.2f} and {shares[1]:.2f} of a matrix product's rate"
    return rows


def write_slide(path: Path, width: int, height: int) -> None:
    """Write a slide of any width, tiled with tissue of BS25; in memory it is never whole."""
    with open_slide(SLIDE) as reader:
        tissue = reader.read_region(*TISSUE, 0, 2240, min(height, 2240))
    with PyramidWriter(path, width, height, MPP, "benchmark") as writer:
        repeated = np.concatenate([tissue] * -(-width // 2240), axis=1)[:, :width]
        for top in range(0, height, len(tissue)):
            writer.write_rows(repeated[: min(len(tissue), height - top)])


def save_models(folder: Path, ngf: int) -> tuple[Path, Path]:
    """Save untrained models of the paper's kind: how fast they are does not depend on what they learnt."""
    torch.manual_seed(0)
    mil = MilConfig() if ngf == 64 else MilConfig(width=8, stages=(1, 1, 1, 1))
    shared = {"target_mpp": MPP, "instance_px": SIDE_PX}
    classifier = checkpoint.save(
        folder / "classifier.safetensors",
        checkpoint.weights_of(build_network(mil), "classifier."),
        shared | {"kind": "mil", "config": mil.to_dict(), "stain": "HE", "patch_px": 2240, "threshold": 0.5},
    )
    generator = checkpoint.save(
        folder / "generator.safetensors",
        checkpoint.weights_of(Generator(4, ngf), "generator."),
        shared
        | {
            "kind": "cyclegan",
            "config": CycleGanConfig(ngf=ngf).to_dict(),
            "stains": ["HE", "IHC"],
            "classifiers": [classifier.sha256, None],
        },
    )
    return classifier.path, generator.path


def synthesis_command(folder: Path, slide: Path, ngf: int, threads: int) -> list[str]:
    classifier, generator = save_models(folder, ngf)
    config = folder / "config.json"
    config.write_text(json.dumps({"threads": threads}))
    given = f"synthesis --config {config} --out {folder / 'out'} --slide {slide} --mpp {MPP}"
    inputs = f"--generator {generator} --classifier {classifier}"
    return [sys.executable, "-m", "training.learning", *given.split(), *inputs.split()]


def synthesis_row(compute: Compute, rounds: int, side: int = 1344) -> Row:
    """Paint a slide from file to file; against its forward passes alone, each tile twice and each patch's class."""
    from training.learning.__main__ import main

    net = Generator(4, 64).to(compute.device).eval()
    scorer = for_scoring(build_network(MilConfig()).eval())
    count = (side // SIDE_PX) ** 2
    tile = torch.zeros(6, 3, SIDE_PX + 64, SIDE_PX + 64, device=compute.device)
    patches = decoded(count)

    @torch.inference_mode()
    def bare() -> None:
        with compute.autocast():
            for _ in range(2 * count // 6):
                net(with_class(tile, torch.ones(6, device=compute.device)))
        for start in range(0, count, 6):  # the classifier is asked row by row
            tumor_probabilities(scorer, patches, np.arange(start, start + 6), "campanella", 6, compute)

    with tempfile.TemporaryDirectory() as folder:
        write_slide(Path(folder) / "slide.tif", side, side)
        command = synthesis_command(Path(folder), Path(folder) / "slide.tif", 64, compute.threads)

        def whole() -> None:
            with Path(os.devnull).open("w") as nowhere:
                out, sys.stdout = sys.stdout, nowhere
                try:
                    assert main(command[3:]) == 0
                finally:
                    sys.stdout = out

        return race(whole, bare, rounds, Row("synthesis against its bare forward passes", bar="≤ 1.25 × the time"))


def memory_row(width: int = 100_000) -> Row:
    """Paint a slide as wide as any in a process of its own and read its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        write_slide(Path(folder) / "slide.tif", width, 2 * SIDE_PX)
        command = synthesis_command(Path(folder), Path(folder) / "slide.tif", 4, 1)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return Row("peak memory of synthesis", [peak], "≤ 1.5 GB", "GiB", f"{width:,} px wide")


def main() -> None:
    parser = argparse.ArgumentParser(description="Ratios of the method's speed.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="0 takes all cores")
    parser.add_argument("--only", choices=["mil", "gan", "synthesis", "memory", "gpu"], help="one part of the table")
    add_json_option(parser)
    options = parser.parse_args()
    if not SLIDE.exists():
        sys.exit(f"{SLIDE} is not here: COUNTERSTAIN_DATA must name the folder of real slides.")
    compute = prepare(CycleGanConfig(device="cpu", threads=options.threads))
    parts: dict[str, Callable[[], list[Row]]] = {
        "mil": lambda: [mil_row(compute, options.rounds)],
        "gan": lambda: gan_rows(compute, options.rounds),
        "synthesis": lambda: [synthesis_row(compute, options.rounds)],
        "memory": lambda: [memory_row()],
        "gpu": lambda: gpu_rows(prepare(MilConfig()) if torch.cuda.is_available() else None, GpuScale(), decoded(16)),
    }
    said = compute.describe()
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, {said}, load {os.getloadavg()[0]:.1f}\n")
    print("| figure | median (least–most) | bar | |\n| --- | --- | --- | --- |")
    rows: list[Row] = []
    for name, part in parts.items():
        if options.only in (None, name):
            for row in part():
                rows.append(row)
                print(row.as_markdown(), flush=True)
    write_figures(options.json, [row.as_figure() for row in rows])


if __name__ == "__main__":
    main()
