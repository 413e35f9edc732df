"""Several processes that train as one (torch.distributed, started by `torchrun`).

Every process draws the same random numbers for the whole batch, works on its share of it, and averages gradients with
the others, so the result is that of one process with the same batch, up to the rounding of sums. The first process
alone writes files. On CPUs the processes talk through gloo, on GPUs through NCCL.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")

# A process that waits longer than this for another gives up: decoding a data set may take the first one long.
PATIENCE = timedelta(hours=2)


@dataclass(frozen=True)
class Group:
    """The processes of a run; a group of one does nothing."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Return this process's part of `count` things, in order; parts differ by one at most."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace every gradient by its mean over the processes, in one message."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        together = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(together)
        together /= self.size
        means = torch.split(together, [each.numel() for each in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view_as(gradient))

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over the processes."""
        if self.size > 1:
            values = values.clone()
            dist.all_reduce(values)
            values /= self.size
        return values

    def gather(self, mine: Tensor) -> Tensor:
        """Return the parts of all processes, one after the other; each has the same shape, [B, …] to [size * B, …]."""
        if self.size == 1:
            return mine
        parts = [torch.empty_like(mine) for _ in range(self.size)]
        dist.all_gather(parts, mine.contiguous())
        return torch.cat(parts)

    def gather_shares(self, mine: npt.NDArray[np.float32], count: int, device: torch.device) -> npt.NDArray[np.float32]:
        """Put together what each process made of its `share` of `count` things."""
        if self.size == 1:
            return mine
        whole = torch.zeros(count, device=device)
        whole[self.share(count)] = torch.from_numpy(mine).to(device)
        dist.all_reduce(whole)
        return whole.cpu().numpy()

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether any process says yes; all of them hear the same."""
        if self.size == 1:
            return flag
        said = torch.tensor(float(flag), device=device)
        dist.all_reduce(said)
        return bool(said > 0)

    def follow(self, net: nn.Module) -> None:
        """Take over the first process's weights and running statistics."""
        if self.size > 1:
            for tensor in net.state_dict().values():
                dist.broadcast(tensor, 0)

    def in_turn(self, work: Callable[[], T]) -> T:
        """Let the first process do something that writes files, and the others do it when the files are there."""
        if not self.leads:
            self.wait()
        done = work()
        if self.leads:
            self.wait()
        return done

    def wait(self) -> None:
        """Wait for the other processes."""
        if self.size > 1:
            dist.barrier()


ALONE = Group()


def join(cuda: bool, environment: Any = os.environ) -> Group:
    """Join the processes that `torchrun` started with this one; a group of one without it."""
    size = int(environment.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    if not dist.is_initialized():
        if cuda:
            torch.cuda.set_device(int(environment.get("LOCAL_RANK", "0")))
        dist.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
    return Group(dist.get_rank(), dist.get_world_size())


def leave() -> None:
    """Leave the group, if this process is in one."""
    if dist.is_initialized():
        dist.destroy_process_group()
