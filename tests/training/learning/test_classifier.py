import numpy as np
import torch

from training.learning.classifier import build_network, to_input, tumor_probabilities
from training.learning.compute import Compute
from training.learning.config import MilConfig
from training.learning.folding import for_scoring

SMALL = MilConfig(width=8, stages=(1, 2, 1, 1))


def test_batch_norms_fold_into_the_convolutions_without_changing_a_probability(cpu: Compute) -> None:
    torch.manual_seed(0)
    net = build_network(SMALL)
    pixels = np.random.default_rng(0).integers(0, 255, (6, 32, 32, 3), dtype=np.uint8)
    with torch.no_grad():
        for _ in range(30):
            net(to_input(pixels, "campanella", cpu.device))  # lets the running statistics settle
    index = np.arange(6)

    folded = for_scoring(net)
    plain = tumor_probabilities(net, pixels, index, "campanella", 4, cpu)
    scored = tumor_probabilities(folded, pixels, index, "campanella", 4, cpu)

    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.modules())
    assert any(isinstance(part, torch.nn.BatchNorm2d) for part in net.modules())
    assert np.abs(plain - plain[0]).max() > 1e-3
    np.testing.assert_allclose(scored, plain, atol=1e-6)


def test_instances_held_as_a_tensor_score_as_those_in_a_file(cpu: Compute) -> None:
    torch.manual_seed(0)
    net = for_scoring(build_network(SMALL))
    pixels = np.random.default_rng(0).integers(0, 255, (6, 32, 32, 3), dtype=np.uint8)
    index = np.array([5, 0, 3])

    held = tumor_probabilities(net, torch.from_numpy(pixels), index, "campanella", 2, cpu)

    assert held.tolist() == tumor_probabilities(net, pixels, index, "campanella", 2, cpu).tolist()
    assert held.tolist() == tumor_probabilities(net, pixels[index], np.arange(3), "campanella", 2, cpu).tolist()
