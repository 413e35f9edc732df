"""All figures of one painted slide, against the drawn truth, the true virtual stain and the null model."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.learning.classifier import Classifier
from training.learning.density import Density, equalize
from training.learning.evaluation import optical_density_sum, stain_distance
from training.learning.painting import Painter
from training.learning.reading import TargetReader
from training.learning.store import Pixels
from training.learning.study import nuclei, regions
from training.learning.study.class_maps import ClassMap, tiles_of_row
from training.learning.study.kernel_distance import kernel_distance
from training.learning.study.profiles import MPP, SOURCE, TARGET, TWIN, Profile
from training.learning.study.reference import Reference
from training.learning.study.seams import seam_ratios
from training.learning.study.tables import difference_interval
from training.learning.validation import INVERTED_BELOW
from viewer.imaging.cells import CellCount, CountParameters, count_slide
from viewer.imaging.foreground import tissue_mask
from viewer.imaging.nuclei import find_nuclei
from viewer.imaging.slides import SlideReader, open_slide

BLOCK_PX = 1024
# Instances that the sampled figures (flip test, MIL-KID) are taken from, at most.
FLIPPED, SAMPLED = 48, 300


@dataclass(frozen=True)
class Painted:
    """One slide that a model painted."""

    reference: Reference
    synthetic: Path
    source_map: ClassMap
    """What the source's classifier says of the source's section."""
    synthetic_map: ClassMap
    """What the target's classifier says of the synthetic slide."""
    other_target: Path
    """A real slide of the target stain of another case: the floor of MIL-KID."""
    density: Density | None = None
    """What the model's source slides are brought to."""


def judge_slide(
    painted: Painted, profile: Profile, painter: Painter, target_classifier: Classifier, training_index: float
) -> dict[str, Any]:
    """Return the figures of a painted slide; `training_index`: the mean tumour index of the training sections."""
    of = painted.reference
    truth, parameters, tumor = of.truth, of.parameters, of.tumor
    with ExitStack() as opened:
        slides = {name: opened.enter_context(open_slide(of.path(name))) for name in (SOURCE, TARGET, TWIN)}
        synthetic = opened.enter_context(open_slide(painted.synthetic))
        other = opened.enter_context(open_slide(painted.other_target))
        counts = {"real": of.real, "twin": of.twin, "synthetic": count_slide(synthetic, MPP, parameters)}
        brown = nuclei.dab_at(synthetic, truth.x, truth.y, parameters.white_point)
        correlation, density_error = compare_pictures(synthetic, slides[TWIN])
        brown_at = brown > parameters.dab_threshold
        asked = painted.source_map.asked
        return {
            "case": of.case,
            "warnings": list(parameters.warnings),
            **_ratios(counts, truth.is_tumor, training_index),
            **_regional(counts, truth, profile, training_index),
            "density_correlation": correlation,
            "inverted": correlation < INVERTED_BELOW,
            "density_error": density_error,
            "nuclei": of.match(counts["synthetic"]),
            "nucleus_auc": nuclei.status_auc(brown, truth),
            "brown_tumor_nuclei": _share(brown_at[truth.is_tumor]),
            "brown_normal_nuclei": _share(brown_at[~truth.is_tumor]),
            "normal_tissue": {name: regions.share_in(counts[name], tumor == 0, profile.instance_px) for name in counts},
            "tumor_tissue": {name: regions.share_in(counts[name], tumor >= 5, profile.instance_px) for name in counts},
            "seams": seam_ratios(synthetic, painter.core_px),
            "class_consistency": _share(painted.source_map.is_tumor[asked] == painted.synthetic_map.is_tumor[asked]),
            "flip": flip_test(slides[SOURCE], painter, painted.source_map, tumor, parameters, painted.density),
            "stain": stain_figures(slides, synthetic, other, painted.source_map, target_classifier),
            **of.figures,
        }


def _ratios(counts: dict[str, CellCount], is_tumor: npt.NDArray[np.bool_], index: float) -> dict[str, Any]:
    """Return the slide's ratios: counted ones, and the null model's."""
    figures: dict[str, Any] = {}
    for name, count in counts.items():
        figures[name] = float("nan") if count.ratio is None else count.ratio
        figures[f"{name}_positive"], figures[f"{name}_total"] = count.positive, count.total
    figures["sensitivity"] = {name: count.sensitivity for name, count in counts.items()}
    figures["null"] = float(is_tumor.mean() * index) if len(is_tumor) else float("nan")
    figures["null_positive"], figures["null_total"] = float(is_tumor.sum() * index), len(is_tumor)
    return figures


def _regional(counts: dict[str, CellCount], truth: Any, profile: Profile, index: float) -> dict[str, Any]:
    """Return how well the regional maps agree, the null's beside, and the intervals of the slide's differences."""
    side, cell = profile.size_px // profile.region_px, profile.region_px
    maps = {name: regions.counted(count, (side, side), cell) for name, count in counts.items()}
    null = regions.null_map(truth, index, (side, side), cell)
    return {
        "map": regions.compare(maps["synthetic"], maps["twin"]),
        "null_map": regions.compare(null, maps["twin"]),
        "by_rate": regions.errors_by_rate(maps["synthetic"], null, maps["twin"]),
        "synthetic_minus_twin_interval": difference_interval(maps["synthetic"], maps["twin"], paired=True),
        "synthetic_minus_real_interval": difference_interval(maps["synthetic"], maps["real"], paired=False),
        "twin_minus_real_interval": difference_interval(maps["twin"], maps["real"], paired=False),
        "null_minus_twin_interval": difference_interval(null, maps["twin"], paired=True),
    }


def _share(chosen: npt.NDArray[np.bool_]) -> float:
    return float(chosen.mean()) if len(chosen) else float("nan")


def _blocks(reader: SlideReader) -> Iterator[tuple[int, int, int, int]]:
    for y in range(0, reader.height_l0, BLOCK_PX):
        for x in range(0, reader.width_l0, BLOCK_PX):
            yield x, y, min(BLOCK_PX, reader.width_l0 - x), min(BLOCK_PX, reader.height_l0 - y)


def compare_pictures(one: SlideReader, other: SlideReader) -> tuple[float, float]:
    """Return the correlation of where two slides of one frame are dark, and the mean absolute error of the density."""
    sums, count = np.zeros(6), 0
    for x, y, width, height in _blocks(one):
        a, b = (
            optical_density_sum(reader.read_region(x, y, 0, width, height)).astype(np.float64)
            for reader in (one, other)
        )
        sums += [a.sum(), b.sum(), (a * a).sum(), (b * b).sum(), (a * b).sum(), np.abs(a - b).sum()]
        count += a.size
    mean_a, mean_b, squares_a, squares_b, products, errors = (sums / count).tolist()
    size = (squares_a - mean_a**2) * (squares_b - mean_b**2)
    return (float((products - mean_a * mean_b) / size**0.5) if size > 0 else 0.0), float(errors)


def sample_tiles(reader: SlideReader, chosen: npt.NDArray[np.bool_], side: int, count: int) -> Pixels:
    """Read up to `count` tiles of a fixed draw among the chosen cells, [n, side, side, 3]."""
    places = np.argwhere(chosen)
    drawn = np.sort(np.random.default_rng(0).permutation(len(places))[:count])
    tiles = [tiles_of_row(reader, int(row), np.array([column]), side) for row, column in places[drawn]]
    return np.concatenate(tiles) if tiles else np.empty((0, side, side, 3), np.uint8)


def flip_test(
    source: SlideReader,
    painter: Painter,
    source_map: ClassMap,
    tumor: npt.NDArray[np.int64],
    parameters: CountParameters,
    density: Density | None = None,
) -> dict[str, float]:
    """Return the ratio of tumour patches when painted as tumour and when painted as normal tissue.

    `density`: what the generator's slides are brought to.
    """
    if not painter.conditional:
        return {}
    side = source.width_l0 // tumor.shape[1]
    tiles = sample_tiles(source, (tumor >= 5) & source_map.asked, side, FLIPPED)
    levels = equalize(TargetReader(source, MPP, MPP), tissue_mask(source), side, density).levels
    if levels is not None:
        tiles = levels[tiles, np.arange(3)]
    ratios = {}
    for name, sign in (("as_tumor", 1.0), ("as_normal", -1.0)):
        found = [np.empty(0)]
        for start in range(0, len(tiles), painter.batch_size):
            some = tiles[start : start + painter.batch_size]
            pictures = painter.tiles(some, np.full(len(some), sign, np.float32))
            found += [find_nuclei(picture, parameters, MPP).dab for picture in pictures]
        dab = np.concatenate(found)
        ratios[name] = _share(dab > parameters.dab_threshold)
    return ratios


def stain_figures(
    of: dict[str, SlideReader],
    synthetic: SlideReader,
    other: SlideReader,
    source_map: ClassMap,
    classifier: Classifier,
) -> dict[str, float]:
    """Return distances of stain and of features, each with its floor (another real slide) and ceiling (the source)."""
    side = classifier.instance_px
    chosen = source_map.tissue >= 0.5
    tiles = {
        "real": sample_tiles(of[TARGET], chosen, side, SAMPLED),
        "synthetic": sample_tiles(synthetic, chosen, side, SAMPLED),
        "source": sample_tiles(of[SOURCE], chosen, side, SAMPLED),
        "other": sample_tiles(other, chosen[: other.height_l0 // side, : other.width_l0 // side], side, SAMPLED),
    }
    if min(len(some) for some in tiles.values()) < 2:
        return {}
    features = {name: classifier.features(some) for name, some in tiles.items()}
    names = {"": "synthetic", "_floor": "other", "_ceiling": "source"}
    return {f"mil_kid{end}": kernel_distance(features[name], features["real"]) for end, name in names.items()} | {
        f"distance{end}": stain_distance(tiles[name], tiles["real"]) for end, name in names.items()
    }
