"""The class as an additional channel of the input patch (Xu et al. 2020; Mirza & Osindero 2014).

A class is a float32 number in [-1, 1]: -1 normal, +1 tumour. Images are float32 [B, 3, H, W] in [-1, 1].
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def with_class(images: Tensor, classes: Tensor | None) -> Tensor:
    """Append the class of each image as a constant plane.

    images: [B, 3, H, W]; classes: [B], a plane each, [B, H, W], or None for the ablation without class. Returns
    [B, 4, H, W] or the images.
    """
    if classes is None:
        return images
    batch, _, height, width = images.shape
    plane = classes.to(images.dtype).reshape(batch, 1, *(classes.shape[1:] or (1, 1))).expand(batch, 1, height, width)
    return torch.cat([images, plane], dim=1)


def class_values(
    tumor_prob: npt.NDArray[np.float32],
    tissue_share: npt.NDArray[np.float32],
    threshold: float,
    background_share: float,
    soft: bool = False,
) -> npt.NDArray[np.float32]:
    """Turn the classifier's probabilities into classes, [N] each.

    Patches with less tissue than `background_share` are normal whatever the classifier says: background was removed
    from what it learnt from. `soft` keeps the probability, as 2p - 1.
    """
    classes = 2 * tumor_prob - 1 if soft else np.where(tumor_prob >= threshold, 1.0, -1.0)
    return np.where(tissue_share < background_share, -1.0, classes).astype(np.float32)


def to_images(pixels: npt.NDArray[np.uint8] | Tensor) -> Tensor:
    """Turn uint8 [B, H, W, 3] RGB into float32 [B, 3, H, W] in [-1, 1]."""
    tensor = pixels if isinstance(pixels, Tensor) else torch.from_numpy(np.ascontiguousarray(pixels))
    return tensor.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def to_pixels(images: Tensor) -> npt.NDArray[np.uint8]:
    """Turn float [B, 3, H, W] in [-1, 1] into uint8 [B, H, W, 3] RGB."""
    pixels = images.float().add(1.0).mul(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).cpu().numpy())
