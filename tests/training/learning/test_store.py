import errno
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.learning.errors import DiskFull
from training.learning.store import Pixels, open_store


class Source:
    """Two batches of patches; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Iterator[tuple[Pixels, Mapping[str, Any]]]:
        self.asked += 1
        yield np.full((2, 4, 4, 3), 7, np.uint8), {"bag": np.array([0, 0])}
        yield np.full((1, 4, 4, 3), 9, np.uint8), {"bag": np.array([1])}


def test_patches_are_decoded_once_and_read_back_from_the_map(tmp_path: Path) -> None:
    source = Source()
    for _ in range(2):
        store = open_store(tmp_path, "bags", {"manifest": "a"}, 4, source)
        assert isinstance(store.pixels, np.memmap)
        assert store.pixels[:, 0, 0, 0].tolist() == [7, 7, 9]
        assert store.table["bag"].tolist() == [0, 0, 1]
    assert source.asked == 1


def test_stores_of_different_things_share_a_folder(tmp_path: Path) -> None:
    source = Source()
    open_store(tmp_path, "bags", {"manifest": "a"}, 4, source)
    open_store(tmp_path, "bags", {"manifest": "b"}, 4, source)
    assert source.asked == 2
    open_store(tmp_path, "bags", {"manifest": "a"}, 4, source)
    assert source.asked == 2


def test_nothing_is_left_of_a_store_that_failed(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[Pixels, Mapping[str, Any]]]:
        yield np.zeros((1, 4, 4, 3), np.uint8), {"bag": np.array([0])}
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFull):
        open_store(tmp_path, "bags", {}, 4, failing)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_store_has_no_patches(tmp_path: Path) -> None:
    assert len(open_store(tmp_path, "bags", {}, 4, lambda: iter(()))) == 0
