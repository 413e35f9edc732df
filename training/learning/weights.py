"""Copies and averages of weights, and whether numbers are sound."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Net = TypeVar("Net", bound=nn.Module)


@torch.no_grad()
def average_weights(averaged: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the averaged copy towards the trained weights: `decay` of it stays. Running statistics move alike."""
    for kept, new in zip(averaged.state_dict().values(), net.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)


def copy_of(net: Net) -> Net:
    """Return a copy that is not trained."""
    return copy.deepcopy(net).requires_grad_(False)


def is_number(value: float | Tensor) -> bool:
    """Whether a loss is finite."""
    return bool(torch.isfinite(torch.as_tensor(value)).all())
