import numpy as np
import pytest
import torch
from torch import nn

from training.learning import winograd
from training.learning.classifier import build_network, to_input, tumor_probabilities
from training.learning.compute import Compute
from training.learning.config import MilConfig
from training.learning.folding import CPU_BATCH, Rectified, RectifiedPool, for_scoring, spare_memory
from training.learning.networks import ResNet

SMALL = MilConfig(width=8, stages=(1, 2, 1, 1))


def settled(cpu: Compute) -> tuple[ResNet, np.ndarray]:
    """Return a small network whose running statistics are those of six pictures, and the pictures."""
    torch.manual_seed(0)
    net = build_network(SMALL)
    pixels = np.random.default_rng(0).integers(0, 255, (6, 36, 36, 3), dtype=np.uint8)
    with torch.no_grad():
        for _ in range(30):
            net(to_input(pixels, "campanella", cpu.device))
    return net, pixels


@pytest.mark.parametrize("fast", [False, True])
def test_a_folded_network_says_what_the_network_says(fast: bool, cpu: Compute, monkeypatch: pytest.MonkeyPatch) -> None:
    if fast:
        monkeypatch.setattr(winograd, "CHANNELS", 0)
        monkeypatch.setattr(winograd, "LARGE", 0)
    net, pixels = settled(cpu)
    index = np.arange(6)

    folded = for_scoring(net)
    plain = tumor_probabilities(net, pixels, index, "campanella", 4, cpu)
    scored = tumor_probabilities(folded, pixels, index, "campanella", 4, cpu)

    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.modules())
    assert any(isinstance(part, nn.BatchNorm2d) for part in net.modules())
    prepared = [part.prepared is not None for part in folded.modules() if isinstance(part, Rectified)]
    assert prepared == [fast, fast, False, fast, fast, fast, False, fast, False, fast]  # those that keep the size
    assert np.abs(plain - plain[0]).max() > 1e-3
    np.testing.assert_allclose(scored, plain, atol=1e-6)


def test_a_network_that_is_to_spare_memory_prepares_no_weights(cpu: Compute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "CHANNELS", 0)
    monkeypatch.setattr(winograd, "LARGE", 0)
    net, pixels = settled(cpu)
    sparing = for_scoring(net)
    spare_memory(sparing)

    scored = tumor_probabilities(sparing, pixels, np.arange(6), "campanella", 4, cpu)

    assert all(part.prepared is None for part in sparing.modules() if isinstance(part, Rectified))
    np.testing.assert_allclose(
        scored, tumor_probabilities(for_scoring(net), pixels, np.arange(6), "campanella", 4, cpu), atol=1e-6
    )


def test_more_instances_than_a_cpu_scores_at_a_time_keep_their_order(cpu: Compute) -> None:
    net, _ = settled(cpu)
    pixels = np.random.default_rng(1).integers(0, 255, (CPU_BATCH + 5, 36, 36, 3), dtype=np.uint8)

    at_once = tumor_probabilities(for_scoring(net), pixels, np.arange(len(pixels)), "campanella", 64, cpu)
    one_by_one = tumor_probabilities(for_scoring(net), pixels, np.arange(len(pixels)), "campanella", 1, cpu)

    assert len(at_once) == CPU_BATCH + 5
    np.testing.assert_allclose(at_once, one_by_one, atol=1e-6)


@pytest.mark.parametrize("size", [(8, 8), (9, 6), (1, 5)])
def test_the_greatest_of_nine_pixels_is_rectified(size: tuple[int, int]) -> None:
    x = torch.randn(2, 16, *size, generator=torch.Generator().manual_seed(0)) - 0.5
    x = x.to(memory_format=torch.channels_last)

    assert torch.equal(RectifiedPool()(x), nn.MaxPool2d(3, 2, 1)(x.relu()))


def test_in_another_format_the_pool_is_torchs_own() -> None:
    x = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(0)).bfloat16()

    assert torch.equal(RectifiedPool()(x), nn.MaxPool2d(3, 2, 1)(x.relu()))
