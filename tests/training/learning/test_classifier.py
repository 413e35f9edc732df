import numpy as np
import torch

from training.learning.classifier import build_network, tumor_probabilities
from training.learning.compute import Compute
from training.learning.config import MilConfig
from training.learning.folding import for_scoring

SMALL = MilConfig(width=8, stages=(1, 2, 1, 1))


def test_instances_held_as_a_tensor_score_as_those_in_a_file(cpu: Compute) -> None:
    torch.manual_seed(0)
    net = for_scoring(build_network(SMALL))
    pixels = np.random.default_rng(0).integers(0, 255, (6, 32, 32, 3), dtype=np.uint8)
    index = np.array([5, 0, 3])

    held = tumor_probabilities(net, torch.from_numpy(pixels), index, "campanella", 2, cpu)

    assert held.tolist() == tumor_probabilities(net, pixels, index, "campanella", 2, cpu).tolist()
    assert held.tolist() == tumor_probabilities(net, pixels[index], np.arange(3), "campanella", 2, cpu).tolist()
