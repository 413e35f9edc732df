"""Checkpoints (weights that others use) and the resume state of a run, both as safetensors with a JSON header.

Nothing is ever unpickled. What is loaded is compared with what is expected first, name by name and shape by shape,
so a damaged, foreign or hostile file ends in one CheckpointError.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_bytes
from safetensors.torch import save as save_bytes
from torch import Tensor, nn

from training.learning.errors import CheckpointError
from training.learning.events import finite
from training.learning.files import sha256_of, write_whole
from training.learning.header import FORMAT, read_metadata

CODE_VERSION = "0.1.0"


@dataclass(frozen=True)
class Saved:
    """A file that was written."""

    path: Path
    sha256: str
    size_bytes: int


def save(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> Saved:
    """Write tensors with their metadata, whole or not at all."""
    # One key only: safetensors writes several in random order, and equal checkpoints must be equal files.
    header = {FORMAT: json.dumps(finite(metadata), allow_nan=False)}
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(path, save_bytes(kept, header))
    return Saved(path, sha256_of(path), path.stat().st_size)


def load(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return metadata and tensors of a file of ours.

    Raises:
        CheckpointError: the file is missing, damaged, not ours, of another kind, or holds numbers that are not finite.
    """
    try:
        content = path.read_bytes()
        metadata = read_metadata(content, path.name)
        tensors = load_bytes(content)
    except OSError as missing:
        raise CheckpointError(f"The checkpoint {path} cannot be read ({missing.strerror}).") from None
    except (SafetensorError, ValueError) as broken:
        raise CheckpointError(f"{path.name} is damaged ({broken}); copy it again or train again.") from None
    expect(path.name, "kind", metadata.get("kind"), kind)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise CheckpointError(f"{path.name}: {name} holds numbers that are not finite; use an earlier epoch.")
    return metadata, tensors


def expect(name: str, what: str, found: object, expected: object) -> None:
    """Refuse a file that was made for something else."""
    if found != expected:
        raise CheckpointError(f"{name} does not fit: its {what} is {found!r}, expected {expected!r}.")


def load_weights(net: nn.Module, tensors: Mapping[str, Tensor], prefix: str, name: str) -> None:
    """Give a network the tensors under `prefix`, which must have exactly its names, shapes and types.

    A network built on the meta device takes the tensors themselves, so that a hostile size costs no memory.
    """
    wanted = net.state_dict()
    found = {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
    missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing:
        raise CheckpointError(f"{name} does not fit: {prefix}{missing[0]} and {len(missing) - 1} more are missing.")
    if extra:
        raise CheckpointError(f"{name} does not fit: {prefix}{extra[0]} and {len(extra) - 1} more were not expected.")
    for key, tensor in wanted.items():
        expect(name, f"shape of {prefix}{key}", tuple(found[key].shape), tuple(tensor.shape))
        expect(name, f"type of {prefix}{key}", found[key].dtype, tensor.dtype)
    net.load_state_dict(found, assign=any(tensor.is_meta for tensor in wanted.values()))


def weights_of(net: nn.Module, prefix: str) -> dict[str, Tensor]:
    """Return the network's tensors with `prefix` before their names."""
    return {prefix + key: tensor for key, tensor in net.state_dict().items()}


def optimizer_tensors(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """Return Adam's moments and step counts, named by parameter number."""
    state = optimizer.state_dict()["state"]
    return {f"{prefix}{number}.{key}": value for number, values in state.items() for key, value in values.items()}


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Put back what optimizer_tensors returned; learning rates are set by the run's schedule."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith(prefix):
            number, name = key.removeprefix(prefix).split(".")
            state.setdefault(int(number), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def random_states(rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the states of all random sources, as JSON values and as tensors."""
    version, numbers, gauss = random.getstate()
    values = {"numpy": rng.bit_generator.state, "python": [version, list(numbers), gauss]}
    tensors = {"random.torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    return values, tensors


def restore_random_states(rng: np.random.Generator, values: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Put all random sources back to where random_states found them."""
    rng.bit_generator.state = values["numpy"]
    version, numbers, gauss = values["python"]
    random.setstate((version, tuple(numbers), gauss))
    torch.set_rng_state(tensors["random.torch"])
    if torch.cuda.is_available() and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"])
