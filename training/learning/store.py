"""Patches decoded once: `uint8 [N, side, side, 3]` RGB in a memory-mapped file, with a table of N rows beside it.

A store is named by what it holds (manifest, stain, split, sizes …), so several runs may share a folder of stores.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.learning.files import raise_if_full

Pixels = npt.NDArray[np.uint8]

Filler = Callable[[], Iterator[tuple[Pixels, Mapping[str, npt.NDArray[Any]]]]]


@dataclass(frozen=True)
class Store:
    """Decoded patches and their table; `pixels` is mapped, so only what is indexed is read."""

    pixels: Pixels
    table: dict[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.pixels)


def open_store(folder: Path, name: str, identity: Mapping[str, Any], side: int, fill: Filler) -> Store:
    """Open the store of this name and identity in a folder, made by `fill` if it is absent or damaged.

    `fill` yields pixels uint8 [n, side, side, 3] with columns of n rows. The store appears whole or not at all.
    """
    wanted = json.dumps({"side": side} | dict(identity), sort_keys=True)
    place = folder / f"{name}-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"
    label = place / "identity.json"
    if not label.is_file() or label.read_text() != wanted:
        # Runs that share a folder may make the same store at a time: each in its own place, the last one stands.
        part = place.with_name(f"{place.name}.{os.getpid()}.part")
        part.mkdir(parents=True, exist_ok=True)
        try:
            _fill(part, side, fill)
            (part / "identity.json").write_text(wanted)
            shutil.rmtree(place, ignore_errors=True)
            part.rename(place)
        except OSError as error:
            raise_if_full(error, place)
            raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    with np.load(place / "table.npz", allow_pickle=False) as saved:
        table = {column: saved[column] for column in saved.files}
    count = (place / "pixels.u8").stat().st_size // (side * side * 3)
    pixels: Pixels = np.empty((0, side, side, 3), np.uint8)
    if count:
        pixels = np.memmap(place / "pixels.u8", np.uint8, "r", shape=(count, side, side, 3))
    return Store(pixels, table)


def held_on(pixels: Pixels, device: torch.device) -> Tensor | None:
    """Return the patches as a tensor on the GPU where they take at most half of its free memory; None elsewhere."""
    if device.type != "cuda" or pixels.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
        return None
    return torch.from_numpy(np.asarray(pixels)).to(device)


def _fill(folder: Path, side: int, fill: Filler) -> None:
    columns: dict[str, list[npt.NDArray[Any]]] = {}
    with (folder / "pixels.u8").open("wb") as file:
        for pixels, rows in fill():
            assert pixels.dtype == np.uint8 and pixels.shape[1:] == (side, side, 3), pixels.shape
            file.write(np.ascontiguousarray(pixels).data)
            for column, values in rows.items():
                columns.setdefault(column, []).append(values)
        file.flush()
        os.fsync(file.fileno())
    np.savez(folder / "table.npz", allow_pickle=False, **{key: np.concatenate(parts) for key, parts in columns.items()})
