"""Where and how precisely to compute."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from training.learning.config import RunConfig
from training.learning.errors import ConfigError, OutOfMemory
from training.learning.parallel import ALONE, Group, join


@dataclass(frozen=True)
class Compute:
    """A device, a number format for forward passes, and CPU threads."""

    device: torch.device
    precision: str
    threads: int
    group: Group = ALONE

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """Run forward passes in bfloat16 where that is chosen."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            yield

    def describe(self) -> dict[str, str | int]:
        """Return what the report says of the machine."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu"
        said: dict[str, str | int] = {"device": name, "precision": self.precision, "threads": self.threads}
        return said | {"processes": self.group.size, "torch": torch.__version__}

    @contextmanager
    def memory_errors(self, batch: str) -> Iterator[None]:
        """Turn an out-of-memory error into one line that says what to make smaller."""
        try:
            yield
        except torch.OutOfMemoryError:
            free, total = torch.cuda.mem_get_info(self.device)
            raise OutOfMemory(
                f"The GPU ran out of memory with {batch}: {free / 2**30:.1f} of {total / 2**30:.1f} GiB are free. "
                "Make the batch smaller, or free the GPU, and resume the run."
            ) from None
        except RuntimeError as error:
            if "can't allocate memory" not in str(error):
                raise
            raise OutOfMemory(
                f"The machine ran out of memory with {batch}. Make the batch smaller, or end other programs, and "
                "resume the run."
            ) from None


def prepare(config: RunConfig) -> Compute:
    """Choose the device and set the number of threads of this process."""
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device is 'cuda', but torch finds no CUDA device here; expected 'auto' or 'cpu'.")
    cuda = config.device != "cpu" and torch.cuda.is_available()
    if config.threads:
        torch.set_num_threads(config.threads)
    group = join(cuda)
    device = torch.device("cuda", torch.cuda.current_device()) if cuda else torch.device("cpu")
    if not cuda:
        _keep_freed_memory()
    precision = config.precision
    if precision == "auto":
        precision = "bf16" if _bf16_is_fast(device) else "fp32"
    return Compute(device, precision, torch.get_num_threads(), group)


def _keep_freed_memory() -> None:
    """Let glibc keep what is freed for what is asked for next; elsewhere, do nothing.

    By itself it gives large pieces back to the system at once, which clears them anew, page by page, for every layer: a
    fifth of the time that scoring takes.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h.
    mallopt(-1, 2**31 - 1)
    mallopt(-3, 2**30)


def _bf16_is_fast(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware; CPUs without that emulate it slowly."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
