"""Nuclei of a picture against the nuclei that were drawn: kept, lost, invented, and how brown each one is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from training.learning.evaluation import auc
from training.learning.store import Pixels
from viewer.imaging.phantom import SectionTruth
from viewer.imaging.slides import SlideReader
from viewer.imaging.stain import density_table, separate_hdab

Values = npt.NDArray[np.float64]

# A found nucleus is a drawn one when their centres lie within this distance.
MATCH_UM = 4.0
# Side of the square that the brown of a nucleus is averaged over.
SPOT_PX = 9
BLOCK_PX = 1024


@dataclass(frozen=True)
class Matching:
    """How many of the drawn nuclei were found, and how many were found that nobody drew."""

    drawn: int
    found: int
    matched: int

    @property
    def f1(self) -> float:
        """Share of nuclei that agree: 2 matched / (drawn + found)."""
        return 2 * self.matched / max(1, self.drawn + self.found)

    @property
    def lost(self) -> float:
        """Share of the drawn nuclei that are not found."""
        return 1 - self.matched / max(1, self.drawn)

    @property
    def invented(self) -> float:
        """Share of the found nuclei that were not drawn."""
        return 1 - self.matched / max(1, self.found)


def match(drawn: Values, found: Values, reach_px: float) -> Matching:
    """Pair nuclei one to one, nearest first; drawn, found: [N, 2] and [M, 2] centres."""
    if not len(drawn) or not len(found):
        return Matching(len(drawn), len(found), 0)
    near = cKDTree(drawn).sparse_distance_matrix(cKDTree(found), reach_px, output_type="ndarray")
    taken_drawn, taken_found = np.zeros(len(drawn), bool), np.zeros(len(found), bool)
    matched = 0
    for index in np.lexsort((near["j"], near["i"], near["v"])):
        one, other = near["i"][index], near["j"][index]
        if not taken_drawn[one] and not taken_found[other]:
            taken_drawn[one] = taken_found[other] = True
            matched += 1
    return Matching(len(drawn), len(found), matched)


def dab_at(reader: SlideReader, x: Values, y: Values, white_point: tuple[float, float, float]) -> Values:
    """Return the mean DAB density in a small square round each place, [N]; places in level-0 pixels."""
    return _at(reader, x, y, lambda picture: separate_hdab(picture, white_point)[1])


def darkness_at(reader: SlideReader, x: Values, y: Values) -> Values:
    """Return the mean optical density, summed over the channels, in a small square round each place, [N]."""
    table = density_table().astype(np.float32)
    return _at(reader, x, y, lambda picture: sum((table[picture[..., c], c] for c in range(3)), np.float32(0)))


def _at(reader: SlideReader, x: Values, y: Values, density_of: Callable[[Pixels], Any]) -> Values:
    values = np.zeros(len(x))
    column, row = (np.floor(axis / BLOCK_PX).astype(int) for axis in (x, y))
    for block in np.unique(np.stack([row, column], axis=1), axis=0):
        inside = np.flatnonzero((row == block[0]) & (column == block[1]))
        left, top = int(block[1]) * BLOCK_PX - SPOT_PX, int(block[0]) * BLOCK_PX - SPOT_PX
        side = BLOCK_PX + 2 * SPOT_PX
        picture = reader.read_region(left, top, 0, side, side)
        density = cv2.blur(np.asarray(density_of(picture), np.float32), (SPOT_PX, SPOT_PX))
        at_x, at_y = (np.rint(axis[inside] - start).astype(int) for axis, start in ((x, left), (y, top)))
        values[inside] = density[at_y, at_x]
    return values


def status_auc(dab: Values, truth: SectionTruth) -> float:
    """Return how well the brown of tumour nuclei tells Ki-67-positive ones from negative ones: 0.5 is chance."""
    tumor = truth.is_tumor
    return auc(dab[tumor], truth.is_positive[tumor].astype(int))


def status_ceiling(reader: SlideReader, truth: SectionTruth) -> float:
    """Return the AUC that size and darkness of tumour nuclei on the source's section reach, combined linearly.

    Fitted on the nuclei that it is judged on, so it flatters a little: what nobody can be asked to beat by much.
    """
    tumor = truth.is_tumor
    status = truth.is_positive[tumor]
    if status.all() or not status.any():
        return float("nan")
    features = np.stack([truth.radius_px[tumor], darkness_at(reader, truth.x, truth.y)[tumor]], axis=1)
    between = features[status].mean(axis=0) - features[~status].mean(axis=0)
    within = np.cov(features[status].T) + np.cov(features[~status].T)
    return auc(features @ np.linalg.solve(within, between), status.astype(int))
