"""Figures that say how good a result is. Plain functions of arrays; nothing here knows a stain by name."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]


def auc(scores: Floats, labels: Labels) -> float:
    """Return the area under the ROC curve: the share of (tumour, normal) pairs in the right order, ties one half.

    scores: [N]; labels: [N], 1 tumour and 0 normal. NaN when one class is absent.
    """
    positives = int((labels == 1).sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2  # of each distinct value, from 1
    ranks = mean_rank[inverse]
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def balanced_error(scores: Floats, labels: Labels, threshold: float) -> float:
    """Return the mean of the false positive and the false negative rate (Campanella et al. 2019).

    Where one class is absent it is the error rate of the other.
    """
    called = scores >= threshold
    rates = []
    if (labels == 0).any():
        rates.append(float(called[labels == 0].mean()))
    if (labels == 1).any():
        rates.append(float((~called[labels == 1]).mean()))
    return float(np.mean(rates))


def separating_threshold(tumor_bags: Floats, normal_bags: Floats) -> float:
    """Return the threshold that most instances of tumour bags, and fewest of normal bags, reach.

    tumor_bags, normal_bags: scores of all instances of each kind of bag. A tumour bag mixes tumour and normal
    instances, so the difference of the two shares is (share of tumour) * (sensitivity + specificity - 1): its maximum
    is where instances are told apart best, though no instance is labelled. The highest of equals wins.
    """
    values = np.unique(np.concatenate([tumor_bags, normal_bags]))
    called = [1 - np.searchsorted(np.sort(scores), values) / len(scores) for scores in (tumor_bags, normal_bags)]
    best = len(values) - 1 - int(np.argmax((called[0] - called[1])[::-1]))
    below = values[best - 1] if best else 0.0
    return float(np.clip((values[best] + below) / 2, 1e-6, 1 - 1e-6))


def bag_scores(scores: Floats, bag: Labels, bags: int) -> npt.NDArray[np.float32]:
    """Return the largest instance score of each bag, [bags]; a bag is tumour if it holds one tumour instance."""
    result = np.full(bags, -np.inf, np.float32)
    np.maximum.at(result, bag, scores.astype(np.float32))
    return result


def cross_entropy(scores: Floats, labels: Labels) -> float:
    """Return the mean cross-entropy of tumour probabilities."""
    right = np.where(labels == 1, scores, 1 - scores).astype(np.float64)
    return float(-np.log(np.clip(right, 1e-7, 1)).mean())


def optical_density_sum(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the optical densities of the three channels, added: how dark each pixel is. [..., 3] to [...]."""
    return np.asarray(_DENSITY[pixels].sum(axis=-1), np.float32)


_DENSITY = (-np.log10(np.maximum(np.arange(256), 1) / 255.0)).astype(np.float32)


def density_correlation(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Return how well two pictures agree in where they are dark: Pearson's r of the summed optical densities.

    Below 0 the colours are inverted: nuclei became light, gaps dark. 0 when a picture is flat.
    """
    x, y = optical_density_sum(one).ravel(), optical_density_sum(other).ravel()
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum() / size) if size > 0 else 0.0


def density_quantiles(pixels: npt.NDArray[np.uint8], count: int = 200) -> npt.NDArray[np.float32]:
    """Return the quantiles of each channel's optical density, [3, count]."""
    densities = _DENSITY[pixels].reshape(-1, 3)
    at = (np.arange(count) + 0.5) / count
    return np.quantile(densities, at, axis=0).T.astype(np.float32)


def stain_distance(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Return how differently two sets of pictures are stained.

    It is the 1-D Wasserstein distance of the optical densities, channel by channel, averaged.
    """
    return float(np.abs(density_quantiles(one) - density_quantiles(other)).mean())
