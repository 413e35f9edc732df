"""A trained classifier made ready to score, which takes nearly all of the time of multiple-instance learning."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from training.learning import winograd
from training.learning.channels_last import is_float32_on_cpu, pixels_of, use_threads_of_torch
from training.learning.layer_kernels import pool_rectified
from training.learning.networks import BasicBlock, ResNet

# Instances that a CPU scores at a time: with more, layers hand on their pictures through the main memory.
CPU_BATCH = 32


def for_scoring(net: ResNet) -> ResNet:
    """Return a copy whose batch norms, which stand still while scoring, are folded into the convolutions before them.

    Its probabilities are the network's up to rounding; it cannot be trained. In channels-last memory, in which
    convolutions are fastest.
    """
    folded = copy.deepcopy(net).eval()
    parts = {"conv1": _fused(folded.conv1, folded.bn1), "bn1": nn.Identity(), "relu": nn.Identity()}
    # The greatest of nine pixels is rectified instead of all of them.
    parts["maxpool"] = RectifiedPool()
    for name, part in parts.items():
        setattr(folded, name, part)
    for stage in (folded.layer1, folded.layer2, folded.layer3, folded.layer4):
        for number, block in enumerate(stage):
            assert isinstance(block, BasicBlock)
            stage[number] = FoldedBlock(block)
    scored: ResNet = folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return scored


def spare_memory(net: nn.Module) -> None:
    """Let a folded network do without weights prepared for Winograd's way, which are four times as large as its own."""
    for part in net.modules():
        if isinstance(part, Rectified):
            part.may_prepare = False


def _fused(conv: nn.Module, norm: nn.Module) -> nn.Conv2d:
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    return fuse_conv_bn_eval(conv, norm).requires_grad_(False)


class FoldedBlock(nn.Module):
    """A residual block without norms."""

    def __init__(self, block: BasicBlock) -> None:
        """Fold the norms of a block."""
        super().__init__()
        self.first, self.second = Rectified(_fused(block.conv1, block.bn1)), Rectified(_fused(block.conv2, block.bn2))
        self.downsample = _fused(*block.downsample) if isinstance(block.downsample, nn.Sequential) else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        skip = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.second(self.first(x), skip)
        return out


class Rectified(nn.Module):
    """A convolution, a skip added to it, and ReLU, in one pass where Winograd's way is the faster one."""

    def __init__(self, conv: nn.Conv2d) -> None:
        """Take over a convolution whose weights stand still."""
        super().__init__()
        self.conv = conv
        self.may_prepare = True
        self.prepared: Tensor | None = None

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """Return relu(conv(x) + skip)."""
        if self.may_prepare and winograd.is_fast(x, self.conv):
            if self.prepared is None:
                self.prepared = winograd.prepared(self.conv.weight)
            return winograd.convolved(x, self.prepared, self.conv.bias, skip, rectified=True)
        y: Tensor = self.conv(x)
        return (y if skip is None else y.add_(skip)).relu_()


class RectifiedPool(nn.Module):
    """ReLU after the greatest of 3 × 3 pixels, at every second one."""

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H / 2, W / 2], rounded up."""
        if not is_float32_on_cpu(x):
            return nn.functional.max_pool2d(x, 3, 2, 1).relu_()
        use_threads_of_torch()
        y = torch.empty(*x.shape[:2], -(-x.shape[2] // 2), -(-x.shape[3] // 2), memory_format=torch.channels_last)
        pool_rectified(pixels_of(x).numpy(), pixels_of(y).numpy())
        return y
