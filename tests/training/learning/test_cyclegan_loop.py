from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.learning.conftest import RecordedRun
from training.learning.config import CycleGanConfig
from training.learning.cyclegan import CycleGan
from training.learning.cyclegan_loop import Domain, Loop
from training.learning.errors import TrainingDiverged
from training.learning.run import Run
from training.learning.sampling import Sampler
from training.learning.store import Store, held_on

NewRun = Callable[[str], RecordedRun]
CONFIG = CycleGanConfig(epochs=1, steps_per_epoch=2, batch_size=3, ngf=2, ndf=2, crop_px=32, augment=True)


def _loop(run: Run, held: bool) -> Loop:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 48, 48, 3)).astype(np.uint8)
    classes = np.where(np.arange(20) % 2, 1.0, -1.0).astype(np.float32)
    domains = [
        Domain(
            Store(pixels + stain, {}),
            classes,
            Sampler(np.zeros(20, bool)),
            torch.from_numpy(pixels + stain) if held else None,
        )
        for stain in (np.uint8(0), np.uint8(9))
    ]
    return Loop(run, CONFIG, CycleGan(CONFIG, run.compute), domains, np.random.default_rng(1), {})


def test_patches_held_on_a_device_give_the_batches_of_the_store(new_run: NewRun) -> None:
    from_store, from_device = (_loop(new_run("out"), held) for held in (False, True))
    for _ in range(8):
        one, other = from_store._batch(), from_device._batch()
        assert torch.equal(one.source, other.source) and torch.equal(one.target, other.target)
        assert one.source_class is not None and torch.equal(one.source_class, other.source_class)
        assert one.source.shape == (3, 3, 32, 32)


def test_patches_stay_in_the_file_where_there_is_no_gpu() -> None:
    assert held_on(np.zeros((1, 4, 4, 3), np.uint8), torch.device("cpu")) is None


def test_a_state_with_a_loss_that_is_no_number_is_never_saved(new_run: NewRun, tmp_path: Path) -> None:
    loop = _loop(new_run("out"), False)
    loop.train(1)
    loop.save()
    saved = (tmp_path / "out/state/state.safetensors").read_bytes()
    loop.sums["cycle"] = torch.tensor(float("nan"))
    with pytest.raises(TrainingDiverged, match="cycle loss"):
        loop.save()
    assert (tmp_path / "out/state/state.safetensors").read_bytes() == saved
