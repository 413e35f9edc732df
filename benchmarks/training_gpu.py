"""The GPU's column of `benchmarks.training`: how near to a large matrix product, and hours at the paper's scale."""

from dataclasses import dataclass, field
from statistics import median

import numpy as np
import torch

from benchmarks.tile_measures import Row
from benchmarks.training_measures import GAN_STEP_FLOP, INSTANCE_FLOP, product_rate, seconds
from training.learning.classifier import build_network, tumor_probabilities
from training.learning.compute import Compute
from training.learning.conditioning import to_images
from training.learning.config import CycleGanConfig, MilConfig
from training.learning.cyclegan import Batch, CycleGan
from training.learning.folding import for_scoring
from training.learning.store import Pixels

PAPER_STEPS, PAPER_INSTANCES, PAPER_EPOCHS = 34_121, 39_400, 100


@dataclass(frozen=True)
class GpuScale:
    """How much is measured on a GPU."""

    mil: MilConfig = field(default_factory=MilConfig)
    gan: CycleGanConfig = field(default_factory=CycleGanConfig)
    batches: tuple[int, ...] = (1, 4, 16)
    product_px: int = 8192
    instances: int = 4096
    score_batch: int = 512
    warm_steps: int = 20
    steps: int = 500


def gpu_rows(compute: Compute | None, scale: GpuScale, few: Pixels) -> list[Row]:
    """Extrapolate the paper's scale from steps after warm-up; nothing is measured without a GPU.

    few: some patches, uint8 [N, side, side, 3], which are shown again and again.
    """
    scoring = Row("scoring, share of a bf16 matrix product's rate", bar="≥ 0.40", unit="share")
    mil_hours = Row("hours of the paper's H&E classifier, extrapolated", unit="h")
    gan_hours = [Row(f"hours of the paper's CycleGAN, batch {size}, extrapolated", unit="h") for size in scale.batches]
    gan_hours[0].bar = "≤ 2"
    rows = [scoring, mil_hours, *gan_hours]
    if compute is None:
        for row in rows:
            row.note = "no GPU at hand"
        return rows
    rate = product_rate(torch.bfloat16, compute.device, scale.product_px)
    # Held on the device, as a run holds its store there.
    pixels = torch.from_numpy(few).to(compute.device)[torch.arange(scale.instances, device=compute.device) % len(few)]
    net, index = for_scoring(build_network(scale.mil).to(compute.device)), np.arange(scale.instances)

    def score() -> None:
        tumor_probabilities(net, pixels, index, scale.mil.normalization, scale.score_batch, compute)

    score()
    passes = [seconds(score) / scale.instances for _ in range(5)]
    scoring.ratios = [INSTANCE_FLOP / each / rate for each in passes]
    scoring.note = f"{1 / median(passes):,.0f} instances/s; the product {rate / 1e12:.0f} TFLOP/s"
    mil_hours.ratios = [each * PAPER_INSTANCES * PAPER_EPOCHS / 3600 for each in passes]

    rng = np.random.default_rng(0)
    for size, row in zip(scale.batches, gan_hours, strict=True):
        torch.manual_seed(0)
        model = CycleGan(scale.gan, compute)
        a, b = (to_images(part[np.arange(size) % len(part)]).to(compute.device) for part in np.array_split(few, 2))
        classes = torch.ones(size, device=compute.device)
        batch = Batch(a, b, classes, classes)

        def steps(count: int, model: CycleGan = model, batch: Batch = batch) -> None:
            for _ in range(count):
                model.step(batch, 1.0, rng)

        steps(scale.warm_steps)
        step = seconds(lambda steps=steps: steps(scale.steps)) / scale.steps  # type: ignore[misc]
        row.ratios = [step * PAPER_STEPS / size * PAPER_EPOCHS / 3600]
        share = GAN_STEP_FLOP * size / step / rate
        row.note = f"{1000 * step:.1f} ms a step over {scale.steps} steps, {share:.2f} of the product's rate"
    return rows
