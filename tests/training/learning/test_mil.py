from dataclasses import replace

import numpy as np
import pytest
import torch

from training.learning.classifier import build_network, tumor_probabilities
from training.learning.compute import Compute
from training.learning.config import MilConfig
from training.learning.evaluation import auc
from training.learning.mil import _batches, draw_instances, judge, rank, select_instances, train_on_picks
from training.learning.weights import average_weights, copy_of

BAG = np.array([0, 0, 0, 1, 1, 2])
SMALL = MilConfig(width=8, stages=(1, 1, 1, 1), learning_rate=3e-3, batch_size=8)


def test_the_highest_instance_of_every_bag_is_picked_whatever_its_label() -> None:
    assert select_instances(np.array([0.1, 0.9, 0.5, 0.2, 0.1, 0.7], np.float32), BAG).tolist() == [1, 3, 5]


def test_ties_go_to_the_first_instance() -> None:
    assert select_instances(np.full(6, 0.5, np.float32), BAG).tolist() == [0, 3, 5]
    assert select_instances(np.array([0.1, 0.9, 0.9, 0, 0, 1], np.float32), BAG).tolist() == [1, 3, 5]


def test_several_picks_are_taken_from_the_top_as_far_as_a_bag_has_them() -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.2, 0.1, 0.7], np.float32)
    assert select_instances(scores, BAG, picks=2).tolist() == [1, 2, 3, 4, 5]


def test_all_instances_are_looked_at_unless_a_draw_is_configured() -> None:
    rng = np.random.default_rng(0)
    assert draw_instances(BAG, 0, rng).tolist() == [0, 1, 2, 3, 4, 5]
    drawn = draw_instances(BAG, 2, rng)
    assert np.bincount(BAG[drawn]).tolist() == [2, 2, 1]
    assert drawn.tolist() == sorted(drawn.tolist())
    assert len({tuple(draw_instances(BAG, 2, rng).tolist()) for _ in range(50)}) == 3


def test_no_batch_holds_a_single_pick() -> None:
    sizes = [[len(part) for part in _batches(np.arange(count), 4)] for count in (1, 2, 4, 5, 8, 9, 10)]
    assert sizes == [[1], [2], [4], [5], [4, 4], [4, 5], [4, 4, 2]]


def test_a_bag_is_judged_by_its_highest_instance_and_epochs_by_error_then_loss() -> None:
    scores = np.array([0.1, 0.9, 0.2, 0.6, 0.3, 0.4], np.float32)
    figures = judge(scores, BAG, np.array([1, 0, 0]), SMALL)
    assert figures["balanced_error"] == pytest.approx(0.25)
    assert figures["bag_auc"] == 1
    assert figures["threshold"] == 0.5
    assert rank(figures, SMALL) == (figures["balanced_error"], figures["loss"])
    assert rank({"balanced_error": 0.1, "loss": 0.3}, SMALL) < rank({"balanced_error": 0.1, "loss": 0.4}, SMALL)
    assert rank({"balanced_error": 0.1, "loss": 0.9}, SMALL) < rank({"balanced_error": 0.2, "loss": 0.1}, SMALL)


def test_epochs_can_be_compared_by_how_instances_separate() -> None:
    config = replace(SMALL, selection="separation", threshold_from="validation")
    figures = judge(np.array([0.1, 0.8, 0.9, 0.2, 0.1, 0.3], np.float32), BAG, np.array([1, 0, 0]), config)
    assert rank(figures, config) == (-figures["separation"],)
    assert 0.3 < figures["threshold"] < 0.8
    one_class = judge(np.array([0.1, 0.8, 0.9, 0.2, 0.1, 0.3], np.float32), BAG, np.array([1, 1, 1]), config)
    assert rank(one_class, config) == (one_class["balanced_error"], one_class["loss"])
    assert one_class["threshold"] == 0.5


def test_averaged_weights_keep_their_share_and_count_like_the_trained_ones() -> None:
    net = torch.nn.BatchNorm1d(2)
    kept = copy_of(net)
    with torch.no_grad():
        net.weight.fill_(3.0)
        net.num_batches_tracked += 5
    average_weights(kept, net, 0.75)
    assert kept.state_dict()["weight"].tolist() == [1.5, 1.5]
    assert kept.state_dict()["num_batches_tracked"].item() == 5


def test_a_classifier_finds_the_marked_instances_from_labels_of_bags_alone(cpu: Compute) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    bags, per_bag = 24, 8
    pixels = rng.integers(150, 230, (bags * per_bag, 32, 32, 3), dtype=np.uint8)
    bag, labels = np.repeat(np.arange(bags), per_bag), np.arange(bags) % 2
    marked = (labels[bag] == 1) & (np.arange(len(bag)) % per_bag < 2)
    pixels[marked, 8:24, 8:24] = (90, 60, 140)
    net = build_network(SMALL)
    optimizer = torch.optim.Adam(net.parameters(), SMALL.learning_rate)
    for _ in range(12):
        scores = tumor_probabilities(net, pixels, np.arange(len(bag)), "campanella", 64, cpu)
        picks = select_instances(scores, bag)
        assert len(picks) == bags
        train_on_picks(net, None, optimizer, pixels, picks, labels[bag[picks]], SMALL, cpu, rng)
    scores = tumor_probabilities(net, pixels, np.arange(len(bag)), "campanella", 64, cpu)
    assert auc(scores, marked.astype(int)) > 0.95
