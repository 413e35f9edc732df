"""The CycleGAN's convolutions and norms, made fast for float32 on a CPU.

torch's own convolutions reach the processor's peak with channels-last pictures, forwards and towards the input, but
lose half of it or more where the picture has three channels, and in the gradient of the weights. Here

- pictures stay channels-last from layer to layer, norms included;
- the gradient of the weights is a few large matrix products;
- a 7 × 7 kernel to few channels becomes one of 7 × 1 to seven times as many, whose columns are then added up;
- 3 × 3 kernels that keep the size are computed by Winograd's F(4 × 4, 3 × 3), a quarter of the multiplications
  (Lavin & Gray 2015).

The numbers are those of torch's layers up to rounding; parameters and their names are the same. Everywhere else (on a
GPU, in bfloat16, on small pictures) the layers are torch's. x and y are float32 [B, C, H, W], channels-last in memory,
so that `_pixels` sees them as rows of channels without copying.
"""

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
                return _winograd(x, self.weight, self.bias)
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
        alone = [F.batch_norm(each, None, None, training=True, eps=self.eps) for each in x[:, None]]
        y = alone[0] if len(alone) == 1 else torch.cat(alone)
        if y.requires_grad:
            # torch 2.13's way back through a channels-last norm is wrong where the gradient lies otherwise in memory.
            y.register_hook(_in_channels_last)  # type: ignore[no-untyped-call]
        return y


def _in_channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def _is_fast(x: Tensor, channels: int) -> bool:
    """Whether a layer of so many channels is faster here than torch's own."""
    in_float32 = x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return x.device.type == "cpu" and in_float32 and channels * x.shape[2] * x.shape[3] >= LARGE


def _pixels(x: Tensor) -> Tensor:
    """Return [B, C, H, W] as [B, H, W, C], contiguous: a view where x is channels-last."""
    return x.permute(0, 2, 3, 1).contiguous()


def _picture(pixels: Tensor) -> Tensor:
    return pixels.permute(0, 3, 1, 2)


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
            of_bias = _pixels(gradient).sum(dim=(0, 1, 2))
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
        pixels = _pixels(x)
        halved[:, :-1, 1:, 0] = pixels[:, ::2, 1::2]
        halved[:, 1:, 1:, 1] = pixels[:, 1::2, 1::2]
        halved[:, 1:, :-1, 2] = pixels[:, 1::2, ::2]
        halved[:, :-1, :-1, 3] = pixels[:, ::2, ::2]
        places = halved.view(-1, 4 * channels)
        padded = F.pad(_pixels(y), (0, 0, 0, 1, 0, 1)).view(-1, kernels)  # in the frame of the halved picture
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
        pixels = _pixels(parts)
        x = pixels[:, :, :width, :channels]
        for at in range(1, 7):
            x = x + pixels[:, :, at : at + width, at * channels : (at + 1) * channels]
        return _picture(x if bias is None else x + bias)

    @staticmethod
    def kernel_gradient(x: Tensor, y: Tensor) -> Tensor:
        """Return it as one matrix product for every few rows: each place of y with the 49 pixels of x around it."""
        (batch, channels, height, width), (_, kernels, *_) = x.shape, y.shape
        padded, gradient = F.pad(_pixels(x), (0, 0, 3, 3, 3, 3)), _pixels(y)
        found = x.new_zeros(kernels, 49 * channels)
        # [B, H, W, 7 rows, 7c]: the seven pixels of a row lie side by side.
        picture, row, column, one = padded.stride()
        around = padded.as_strided((batch, height, width, 7, 7 * channels), (picture, row, column, row, one))
        for number in range(batch):
            for top in range(0, height, _Wide.ROWS):
                some = slice(top, top + _Wide.ROWS)
                unfolded = around[number, some].reshape(-1, 49 * channels)
                found.addmm_(gradient[number, some].flatten(0, 1).t(), unfolded)
        return found.view(kernels, 7, 7, channels).permute(0, 3, 1, 2)


# Winograd's F(4 × 4, 3 × 3): what turns a row of six pixels, of three weights, and of six products.
_OF_PIXELS: list[list[float]] = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
_OF_WEIGHTS: list[list[float]] = [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]
_OF_PRODUCTS: list[list[float]] = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]


def _of_squares(rows: list[list[float]]) -> Tensor:
    """Return the matrix that does to squares, row by row, what `rows` does to rows and columns."""
    matrix = torch.tensor(rows, dtype=torch.float32)
    return torch.kron(matrix, matrix)


PIXELS, WEIGHTS, PRODUCTS = _of_squares(_OF_PIXELS), _of_squares(_OF_WEIGHTS), _of_squares(_OF_PRODUCTS)


def _paired(x: Tensor, kernel: Tensor, bias: Tensor | None, pair: type[_Pair], adjoint: bool) -> Tensor:
    y: Tensor = _Paired.apply(x, kernel, bias, pair, adjoint)  # type: ignore[no-untyped-call]
    return y


def _winograd(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    y: Tensor = _Winograd.apply(x, kernel, bias)  # type: ignore[no-untyped-call]
    return y


class _Winograd(torch.autograd.Function):
    """x [B, C, H, W] to y [B, K, H, W] with a kernel [K, C, 3, 3]: 36 matrix products for tiles of 4 × 4 pixels."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        batch, channels, height, width = x.shape
        kernels, down, right = len(kernel), -(-height // 4), -(-width // 4)
        padded = F.pad(_pixels(x), (0, 0, 1, 4 * right + 1 - width, 1, 4 * down + 1 - height))
        picture, row, column, one = padded.stride()
        tiles = padded.as_strided(
            (6, 6, batch, down, right, channels), (row, column, picture, 4 * row, 4 * column, one)
        ).reshape(36, -1)
        pixels = (PIXELS @ tiles).view(36, -1, channels)
        weights = (WEIGHTS @ kernel.permute(2, 3, 0, 1).reshape(9, -1)).view(36, kernels, channels)
        ctx.save_for_backward(pixels, weights)
        ctx.shape = x.shape
        products = torch.bmm(pixels, weights.transpose(1, 2))
        made = (PRODUCTS @ products.view(36, -1)).view(4, 4, batch, down, right, kernels)
        whole = made.permute(2, 3, 0, 4, 1, 5).reshape(batch, 4 * down, 4 * right, kernels)[:, :height, :width]
        return _picture(whole.contiguous() if bias is None else whole + bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        pixels, weights = ctx.saved_tensors
        batch, channels, height, width = ctx.shape
        kernels, down, right = weights.shape[1], -(-height // 4), -(-width // 4)
        rows = _pixels(gradient)
        of_bias = rows.sum(dim=(0, 1, 2)) if ctx.needs_input_grad[2] else None
        rows = F.pad(rows, (0, 0, 0, 4 * right - width, 0, 4 * down - height))
        made = rows.view(batch, down, 4, right, 4, kernels).permute(2, 4, 0, 1, 3, 5).reshape(16, -1)
        products = (PRODUCTS.t() @ made).view(36, -1, kernels)
        of_x = of_kernel = None
        if ctx.needs_input_grad[0]:
            tiles = (PIXELS.t() @ torch.bmm(products, weights).view(36, -1)).view(6, 6, batch, down, right, channels)
            # A tile's last two rows and columns lie on the first two of the next tile.
            whole = rows.new_zeros(batch, down + 1, 4, right + 1, 4, channels)
            for below, high in ((0, slice(0, 4)), (1, slice(4, 6))):
                for beside, broad in ((0, slice(0, 4)), (1, slice(4, 6))):
                    part = tiles[high, broad].permute(2, 3, 0, 4, 1, 5)
                    whole[:, below : below + down, : part.shape[2], beside : beside + right, : part.shape[4]] += part
            whole = whole.view(batch, 4 * down + 4, 4 * right + 4, channels)
            of_x = _picture(whole[:, 1 : height + 1, 1 : width + 1].contiguous())
        if ctx.needs_input_grad[1]:
            of_weights = torch.bmm(products.transpose(1, 2), pixels).view(36, -1)
            of_kernel = (WEIGHTS.t() @ of_weights).view(3, 3, kernels, channels).permute(2, 3, 0, 1)
        return of_x, of_kernel, of_bias
