"""The steps of a CycleGAN run: batches, epochs, stopping and going on at any step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.learning import checkpoint
from training.learning.conditioning import to_images
from training.learning.config import CycleGanConfig
from training.learning.cyclegan import Batch, CycleGan, learning_rate_factor
from training.learning.data import turned
from training.learning.errors import CheckpointError, StopRequested, TrainingDiverged
from training.learning.painting import Floats
from training.learning.run import Run
from training.learning.sampling import Sampler
from training.learning.store import Store
from training.learning.weights import is_number

# On a GPU losses are looked at every so many steps only, and before every save.
NAN_CHECK_STEPS = 50


@dataclass(frozen=True)
class Domain:
    """One stain to train on: patches [N, side, side, 3], their classes [N] and how they are drawn."""

    patches: Store
    classes: Floats
    sampler: Sampler
    held: Tensor | None = None
    """The patches on the GPU, where they fit."""


class Loop:
    """Steps through epochs and can stop and go on at any step."""

    def __init__(
        self,
        run: Run,
        config: CycleGanConfig,
        model: CycleGan,
        domains: list[Domain],
        rng: np.random.Generator,
        metadata: dict[str, Any],
    ) -> None:
        """Stand before the first step."""
        self.run, self.config, self.model, self.domains, self.rng = run, config, model, domains, rng
        self.metadata = metadata
        largest = max(len(domain.patches) for domain in domains)
        self.per_epoch = config.steps_per_epoch or -(-largest // config.batch_size)
        self.gan_steps = config.epochs * self.per_epoch
        self.total = config.warm_steps + self.gan_steps
        self.step = 0
        self.epochs_done = 0
        self.sums: dict[str, Tensor] = {}
        self.counted = 0

    def train(self, epoch: int) -> dict[str, float]:
        """Take the steps of an epoch, the warm start before the first one; returns the mean losses."""
        end = self.config.warm_steps + epoch * self.per_epoch
        while self.step < end:
            warm = self.step < self.config.warm_steps
            batch = self._batch()
            with self.run.compute.memory_errors(f"batch_size {self.config.batch_size}"):
                if warm:
                    losses = self.model.warm_step(batch)
                else:
                    gan_step = self.step - self.config.warm_steps
                    rate = learning_rate_factor(gan_step, self.gan_steps, self.config.lr_decay_from)
                    losses = self.model.step(batch, rate, self.rng)
            self.step += 1
            self._count(losses, epoch)
            message = "Warm start" if warm else "Training"
            self.run.reporter.progress(self.step, self.total, epoch, self.config.epochs, message)
            if self.run.compute.group.any(self.run.stop.requested, self.run.compute.device):
                self.save()
                raise StopRequested("The run was asked to stop; its state is saved.")
            if self.step % self.config.state_every_steps == 0 and self.step < end:
                self.save()
        self._refuse_nan(epoch)
        return {name: float(total) / self.counted for name, total in sorted(self.sums.items())}

    def epoch_is_over(self) -> None:
        """Start counting anew and save."""
        self.epochs_done += 1
        self.sums, self.counted = {}, 0
        self.save()

    def _batch(self) -> Batch:
        """Draw unpaired patches of both stains, cropped and turned as configured."""
        images, classes = [], []
        for domain in self.domains:
            drawn = [domain.sampler.draw(self.rng) for _ in range(self.config.batch_size)]
            pictures = []
            held = domain.patches.pixels if domain.held is None else domain.held
            for number in drawn:
                picture = held[number]
                crop = self.config.crop_px
                if crop and crop < len(picture):
                    y, x = self.rng.integers(len(picture) - crop + 1, size=2)
                    picture = picture[y : y + crop, x : x + crop]
                pictures.append(turned(picture, self.rng) if self.config.augment else picture)
            # Every process draws for all, so that all draw alike, and keeps its share.
            mine = self.run.compute.group.share(self.config.batch_size)
            stacked = np.stack(pictures[mine]) if domain.held is None else torch.stack(pictures[mine])
            images.append(to_images(stacked).to(self.run.compute.device))
            classes.append(torch.from_numpy(domain.classes[drawn[mine]]).to(self.run.compute.device))
        if not self.config.class_channel:
            return Batch(images[0], images[1], None, None)
        return Batch(images[0], images[1], classes[0], classes[1])

    def _count(self, losses: Mapping[str, Tensor], epoch: int) -> None:
        if self.step == self.config.warm_steps:
            self.sums, self.counted = {}, 0  # the warm start is no part of the first epoch's means
            return
        # Added up where they are: reading them at every step would make a GPU wait for each.
        mean = self.run.compute.group.mean(torch.stack([losses[name].double() for name in sorted(losses)]))
        for name, loss in zip(sorted(losses), mean, strict=True):
            self.sums[name] = self.sums[name] + loss if name in self.sums else loss
        self.counted += 1
        if self.run.compute.device.type == "cpu" or self.counted % NAN_CHECK_STEPS == 0:
            self._refuse_nan(epoch)

    def _refuse_nan(self, epoch: int) -> None:
        for name, total in self.sums.items():
            if not is_number(total):
                raise TrainingDiverged(
                    f"The {name} loss is no longer a number in epoch {epoch}, step {self.step}; the epochs before it "
                    "are kept. Lower the learning rates, or train in fp32."
                )

    def save(self) -> None:
        """Write everything that is needed to go on from here; a loss that is no number is never saved."""
        self._refuse_nan(self.epochs_done + 1)
        randomness, tensors = checkpoint.random_states(self.rng)
        tensors |= self.model.state()
        for number, domain in enumerate(self.domains):
            tensors |= domain.sampler.state(f"sampler{number}.")
        tensors |= {f"sums.{name}": total for name, total in self.sums.items()}
        position = {"step": self.step, "epochs_done": self.epochs_done, "counted": self.counted}
        self.run.save_state(tensors, self.metadata | position | {"random": randomness})

    def restore(self, saved: tuple[dict[str, Any], dict[str, Tensor]]) -> None:
        """Go on from a state."""
        metadata, tensors = saved
        self.model.restore(tensors)
        try:
            for number, domain in enumerate(self.domains):
                domain.sampler.restore(tensors, f"sampler{number}.")
            self.sums = {
                key[5:]: tensor.to(self.run.compute.device)
                for key, tensor in tensors.items()
                if key.startswith("sums.")
            }
            self.step, self.epochs_done = int(metadata["step"]), int(metadata["epochs_done"])
            self.counted = int(metadata["counted"])
            checkpoint.restore_random_states(self.rng, metadata["random"], tensors)
        except (KeyError, TypeError, ValueError) as broken:
            raise CheckpointError(f"The state is incomplete ({broken}); start again without --resume.") from None
