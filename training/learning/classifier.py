"""A trained MIL classifier in use: tumour probabilities of instances."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.learning.checkpoint import expect, load, load_weights
from training.learning.compute import Compute
from training.learning.config import MilConfig
from training.learning.data import reduce_pixels
from training.learning.errors import CheckpointError, ConfigError
from training.learning.files import sha256_of
from training.learning.folding import CPU_BATCH, for_scoring
from training.learning.networks import ResNet
from training.learning.store import Pixels

# Mean and deviation of the input in [0, 1]; the first are Campanella et al. 2019's.
_SCALING = {
    "campanella": ((0.5, 0.5, 0.5), (0.1, 0.1, 0.1)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def build_network(config: MilConfig) -> ResNet:
    """Build the classifier that the configuration describes: ResNet34 unless it is made smaller."""
    return ResNet(classes=2, width=config.width, stages=config.stages)


def to_input(pixels: Pixels | Tensor, normalization: str, device: torch.device) -> Tensor:
    """Turn uint8 [B, H, W, 3] into the network's input, float32 [B, 3, H, W], channels-last."""
    mean, deviation = (torch.tensor(values, device=device) for values in _SCALING[normalization])
    tensor = pixels if isinstance(pixels, Tensor) else torch.from_numpy(np.ascontiguousarray(pixels))
    return tensor.to(device).float().div_(255.0).sub_(mean).div_(deviation).permute(0, 3, 1, 2)


def at(pixels: Pixels | Tensor, index: npt.NDArray[np.int64]) -> Pixels | Tensor:
    """Return the instances at `index`, wherever they are held."""
    return pixels[torch.from_numpy(index).to(pixels.device)] if isinstance(pixels, Tensor) else pixels[index]


@torch.inference_mode()
def tumor_probabilities(
    net: nn.Module,
    pixels: Pixels | Tensor,
    index: npt.NDArray[np.int64],
    normalization: str,
    batch_size: int,
    compute: Compute,
    tick: Callable[[], None] = lambda: None,
) -> npt.NDArray[np.float32]:
    """Return the tumour probability of the instances at `index`, [len(index)].

    pixels: uint8 [N, side, side, 3] of the network's own size; `tick` is called after each batch.
    """
    net.eval()
    parts = []
    at_a_time = CPU_BATCH if compute.device.type == "cpu" else batch_size
    for start in range(0, len(index), batch_size):
        batch = to_input(at(pixels, index[start : start + batch_size]), normalization, compute.device)
        with compute.memory_errors(f"{len(batch)} instances at a time"), compute.autocast():
            logits = [net(batch[first : first + at_a_time]) for first in range(0, len(batch), at_a_time)]
        parts.append(torch.cat(logits).float().softmax(dim=1)[:, 1])
        tick()
    return torch.cat(parts).cpu().numpy() if parts else np.empty(0, np.float32)


@dataclass(frozen=True)
class Classifier:
    """A classifier with what it was trained for: its stain, resolution and threshold."""

    net: ResNet
    config: MilConfig
    stain: str
    target_mpp: float
    patch_px: int
    instance_px: int
    threshold: float
    sha256: str
    compute: Compute

    def probabilities(self, pixels: Pixels, batch_size: int = 128) -> npt.NDArray[np.float32]:
        """Return the tumour probability of each instance of uint8 [N, instance_px, instance_px, 3], [N]."""
        parts = [np.empty(0, np.float32)]
        for start in range(0, len(pixels), batch_size):
            batch = reduce_pixels(pixels[start : start + batch_size], self.config.input_reduction)
            whole = np.arange(len(batch))
            parts.append(
                tumor_probabilities(self.net, batch, whole, self.config.normalization, batch_size, self.compute)
            )
        return np.concatenate(parts)

    @torch.inference_mode()
    def features(self, pixels: Pixels, batch_size: int = 128) -> npt.NDArray[np.float32]:
        """Return what the last layer reads, [N, D], of uint8 [N, instance_px, instance_px, 3]."""
        parts = []
        for start in range(0, len(pixels), batch_size):
            batch = reduce_pixels(pixels[start : start + batch_size], self.config.input_reduction)
            with self.compute.memory_errors(f"{len(batch)} instances at a time"), self.compute.autocast():
                found = self.net.features(to_input(batch, self.config.normalization, self.compute.device))
            parts.append(found.float().cpu().numpy())
        return np.concatenate(parts)


def load_classifier(path: Path, compute: Compute, **expected: Any) -> Classifier:
    """Load a MIL checkpoint; `expected` names metadata that it must carry, such as stain="HE".

    Raises:
        CheckpointError: damaged, of another kind, or made for something else.
    """
    metadata, tensors = load(path, "mil")
    for key, value in expected.items():
        expect(path.name, key, metadata.get(key), value)
    try:
        config = MilConfig.from_dict(metadata["config"])
        with torch.device("meta"):
            net = build_network(config)
        load_weights(net, tensors, "classifier.", path.name)
        return Classifier(
            for_scoring(net.to(compute.device)),
            config,
            str(metadata["stain"]),
            float(metadata["target_mpp"]),
            int(metadata["patch_px"]),
            int(metadata["instance_px"]),
            float(metadata["threshold"]),
            sha256_of(path),
            compute,
        )
    except (KeyError, TypeError, ValueError, ConfigError) as broken:
        raise CheckpointError(f"{path.name} lacks what a classifier needs ({broken}); train it again.") from None
