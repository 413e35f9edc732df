"""The loops that ours are held against, written as the classic scripts are, with nothing that slows them on purpose.

- MIL: every epoch reads each instance of the slide through OpenSlide and scores it in eager float32, as the script of
  Campanella et al. 2019 does.
- CycleGAN: eager float32 steps, with our own networks, or in the classic shape (ResNet-9 generator, 70 × 70 PatchGAN,
  least squares, identity loss 0.5).

Each runs in a process of its own, so that what ours sets for itself (how memory is handed out) is not set for it.
"""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import openslide
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.learning.conditioning import to_images
from training.learning.convolution import Conv2d, ConvTranspose2d, InstanceNorm2d
from training.learning.networks import Discriminator, Generator, ResNet
from training.learning.store import Pixels

MEAN, DEVIATION = 0.5, 0.1
TORCHS_OWN = {Conv2d: nn.Conv2d, ConvTranspose2d: nn.ConvTranspose2d, InstanceNorm2d: nn.InstanceNorm2d}


class Apart:
    """A loop in a process of its own; a call goes through it once."""

    def __init__(self, build: Callable[..., Callable[[], None]], *arguments: object) -> None:
        """Start the process and let it build the loop, on as many threads as are used here."""
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        started = (other, torch.get_num_threads(), build, arguments)
        context.Process(target=_go_through, args=started, daemon=True).start()

    def __call__(self) -> None:
        """Go through the loop once and wait for its end."""
        self.connection.send(None)
        self.connection.recv()


def _go_through(
    connection: Connection, threads: int, build: Callable[..., Callable[[], None]], arguments: tuple[object, ...]
) -> None:
    torch.set_num_threads(threads)
    loop = build(*arguments)
    while True:
        try:
            connection.recv()
        except EOFError:  # the benchmark has ended
            return
        loop()
        connection.send(None)


def eager(net: nn.Module) -> nn.Module:
    """Give a network of ours torch's own layers instead of those that we made faster; parameters stay."""
    for module in net.modules():
        module.__class__ = TORCHS_OWN.get(type(module), type(module))
    return net


class ClassicMil:
    """Score all instances, pick the highest of each bag, train on the picks."""

    def __init__(self, slide: Path, places: list[tuple[int, int]], bags: int, side_px: int, batch_size: int) -> None:
        self.slide = openslide.OpenSlide(slide)
        self.places, self.bags, self.side_px, self.batch_size = places, bags, side_px, batch_size
        self.net = ResNet()
        self.optimizer = torch.optim.Adam(self.net.parameters(), 1e-4, weight_decay=1e-4)

    def read(self, place: tuple[int, int]) -> Tensor:
        picture = self.slide.read_region(place, 0, (self.side_px, self.side_px)).convert("RGB")
        image = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float().div_(255)
        return image.sub_(MEAN).div_(DEVIATION)

    def read_all(self) -> None:
        for place in self.places:
            self.read(place)

    def __call__(self) -> None:
        self.net.eval()
        scores = []
        with torch.no_grad():
            for start in range(0, len(self.places), self.batch_size):
                batch = torch.stack([self.read(place) for place in self.places[start : start + self.batch_size]])
                scores.append(F.softmax(self.net(batch), dim=1)[:, 1])
        best = torch.cat(scores).view(self.bags, -1).argmax(dim=1)
        per_bag = len(self.places) // self.bags
        self.net.train()
        batch = torch.stack([self.read(self.places[bag * per_bag + int(at)]) for bag, at in enumerate(best)])
        labels = torch.arange(self.bags) % 2
        loss = F.cross_entropy(self.net(batch), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


class PatchGan(nn.Sequential):
    """The discriminator of 70 × 70 patches (Isola et al. 2017), 2,764,737 parameters."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1), nn.LeakyReLU(0.2, True)]
        for channels, following, stride in ((64, 128, 2), (128, 256, 2), (256, 512, 1)):
            layers += [nn.Conv2d(channels, following, 4, stride, 1), nn.InstanceNorm2d(following)]
            layers += [nn.LeakyReLU(0.2, True)]
        super().__init__(*layers, nn.Conv2d(512, 1, 4, 1, 1))


class EagerCycleGan:
    """One training step after another, in float32."""

    def __init__(self, classic: bool, a: Pixels, b: Pixels) -> None:
        self.classic, self.a, self.b = classic, to_images(a), to_images(b)

        def generator() -> nn.Module:
            return eager(Generator(3, 64, 9) if classic else Generator(4, 64, 1))

        def discriminator() -> nn.Module:
            return PatchGan() if classic else eager(Discriminator(4))

        self.g_ab, self.g_ba, self.d_a, self.d_b = generator(), generator(), discriminator(), discriminator()
        self.optimizer_g = torch.optim.Adam([*self.g_ab.parameters(), *self.g_ba.parameters()], 1e-4, (0.5, 0.999))
        self.optimizer_d = torch.optim.Adam([*self.d_a.parameters(), *self.d_b.parameters()], 1e-4, (0.5, 0.999))

    def conditioned(self, images: Tensor) -> Tensor:
        if self.classic:
            return images
        return torch.cat([images, torch.ones_like(images[:, :1])], dim=1)

    def __call__(self) -> None:
        a, b = self.a, self.b
        discriminators = [*self.d_a.parameters(), *self.d_b.parameters()]
        for parameter in discriminators:
            parameter.requires_grad_(False)
        self.optimizer_g.zero_grad()
        fake_b, fake_a = self.g_ab(self.conditioned(a)), self.g_ba(self.conditioned(b))
        back_a, back_b = self.g_ba(self.conditioned(fake_b)), self.g_ab(self.conditioned(fake_a))
        judged_b, judged_a = self.d_b(self.conditioned(fake_b)), self.d_a(self.conditioned(fake_a))
        loss = F.mse_loss(judged_b, torch.ones_like(judged_b)) + F.mse_loss(judged_a, torch.ones_like(judged_a))
        loss = loss + 10 * (F.l1_loss(back_a, a) + F.l1_loss(back_b, b))
        if self.classic:
            loss = loss + 5 * (F.l1_loss(self.g_ab(b), b) + F.l1_loss(self.g_ba(a), a))
        loss.backward()
        self.optimizer_g.step()
        for parameter in discriminators:
            parameter.requires_grad_(True)
        self.optimizer_d.zero_grad()
        for net, real, fake in ((self.d_a, a, fake_a), (self.d_b, b, fake_b)):
            right, wrong = net(self.conditioned(real)), net(self.conditioned(fake.detach()))
            judged = F.mse_loss if self.classic else F.binary_cross_entropy_with_logits
            half = 0.5 * (judged(right, torch.ones_like(right)) + judged(wrong, torch.zeros_like(wrong)))
            half.backward()
        self.optimizer_d.step()
