"""Pictures in channels-last memory: what is [B, C, H, W] to torch is rows of channels to loops over pixels."""

import numba
import torch
from torch import Tensor


def is_float32_on_cpu(x: Tensor) -> bool:
    """Whether x is what compiled kernels take, and no other format is asked for."""
    return x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


def pixels_of(picture: Tensor) -> Tensor:
    """Return [B, C, H, W] as [B, H, W, C], contiguous: a view where the picture is channels-last."""
    return picture.permute(0, 2, 3, 1).contiguous()


def new_picture(like: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Return an uninitialised picture of so many channels and another's size, and its pixels, a view.

    What a torch.autograd.Function returns must not be a view itself, or it may not be changed in place.
    """
    batch, _, height, width = like.shape
    picture = torch.empty(batch, channels, height, width, memory_format=torch.channels_last)
    return picture, pixels_of(picture)


def use_threads_of_torch() -> None:
    """Let kernels that numba compiled use as many threads as torch does.

    Both may share one OpenMP library, so that numba, when it starts its threads, sets torch's number too: it is set
    back.
    """
    threads = torch.get_num_threads()
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]  # numba sets it when it is imported
    numba.set_num_threads(min(threads, most))
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
