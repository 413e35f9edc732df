"""The class-conditional CycleGAN (Xu et al. 2020; Zhu et al. 2017; Mirza & Osindero 2014).

Two stains, a source (H&E, say) and a target (Ki-67, say), without pairs:

    g_target: source patch, class -> target patch        d_target: is this a real target patch of this class?
    g_source: target patch, class -> source patch        d_source: is this a real source patch of this class?

    generators:     adversarial(d_target(g_target(s))) + adversarial(d_source(g_source(t)))
                    + 10 * (|g_source(g_target(s)) - s| + |g_target(g_source(t)) - t|)
    discriminators: binary cross-entropy on real patches and on synthetic ones from a pool

Images are float32 [B, 3, H, W] in [-1, 1]; classes float32 [B] in [-1, 1]. On the way back a patch keeps the class of
the patch it came from: class is content, and content is to be preserved.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.learning import checkpoint
from training.learning.compute import Compute
from training.learning.conditioning import with_class
from training.learning.config import CycleGanConfig
from training.learning.networks import Discriminator, Generator
from training.learning.parallel import Group
from training.learning.sampling import ImagePool
from training.learning.weights import average_weights, copy_of


def generator_loss(logits: Tensor, kind: str) -> Tensor:
    """Return how far synthetic patches are from passing as real; logits: the discriminator's, any shape.

    Paper: "mean square error loss". Read as CycleGAN's least squares on the logit; `sigmoid` takes the probability.
    """
    judged = logits.float().sigmoid() if kind == "sigmoid" else logits.float()
    return F.mse_loss(judged, torch.ones_like(judged))


def discriminator_loss(real: Tensor, fake: Tensor, kind: str) -> Tensor:
    """Return how badly real and synthetic patches are told apart; both are logits.

    Paper: "binary cross-entropy loss".
    """
    distance = F.mse_loss if kind == "lsgan" else F.binary_cross_entropy_with_logits
    real, fake = real.float(), fake.float()
    return 0.5 * (distance(real, torch.ones_like(real)) + distance(fake, torch.zeros_like(fake)))


def cycle_loss(there_and_back: Tensor, original: Tensor, kind: str) -> Tensor:
    """Return what got lost on the way there and back."""
    distance = F.mse_loss if kind == "mse" else F.l1_loss
    return distance(there_and_back.float(), original)


def learning_rate_factor(step: int, steps: int, decay_from: float) -> float:
    """Return the share of the learning rate at a step of 0 … steps - 1: 1 at first, then a line towards 0."""
    first = decay_from * steps
    return 1.0 if step < first else (steps - step) / max(steps - first, 1.0)


@dataclass(frozen=True)
class Batch:
    """Unpaired patches of both stains, [B, 3, H, W], with their classes [B] (None without class channel)."""

    source: Tensor
    target: Tensor
    source_class: Tensor | None
    target_class: Tensor | None


def build_generator(config: CycleGanConfig) -> Generator:
    """Return the generator that the keys describe, with fresh weights."""
    return Generator(3 + config.class_channel, config.ngf, config.n_blocks, config.generator_norm, config.upsampling)


class CycleGan:
    """The four networks, their optimisers and pools, and one training step of them."""

    def __init__(self, config: CycleGanConfig, compute: Compute) -> None:
        """Build everything with fresh weights from torch's random state."""
        self.config, self.compute = config, compute
        judged = 3 + (config.class_channel and config.d_conditional)

        def generator() -> nn.Module:
            return build_generator(config).to(compute.device)

        def discriminator() -> nn.Module:
            return Discriminator(judged, config.ndf, config.d_output == "average", config.discriminator_norm).to(
                compute.device
            )

        self.g_target, self.g_source = generator(), generator()
        self.d_target, self.d_source = discriminator(), discriminator()
        # What is judged, shown and saved: averages over the steps, or the trained generators themselves.
        self.shown_target = copy_of(self.g_target) if config.ema_decay else self.g_target
        self.shown_source = copy_of(self.g_source) if config.ema_decay else self.g_source
        betas = (config.beta1, config.beta2)
        self.optimizer_g = torch.optim.Adam([*self.g_target.parameters(), *self.g_source.parameters()], 1.0, betas)
        self.optimizer_d = torch.optim.Adam([*self.d_target.parameters(), *self.d_source.parameters()], 1.0, betas)
        self.warm_optimizer = torch.optim.Adam([*self.g_target.parameters(), *self.g_source.parameters()], 1.0)
        self.pool_target, self.pool_source = ImagePool(config.pool_size), ImagePool(config.pool_size)

    def warm_step(self, batch: Batch) -> dict[str, Tensor]:
        """Teach both generators to return their input.

        Differs from the paper: it is silent on the start. Without this step a small run often inverts the colours.
        """
        _set_rate(self.warm_optimizer, self.config.warm_learning_rate)
        with self.compute.autocast():
            same_source = self.g_target(with_class(batch.source, batch.source_class))
            same_target = self.g_source(with_class(batch.target, batch.target_class))
        loss = F.l1_loss(same_source.float(), batch.source) + F.l1_loss(same_target.float(), batch.target)
        _descend(self.warm_optimizer, loss, self.compute.group)
        self._average(decay=0.0)
        return {"warm": loss.detach()}

    def step(self, batch: Batch, rate: float, rng: np.random.Generator) -> dict[str, Tensor]:
        """Train all four networks on one batch; `rate` scales the learning rates. Returns the losses, detached."""
        config = self.config
        _set_rate(self.optimizer_g, config.learning_rate_g * rate)
        _set_rate(self.optimizer_d, config.learning_rate_d * rate)

        discriminators = [*self.d_target.parameters(), *self.d_source.parameters()]
        for parameter in discriminators:
            parameter.requires_grad_(False)
        with self.compute.autocast():
            fake_target = self.g_target(with_class(batch.source, batch.source_class))
            fake_source = self.g_source(with_class(batch.target, batch.target_class))
            back_source = self.g_source(with_class(fake_target, batch.source_class))
            back_target = self.g_target(with_class(fake_source, batch.target_class))
            judged_target = self.d_target(self._for_judge(fake_target, batch.source_class))
            judged_source = self.d_source(self._for_judge(fake_source, batch.target_class))
        adversarial = generator_loss(judged_target, config.generator_loss)
        adversarial = adversarial + generator_loss(judged_source, config.generator_loss)
        cycle = cycle_loss(back_source, batch.source, config.cycle_loss)
        cycle = cycle + cycle_loss(back_target, batch.target, config.cycle_loss)
        loss_g = adversarial + config.cycle_weight * cycle
        if config.identity_weight:
            loss_g = loss_g + config.identity_weight * config.cycle_weight * self._identity(batch)
        gradient = _descend(self.optimizer_g, loss_g, self.compute.group)

        for parameter in discriminators:
            parameter.requires_grad_(True)
        shown_target = self._from_pool(self.pool_target, self._for_judge(fake_target.float(), batch.source_class), rng)
        shown_source = self._from_pool(self.pool_source, self._for_judge(fake_source.float(), batch.target_class), rng)
        with self.compute.autocast():
            real_target = self.d_target(self._for_judge(batch.target, batch.target_class))
            real_source = self.d_source(self._for_judge(batch.source, batch.source_class))
            false_target, false_source = self.d_target(shown_target), self.d_source(shown_source)
        loss_d = discriminator_loss(real_target, false_target, config.generator_loss)
        loss_d = loss_d + discriminator_loss(real_source, false_source, config.generator_loss)
        _descend(self.optimizer_d, loss_d, self.compute.group)

        self._average(config.ema_decay)
        middle = 0.5 if config.generator_loss == "lsgan" else 0.0
        right = [(logits > middle).float().mean() for logits in (real_target, real_source)]
        right += [(logits <= middle).float().mean() for logits in (false_target, false_source)]
        return {
            "generator": loss_g.detach(),
            "adversarial": adversarial.detach(),
            "cycle": cycle.detach(),
            "discriminator": loss_d.detach(),
            "discriminator_accuracy": torch.stack(right).mean(),
            "generator_gradient": gradient,
        }

    def _from_pool(self, pool: ImagePool, fakes: Tensor, rng: np.random.Generator) -> Tensor:
        """Exchange the whole batch's synthetic patches, so that every process keeps the same pool; return our share."""
        group = self.compute.group
        exchanged = pool.exchange(group.gather(fakes.detach()), rng)
        return exchanged[group.share(len(exchanged))]

    def _identity(self, batch: Batch) -> Tensor:
        """Return how much the generators change patches that are stained as they should be already."""
        with self.compute.autocast():
            same_target = self.g_target(with_class(batch.target, batch.target_class))
            same_source = self.g_source(with_class(batch.source, batch.source_class))
        return F.l1_loss(same_target.float(), batch.target) + F.l1_loss(same_source.float(), batch.source)

    def _for_judge(self, images: Tensor, classes: Tensor | None) -> Tensor:
        return with_class(images, classes if self.config.d_conditional else None)

    def _average(self, decay: float) -> None:
        if self.config.ema_decay:
            average_weights(self.shown_target, self.g_target, decay)
            average_weights(self.shown_source, self.g_source, decay)

    def weights(self) -> dict[str, Tensor]:
        """Return what a checkpoint holds: both generators as they are shown."""
        return checkpoint.weights_of(self.shown_target, "generator.") | checkpoint.weights_of(
            self.shown_source, "generator_back."
        )

    def _parts(self) -> dict[str, nn.Module]:
        parts = {"g_target": self.g_target, "g_source": self.g_source}
        parts |= {"d_target": self.d_target, "d_source": self.d_source}
        if self.config.ema_decay:
            parts |= {"shown_target": self.shown_target, "shown_source": self.shown_source}
        return parts

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d, "warm": self.warm_optimizer}

    def state(self) -> dict[str, Tensor]:
        """Return all that training needs to go on exactly from here."""
        state: dict[str, Tensor] = {}
        for name, net in self._parts().items():
            state |= checkpoint.weights_of(net, f"{name}.")
        for name, optimizer in self._optimizers().items():
            state |= checkpoint.optimizer_tensors(optimizer, f"{name}.")
        return state | self.pool_target.state("pool_target.") | self.pool_source.state("pool_source.")

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a state."""
        for name, net in self._parts().items():
            checkpoint.load_weights(net, tensors, f"{name}.", "The state")
        for name, optimizer in self._optimizers().items():
            checkpoint.load_optimizer(optimizer, tensors, f"{name}.")
        self.pool_target.restore(tensors, "pool_target.", self.compute.device)
        self.pool_source.restore(tensors, "pool_source.", self.compute.device)


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor, group: Group) -> Tensor:
    """Take one step against the gradient of the loss, averaged over the processes; returns the gradient's norm."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    group.average_gradients(parameters)
    norm = nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    optimizer.step()
    return norm.detach()
