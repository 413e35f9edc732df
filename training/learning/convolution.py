"""The CycleGAN's convolutions and norms, made fast for float32 on a CPU.

torch's own convolutions reach the processor's peak with channels-last pictures, forwards and towards the input, but
lose half of it or more where the picture has three channels, and in the gradient of the weights. Here

- pictures stay channels-last from layer to layer, norms included;
- the gradient of the weights is a few large matrix products;
- a 7 × 7 kernel to few channels becomes one of 7 × 1 to seven times as many, whose columns are then added up;
- 3 × 3 kernels that keep the size are computed by Winograd's F(4 × 4, 3 × 3), a quarter of the multiplications
  (winograd.py).

The numbers are those of torch's layers up to rounding; parameters and their names are the same. Everywhere else (on a
GPU, in bfloat16, on small pictures) the layers are torch's. x and y are float32 [B, C, H, W], channels-last in memory,
so that `pixels_of` sees them as rows of channels without copying.
"""

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.learning import winograd
from training.learning.channels_last import is_float32_on_cpu, new_picture, pixels_of, use_threads_of_torch
from training.learning.layer_kernels import blend, moments, scale

# Numbers in a picture of a layer below which torch's own layers are as fast: 16 channels of 112 × 112 pixels.
LARGE = 200_000
# torch 2.13 writes past its buffers in channels-last convolutions to other numbers of channels on CPUs with AVX2.
EIGHT = 8


class Conv2d(nn.Conv2d):
    """torch's layer; fast for the kernels of Table 2: 7 × 7, 3 × 3 with stride 2, and 3 × 3."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of x."""
        few, many = sorted((self.in_channels, self.out_channels))
        if many % EIGHT == 0 and self.padding_mode == "zeros" and _is_fast(x, many):
            shape = (self.kernel_size, self.stride, self.padding)
            if shape == ((7, 7), (1, 1), (3, 3)) and few < EIGHT:
                if self.in_channels == few:
                    return _paired(x, self.weight, self.bias, _Wide, False)
                return _paired(x, self.weight.transpose(0, 1).flip(2, 3), self.bias, _Wide, True)
            if shape == ((3, 3), (2, 2), (1, 1)) and few % EIGHT == x.shape[2] % 2 == x.shape[3] % 2 == 0:
                return _paired(x, self.weight, self.bias, _Halving, False)
            if shape == ((3, 3), (1, 1), (1, 1)) and few % EIGHT == 0:
                return _keeping(x, self.weight, self.bias)
        y: Tensor = super().forward(x.contiguous())
        return y


class ConvTranspose2d(nn.ConvTranspose2d):
    """torch's layer; fast for the kernels of Table 2, 3 × 3 that double the size."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return the transposed convolution of x."""
        shape = (self.kernel_size, self.stride, self.padding, self.output_padding)
        doubles = shape == ((3, 3), (2, 2), (1, 1), (1, 1))
        if doubles and self.in_channels % EIGHT == self.out_channels % EIGHT == 0 and _is_fast(x, self.in_channels):
            return _paired(x, self.weight, self.bias, _Halving, True)
        y: Tensor = super().forward(x.contiguous(), output_size)
        return y


class InstanceNorm2d(nn.InstanceNorm2d):
    """torch's layer without parameters; it leaves channels-last pictures channels-last."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x, each channel of each picture with mean 0 and deviation 1."""
        if not _is_fast(x, x.shape[1]) or not x.is_contiguous(memory_format=torch.channels_last):
            y: Tensor = super().forward(x)
            return y
        y = _Normalized.apply(x, self.eps)  # type: ignore[no-untyped-call]
        return y


def _is_fast(x: Tensor, channels: int) -> bool:
    """Whether a layer of so many channels is faster here than torch's own."""
    return is_float32_on_cpu(x) and channels * x.shape[2] * x.shape[3] >= LARGE


class _Pair(Protocol):
    """A linear map of pictures, its adjoint, and the gradient of its kernel: <y, forwards(x, k)>'s by k."""

    @staticmethod
    def forwards(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor: ...

    @staticmethod
    def backwards(y: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor: ...

    @staticmethod
    def kernel_gradient(x: Tensor, y: Tensor) -> Tensor: ...


class _Paired(torch.autograd.Function):
    """A layer that is a pair's map or, if `adjoint`, its adjoint; each is the other's way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, bias: Tensor | None, pair: type[_Pair], adjoint: bool) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        ctx.save_for_backward(x, kernel)
        ctx.pair, ctx.adjoint = pair, adjoint
        return (pair.backwards if adjoint else pair.forwards)(x, kernel, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, kernel = ctx.saved_tensors
        pair, adjoint = ctx.pair, ctx.adjoint
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        of_x = of_kernel = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = (pair.forwards if adjoint else pair.backwards)(gradient, kernel, None)
        if ctx.needs_input_grad[1]:
            of_kernel = pair.kernel_gradient(*((gradient, x) if adjoint else (x, gradient)))
        if ctx.needs_input_grad[2]:
            of_bias = pixels_of(gradient).sum(dim=(0, 1, 2))
        return of_x, of_kernel, of_bias, None, None


class _Halving:
    """x [B, C, 2h, 2w] to y [B, K, h, w] with a kernel [K, C, 3, 3], stride 2; the adjoint doubles."""

    @staticmethod
    def forwards(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv2d(x, kernel, bias, 2, 1)

    @staticmethod
    def backwards(y: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv_transpose2d(y, kernel, bias, 2, 1, 1)

    @staticmethod
    def kernel_gradient(x: Tensor, y: Tensor) -> Tensor:
        """Return it as four matrix products, one for each step, 0 or 1 down and right, from a place in y.

        Halved x, [h + 1, w + 1], holds in each place the four pixels that it is made of, in an order in which those
        that a step needs lie side by side: (1, 0), (0, 0), (0, 1), (1, 1), rows and columns counted from the padding.
        """
        (batch, channels, height, width), (_, kernels, *_) = x.shape, y.shape
        high, broad = height // 2 + 1, width // 2 + 1
        halved = x.new_empty(batch, high, broad, 4, channels)
        # Pixel 0 of x lies in row 1 after the padding, so in the second row of the first place.
        halved[:, -1, :, :2], halved[:, 0, :, 1:3], halved[:, -1, :, 3] = 0, 0, 0
        halved[:, :, 0, :2], halved[:, :, -1, 2:] = 0, 0
        pixels = pixels_of(x)
        halved[:, :-1, 1:, 0] = pixels[:, ::2, 1::2]
        halved[:, 1:, 1:, 1] = pixels[:, 1::2, 1::2]
        halved[:, 1:, :-1, 2] = pixels[:, 1::2, ::2]
        halved[:, :-1, :-1, 3] = pixels[:, ::2, ::2]
        places = halved.view(-1, 4 * channels)
        padded = F.pad(pixels_of(y), (0, 0, 0, 1, 0, 1)).view(-1, kernels)  # in the frame of the halved picture
        found = x.new_empty(3, 3, kernels, channels)
        steps = (
            (0, slice(0, 4), ((1, 0), (0, 0), (0, 1), (1, 1))),
            (1, slice(0, 2), ((1, 2), (0, 2))),
            (broad, slice(1, 3), ((2, 0), (2, 1))),
            (broad + 1, slice(1, 2), ((2, 2),)),
        )
        for step, some, cells in steps:
            chosen = places[step:, some.start * channels : some.stop * channels]
            product = padded[: len(padded) - step].t() @ chosen
            for number, (row, column) in enumerate(cells):
                found[row, column] = product[:, number * channels : (number + 1) * channels]
        return found.permute(2, 3, 0, 1)


class _Wide:
    """x of few channels [B, c, H, W] to y of many [B, K, H, W] with a kernel [K, c, 7, 7]; the adjoint goes back."""

    ROWS = 16  # of a picture that are unfolded at a time, so that they stay in the processor's cache

    @staticmethod
    def forwards(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv2d(x, kernel, bias, 1, 3)

    @staticmethod
    def backwards(y: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve down the columns to 7c channels, one set for each column of the kernel, then add the sets up."""
        channels, width = kernel.shape[1], y.shape[3]
        sets = kernel.flip(2, 3).permute(3, 1, 0, 2).flatten(0, 1)[..., None]  # [7c, K, 7, 1]
        spare = -len(sets) % EIGHT
        parts = F.conv2d(y, F.pad(sets, (0, 0, 0, 0, 0, 0, 0, spare)), None, 1, 3)  # [B, 7c + spare, H, W + 6]
        pixels = pixels_of(parts)
        x = pixels[:, :, :width, :channels]
        for at in range(1, 7):
            x = x + pixels[:, :, at : at + width, at * channels : (at + 1) * channels]
        return (x if bias is None else x + bias).permute(0, 3, 1, 2)

    @staticmethod
    def kernel_gradient(x: Tensor, y: Tensor) -> Tensor:
        """Return it as a matrix product for every few rows: each place of y with the 49 pixels of x around it."""
        (batch, channels, height, width), (_, kernels, *_) = x.shape, y.shape
        padded, gradient = F.pad(pixels_of(x), (0, 0, 3, 3, 3, 3)), pixels_of(y)
        found = x.new_zeros(2, 49 * channels, kernels)
        # [B, H, W, 7 rows, 7c]: the seven pixels of a row lie side by side.
        picture, row, column, one = padded.stride()
        around = padded.as_strided((batch, height, width, 7, 7 * channels), (picture, row, column, row, one))
        for number in range(batch):
            for top in range(0, height, _Wide.ROWS):
                some = slice(top, top + _Wide.ROWS)
                unfolded = around[number, some].reshape(-1, 49 * channels)
                given = gradient[number, some].reshape(-1, kernels)
                # Small products of two halves, side by side, are faster than one that threads have to share.
                halves = 2 - len(given) % 2
                found[:halves].baddbmm_(
                    unfolded.view(halves, -1, 49 * channels).transpose(1, 2), given.view(halves, -1, kernels)
                )
        return found.sum(dim=0).view(7, 7, channels, kernels).permute(3, 2, 0, 1)


def _paired(x: Tensor, kernel: Tensor, bias: Tensor | None, pair: type[_Pair], adjoint: bool) -> Tensor:
    y: Tensor = _Paired.apply(x, kernel, bias, pair, adjoint)  # type: ignore[no-untyped-call]
    return y


def _keeping(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    if torch.is_grad_enabled():
        y: Tensor = winograd.Convolution.apply(x, kernel, bias)  # type: ignore[no-untyped-call]
        return y
    return winograd.convolved(x, winograd.prepared(kernel), bias)


class _Normalized(torch.autograd.Function):
    """x [B, C, H, W] with mean 0 and deviation 1 in each channel of each picture."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float) -> Tensor:
        use_threads_of_torch()
        pixels = pixels_of(x.detach())
        flat = pixels.flatten(1, 2).numpy()
        near = flat[:, 0]
        sums, squares = moments(flat, flat, near, near) / flat.shape[1]
        factor = 1 / np.sqrt(squares - sums**2 + eps)
        ctx.mean, ctx.factor = (near + sums).astype(np.float32), factor.astype(np.float32)
        ctx.save_for_backward(x)
        y, made = new_picture(x, x.shape[1])
        scale(flat, ctx.factor, (-ctx.mean * factor).astype(np.float32), made.flatten(1, 2).numpy())
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        use_threads_of_torch()
        (x,) = ctx.saved_tensors
        pixels, given = pixels_of(x.detach()), pixels_of(gradient)
        flat, flat_given = pixels.flatten(1, 2).numpy(), given.flatten(1, 2).numpy()
        sums, products = moments(flat_given, flat, np.zeros_like(ctx.mean), ctx.mean) / flat.shape[1]
        of_x = (-products * ctx.factor**3).astype(np.float32)
        offset = (-sums * ctx.factor - of_x * ctx.mean).astype(np.float32)
        found, made = new_picture(x, x.shape[1])
        blend(flat_given, flat, ctx.factor, of_x, offset, made.flatten(1, 2).numpy())
        return found, None
