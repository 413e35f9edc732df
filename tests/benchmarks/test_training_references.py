import os
from pathlib import Path

import numpy as np
import torch

from benchmarks.training_references import Apart, EagerCycleGan, PatchGan
from training.learning.networks import parameter_count

PATCHES = np.random.default_rng(0).integers(0, 255, (2, 1, 32, 32, 3), dtype=np.uint8)


def test_the_classic_discriminator_is_the_one_of_70_px_patches() -> None:
    assert parameter_count(PatchGan()) == 2_764_737
    with torch.inference_mode():
        assert PatchGan()(torch.zeros(1, 3, 224, 224)).shape == (1, 1, 26, 26)


def test_the_references_train_the_networks_that_they_say() -> None:
    ours, classic = EagerCycleGan(False, *PATCHES), EagerCycleGan(True, *PATCHES)
    assert [parameter_count(net) for net in (ours.g_ab, ours.d_a)] == [1_940_035, 1_569_985]
    assert [parameter_count(net) for net in (classic.g_ab, classic.d_a)] == [11_378_179, 2_764_737]


def test_a_step_of_a_reference_changes_all_four_networks() -> None:
    reference = EagerCycleGan(False, *PATCHES)
    nets = (reference.g_ab, reference.g_ba, reference.d_a, reference.d_b)
    before = [next(net.parameters()).clone() for net in nets]
    reference()
    assert not any(torch.equal(old, next(net.parameters())) for old, net in zip(before, nets, strict=True))


class Note:
    """A loop that writes down in which process it ran."""

    def __init__(self, path: Path) -> None:
        """Write to `path`."""
        self.path = path

    def __call__(self) -> None:
        """Add a line."""
        with self.path.open("a") as file:
            file.write(f"{os.getpid()} {torch.get_num_threads()}\n")


def test_a_reference_runs_in_a_process_of_its_own_once_a_call(tmp_path: Path) -> None:
    loop = Apart(Note, tmp_path / "notes")
    loop()
    loop()

    first, second = (tmp_path / "notes").read_text().splitlines()
    assert first == second
    assert first != f"{os.getpid()} {torch.get_num_threads()}"
    assert first.endswith(f" {torch.get_num_threads()}")
