"""Multiple-instance learning: a classifier of instances from labels of large patches (Xu et al. 2020, "MIL for …").

A bag is a large patch, its instances are the 224 px patches it is cut into. Each epoch scores all instances, picks the
most tumour-like one of every bag, gives it the bag's label (tumour and normal bags alike) and trains on the picks.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.learning.classifier import to_input
from training.learning.compute import Compute
from training.learning.config import MilConfig
from training.learning.data import turned
from training.learning.evaluation import auc, bag_scores, balanced_error, cross_entropy, separating_threshold
from training.learning.store import Pixels
from training.learning.weights import average_weights

Index = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def draw_instances(bag: Index, per_bag: int, rng: np.random.Generator) -> Index:
    """Return the indices of the instances that an epoch looks at, sorted: all, or at most `per_bag` of each bag.

    bag: [N], the bag of each instance, sorted.
    """
    if per_bag == 0:
        return np.arange(len(bag))
    order = np.lexsort((rng.random(len(bag)), bag))
    return np.sort(order[_place_in_bag(bag) < per_bag])


def select_instances(tumor_prob: Floats, bag: Index, picks: int = 1) -> Index:
    """Return the indices of the most tumour-like instances of every bag, `picks` of each.

    tumor_prob: [N]; bag: [N], the bag of each instance, sorted. Ties go to the first instance, so a run is repeatable.
    Source: Xu et al. 2020, "the small patch with the largest predictive probability is the one selected".
    """
    order = np.lexsort((np.arange(len(bag)), -tumor_prob, bag))
    return order[_place_in_bag(bag) < picks]


def _place_in_bag(bag: Index) -> Index:
    """Return 0, 1, 2 … for the instances of each bag; bag: [N], sorted."""
    starts = np.flatnonzero(np.r_[True, bag[1:] != bag[:-1]])
    lengths = np.diff(np.r_[starts, len(bag)])
    return np.arange(len(bag)) - np.repeat(starts, lengths)


def train_on_picks(
    net: nn.Module,
    averaged: nn.Module | None,
    optimizer: torch.optim.Optimizer,
    pixels: Pixels | Tensor,
    picks: Index,
    labels: Index,
    config: MilConfig,
    compute: Compute,
    rng: np.random.Generator,
    tick: Callable[[], None] = lambda: None,
) -> float:
    """Go once through the picks in random order and return the mean cross-entropy.

    pixels: uint8 [N, side, side, 3], here or on the GPU; picks: [P], indices into pixels; labels: [P], of their bags.
    """
    net.train()
    order = rng.permutation(len(picks))
    # Added up where it is: reading it at every step would make a GPU wait.
    total = torch.zeros((), dtype=torch.float64, device=compute.device)
    for batch in _batches(order, config.batch_size):
        pictures = [turned(pixels[pick], rng) if config.augment else pixels[pick] for pick in picks[batch]]
        chosen = torch.stack(pictures) if isinstance(pixels, Tensor) else np.stack(pictures)
        target = torch.from_numpy(labels[batch]).to(compute.device)
        with compute.memory_errors(f"{len(batch)} instances in a training step"):
            with compute.autocast():
                logits = net(to_input(chosen, config.normalization, compute.device))
                loss = nn.functional.cross_entropy(logits.float(), target)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if averaged is not None:
            average_weights(averaged, net, config.ema_decay)
        total += loss.detach().double() * len(batch)
        tick()
    return float(total) / len(picks)


def _batches(order: Index, size: int) -> list[Index]:
    """Cut into batches; a last one of a single pick joins the one before, since batch norm needs two."""
    count = max(1, len(order) // size + (len(order) % size > 1))
    cuts = [min(size * number, len(order)) for number in range(1, count)]
    return np.split(order, cuts)


def judge(scores: Floats, bag: Index, labels: Index, config: MilConfig) -> dict[str, float]:
    """Return the figures of the validation bags from their instances' scores.

    scores: [N]; bag: [N]; labels: [B]. A bag counts as tumour when its highest instance reaches config.threshold.
    """
    per_bag = bag_scores(scores, bag, len(labels))
    of_tumor_bag = labels[bag] == 1
    threshold = config.threshold
    if config.threshold_from == "validation" and 0 < of_tumor_bag.sum() < len(bag):
        threshold = separating_threshold(scores[of_tumor_bag], scores[~of_tumor_bag])
    return {
        "balanced_error": balanced_error(per_bag, labels, config.threshold),
        "loss": cross_entropy(per_bag, labels),
        "bag_auc": auc(per_bag, labels),
        "separation": auc(scores, labels[bag]),
        "threshold": threshold,
    }


def rank(figures: dict[str, float], config: MilConfig) -> tuple[float, ...]:
    """Return what epochs are compared by: the smallest is best."""
    if config.selection == "separation" and figures["separation"] == figures["separation"]:
        return (-figures["separation"],)
    return (figures["balanced_error"], figures["loss"])
