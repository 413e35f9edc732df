"""Fields with a known truth, and the score of a count against it, by the protocol of the adjudicated Ki-67 fields.

A cell matches a nucleus within 4 µm, nearest pairs first, one to one; a frame of 3 µm and nuclei of which nobody can
say what they are count neither way. Places are in µm from the upper left corner.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree

from viewer.imaging.plain_reader import PlainReader
from viewer.imaging.reader import Picture

MATCH_UM = 4.0
FRAME_UM = 3.0
FIELD_PX = 512
FIELD_MPP = 0.25
# Where the adjudicated fields lie below the data folder; a strip holds its picture in the first 512 columns.
FIELD_FILES = {
    "22_2": "ki67/deepliif/test_cli/22_2.png",
    "799_2": "ki67/deepliif/test_cli/799_2.png",
    "Bladder1": "ki67/deepliif/train/Bladder1.png",
    "Lung1": "ki67/deepliif/train/Lung1.png",
}

Places = NDArray[np.float64]


@dataclass(frozen=True)
class Field:
    """A picture with its nuclei: `places_um` [n, 2] (x, y), whether each is positive, and those not to be judged."""

    name: str
    picture: Picture
    mpp: float
    places_um: Places
    is_positive: NDArray[np.bool_]
    unsure_um: Places

    @property
    def ratio(self) -> float:
        return float(self.is_positive.mean())

    @property
    def size_um(self) -> float:
        return self.picture.shape[0] * self.mpp

    @property
    def reader(self) -> PlainReader:
        height, width = self.picture.shape[:2]
        return PlainReader(Path(self.name), "field", width, height, self.mpp, lambda: self.picture)

    def restained(self, strength: float) -> "Field":
        """The same field with all optical density times `strength`."""
        grey = np.round(255 * (np.maximum(np.arange(256), 1) / 255) ** strength).astype(np.uint8)
        return Field(self.name, grey[self.picture], self.mpp, self.places_um, self.is_positive, self.unsure_um)


class Tally(NamedTuple):
    """True positives, false positives and false negatives, of all nuclei and of the positive ones alone."""

    hits: int
    extra: int
    missed: int
    positive_hits: int
    positive_extra: int
    positive_missed: int
    counted_ratio: float
    true_ratio: float

    @property
    def f1(self) -> float:
        return f1(self.hits, self.extra, self.missed)

    @property
    def positive_f1(self) -> float:
        return f1(self.positive_hits, self.positive_extra, self.positive_missed)

    @property
    def ratio_error(self) -> float:
        return self.counted_ratio - self.true_ratio


def f1(hits: int, extra: int, missed: int) -> float:
    judged = 2 * hits + extra + missed
    return 2 * hits / judged if judged else float("nan")


def adjudicated_fields(data: Path) -> Iterator[Field]:
    for name, file in FIELD_FILES.items():
        with Image.open(data / file) as image:
            picture = np.ascontiguousarray(np.asarray(image.convert("RGB"))[:FIELD_PX, :FIELD_PX])
        truth = json.loads((data / "ki67/adjudicated" / f"{name}.json").read_text())
        nuclei = truth["nuclei"]
        yield Field(
            name,
            picture,
            FIELD_MPP,
            np.array([[nucleus["x_um"], nucleus["y_um"]] for nucleus in nuclei]),
            np.array([nucleus["positive"] for nucleus in nuclei], bool),
            np.array([[nucleus["x_um"], nucleus["y_um"]] for nucleus in truth["ignore"]]).reshape(-1, 2),
        )


def matched(found: Places, true: Places) -> list[tuple[int, int]]:
    """Nearest one-to-one pairs (row of `found`, row of `true`) within `MATCH_UM`."""
    if not len(found) or not len(true):
        return []
    near = cKDTree(found).sparse_distance_matrix(cKDTree(true), MATCH_UM, output_type="ndarray")
    pairs, taken_found, taken_true = [], set(), set()
    for i, j, _ in sorted(near.tolist(), key=lambda entry: entry[2]):
        if i not in taken_found and j not in taken_true:
            taken_found.add(i)
            taken_true.add(j)
            pairs.append((i, j))
    return pairs


def score(field: Field, places_um: Places, is_positive: NDArray[np.bool_]) -> Tally:
    """Judge counted cells; the two ratios are of the whole field, frame and doubtful nuclei included."""
    judge_found, judge_true = (_within(places, field.size_um) for places in (places_um, field.places_um))
    pairs = matched(places_um, field.places_um)
    of_found, of_true = np.array([pair[0] for pair in pairs], int), np.array([pair[1] for pair in pairs], int)
    lone_found, lone_true = np.ones(len(places_um), bool), np.ones(len(field.places_um), bool)
    lone_found[of_found], lone_true[of_true] = False, False
    rest = np.flatnonzero(lone_found)
    judge_found[[rest[i] for i, _ in matched(places_um[rest], field.unsure_um)]] = False
    lone_found &= judge_found
    lone_true &= judge_true
    judged = judge_true[of_true]
    says, is_so = is_positive[of_found][judged], field.is_positive[of_true][judged]
    return Tally(
        hits=int(judged.sum()),
        extra=int(lone_found.sum()),
        missed=int(lone_true.sum()),
        positive_hits=int((says & is_so).sum()),
        positive_extra=int((says & ~is_so).sum() + (lone_found & is_positive).sum()),
        positive_missed=int((~says & is_so).sum() + (lone_true & field.is_positive).sum()),
        counted_ratio=float(is_positive.mean()) if len(is_positive) else float("nan"),
        true_ratio=field.ratio,
    )


def _within(places_um: Places, size_um: float) -> NDArray[np.bool_]:
    return np.asarray(((places_um >= FRAME_UM) & (places_um <= size_um - FRAME_UM)).all(axis=1))
