"""Winograd's convolutions with 3 × 3 kernels that keep the size, zeros around, for float32 on a CPU.

They take a quarter of the multiplications (winograd_kernels.py says how); the numbers are those of torch's convolutions
up to rounding. Pictures are [B, C, H, W], channels-last in memory.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.learning.channels_last import is_float32_on_cpu, new_picture, pixels_of, use_threads_of_torch
from training.learning.winograd_kernels import (
    SEEN,
    TILE,
    pixels_to_planes,
    planes_to_pixels,
    planes_to_results,
    results_to_planes,
)

PLANES = SEEN * SEEN
# Bytes of planes worked on at a time where none has to be kept, so that they stay in the processor's cache.
BAND = 20e6

# Channels, and numbers in all pictures of a layer, below which torch's own convolutions are as fast.
CHANNELS, LARGE = 48, 200_000

# What turns three weights to those of six products.
_OF_WEIGHTS = [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]
# The same for squares of weights, row by row: [36, 9].
_SQUARED = torch.kron(*2 * [torch.tensor(_OF_WEIGHTS, dtype=torch.float64)]).float()


def is_fast(x: Tensor, conv: nn.Conv2d) -> bool:
    """Whether these pictures are convolved faster here than by torch."""
    if not is_float32_on_cpu(x):
        return False
    shape = (conv.kernel_size, conv.stride, conv.padding, conv.dilation, conv.groups, conv.padding_mode)
    if shape != ((3, 3), (1, 1), (1, 1), (1, 1), 1, "zeros") or min(conv.in_channels, conv.out_channels) < CHANNELS:
        return False
    return x.numel() >= LARGE


def prepared(kernel: Tensor) -> Tensor:
    """Return the weights of the products, [36, K, C], for a kernel [K, C, 3, 3]."""
    lines = kernel.permute(2, 3, 0, 1).reshape(9, -1)
    return (_SQUARED @ lines).view(PLANES, *kernel.shape[:2])


def convolved(
    x: Tensor, weights: Tensor, bias: Tensor | None, added: Tensor | None = None, rectified: bool = False
) -> Tensor:
    """Return pictures x convolved with `prepared` weights, band by band; nothing is kept for a way back.

    With `added`, pictures of the result's shape are added to it; `rectified`, nothing stays below 0.
    """
    use_threads_of_torch()
    pixels = pixels_of(x)
    _, kernels, channels = weights.shape
    y, made = new_picture(x, kernels)
    across, rows = -(-x.shape[3] // TILE), x.shape[0] * -(-x.shape[2] // TILE)
    # Where the weights are many, a band must be large too, or reading them is most of the work.
    band = max(BAND, weights.nbytes) / (4 * PLANES * (channels + kernels) * across)
    at_a_time = min(max(1, int(band)), rows)
    room, other_room = (x.new_empty(PLANES * at_a_time * across * count) for count in (channels, kernels))
    others = None if added is None else pixels_of(added)
    for first in range(0, rows, at_a_time):
        tiles = min(at_a_time, rows - first) * across
        seen = room[: PLANES * tiles * channels].view(PLANES, tiles, channels)
        products = other_room[: PLANES * tiles * kernels].view(PLANES, tiles, kernels)
        pixels_to_planes(pixels.numpy(), seen.numpy(), first)
        torch.bmm(seen, weights.transpose(1, 2), out=products)
        _finish(products, made, bias, others, rectified, first)
    return y


class Convolution(torch.autograd.Function):
    """x [B, C, H, W] to y [B, K, H, W] with a kernel [K, C, 3, 3] and a bias [K] or none."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        use_threads_of_torch()
        pixels, weights = pixels_of(x.detach()), prepared(kernel)
        batch, height, width, channels = pixels.shape
        seen = x.new_empty(PLANES, batch * -(-height // TILE) * -(-width // TILE), channels)
        pixels_to_planes(pixels.numpy(), seen.numpy(), 0)
        ctx.save_for_backward(seen, weights)
        y, made = new_picture(x, len(kernel))
        _finish(torch.bmm(seen, weights.transpose(1, 2)), made, bias, None, False, 0)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        use_threads_of_torch()
        seen, weights = ctx.saved_tensors
        pixels = pixels_of(gradient)
        products = seen.new_empty(*seen.shape[:2], weights.shape[1])
        results_to_planes(pixels.numpy(), products.numpy())
        of_x = of_kernel = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x, of_pixels = new_picture(gradient, weights.shape[2])
            planes_to_pixels(torch.bmm(products, weights).numpy(), of_pixels.zero_().numpy())
        if ctx.needs_input_grad[1]:
            of_weights = torch.bmm(products.transpose(1, 2), seen).view(PLANES, -1)
            of_kernel = (_SQUARED.t() @ of_weights).view(3, 3, *weights.shape[1:]).permute(2, 3, 0, 1)
        if ctx.needs_input_grad[2]:
            of_bias = pixels.sum(dim=(0, 1, 2))
        return of_x, of_kernel, of_bias


def _finish(
    products: Tensor, made: Tensor, bias: Tensor | None, added: Tensor | None, rectified: bool, first: int
) -> None:
    """Write what is made of the products, those of the rows of tiles from `first` on, to pixels [B, H, W, K]."""
    plus = np.zeros(made.shape[3], np.float32) if bias is None else bias.detach().numpy()
    others = np.empty((0, 0, 0, 0), np.float32) if added is None else added.numpy()
    planes_to_results(products.numpy(), made.numpy(), plus, others, rectified, first)
