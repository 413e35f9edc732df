"""What a classifier says of every instance of a slide, against the truth (Figures 7 and 8 in kind, with figures)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.learning.classifier import Classifier
from training.learning.evaluation import auc, balanced_error
from training.learning.store import Pixels
from viewer.imaging.foreground import tissue_mask
from viewer.imaging.slides import SlideReader

Map = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ClassMap:
    """Probability and tissue share of each instance, [rows, columns]; glass has probability 0."""

    probability: Map
    tissue: Map
    threshold: float
    background_share: float

    @property
    def asked(self) -> npt.NDArray[np.bool_]:
        """Which instances hold enough tissue to be classified."""
        return np.asarray(self.tissue >= self.background_share)

    @property
    def is_tumor(self) -> npt.NDArray[np.bool_]:
        """Which instances are called tumour."""
        return np.asarray(self.asked & (self.probability >= self.threshold))


def tiles_of_row(reader: SlideReader, row: int, columns: npt.NDArray[np.int64], side: int) -> Pixels:
    """Read some instances of one row of the grid, [n, side, side, 3]."""
    left, right = int(columns[0]) * side, (int(columns[-1]) + 1) * side
    strip = reader.read_region(left, row * side, 0, right - left, side)
    return np.stack([strip[:, column * side - left : (column + 1) * side - left] for column in columns.tolist()])


def tissue_map(reader: SlideReader, side: int) -> Map:
    """Return the tissue share of each whole cell of the grid."""
    mask = tissue_mask(reader)
    rows, columns = reader.height_l0 // side, reader.width_l0 // side
    shares = [[mask.share(x * side, y * side, side, side) for x in range(columns)] for y in range(rows)]
    return np.array(shares, np.float32)


def class_map(reader: SlideReader, classifier: Classifier, background_share: float) -> ClassMap:
    """Classify every instance of a slide at the classifier's resolution."""
    side = classifier.instance_px
    tissue = tissue_map(reader, side)
    probability = np.zeros_like(tissue)
    for row in range(len(tissue)):
        columns = np.flatnonzero(tissue[row] >= background_share)
        if len(columns):
            probability[row, columns] = classifier.probabilities(tiles_of_row(reader, row, columns, side))
    return ClassMap(probability, tissue, classifier.threshold, background_share)


def judge_classes(maps: list[ClassMap], truths: list[npt.NDArray[np.int64]]) -> dict[str, float]:
    """Return how well instances of all maps are told apart; truths: tumour nuclei per instance."""
    scores = np.concatenate([each.probability[each.asked] for each in maps])
    labels = np.concatenate([(truth > 0)[each.asked] for each, truth in zip(maps, truths, strict=True)]).astype(int)
    threshold = maps[0].threshold
    return {
        "instances": len(labels),
        "tumor_share": float(labels.mean()) if len(labels) else float("nan"),
        "auc": auc(scores, labels),
        "threshold": threshold,
        "balanced_accuracy": 1 - balanced_error(scores, labels, threshold) if len(labels) else float("nan"),
        "balanced_accuracy_at_half": 1 - balanced_error(scores, labels, 0.5) if len(labels) else float("nan"),
    }
