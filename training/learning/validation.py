"""What a CycleGAN epoch is judged by: fields of the validation slides, painted and compared with real ones.

A field is two by two patches with a halo of context, uint8 [side + 2 * halo, side + 2 * halo, 3]. Sections of one case
are only alike as pictures, so fields are compared as sets, never pixel by pixel; target fields are taken at the same
relative places as source fields, where the same regions are to be expected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from training.learning.data import Progress, cells_of_split, cut, slides_for
from training.learning.density import Density, equalize
from training.learning.errors import NotEnoughData
from training.learning.evaluation import density_correlation, stain_distance
from training.learning.manifest import Manifest
from training.learning.painting import Floats, Painter
from training.learning.reading import TargetReader, open_frozen
from training.learning.store import Pixels, open_store
from viewer.imaging.cells import CountParameters, calibrate
from viewer.imaging.foreground import tissue_mask
from viewer.imaging.nuclei import find_nuclei

# Colours count as inverted when synthetic and source pictures are dark in the same places less than this.
INVERTED_BELOW = 0.2
PREVIEW_FIELDS = 4


@dataclass(frozen=True)
class Fields:
    """Fields of one stain. pixels: [F, side + 2 * halo, …, 3]; tissue, classes: [F, 4], their patches row by row."""

    pixels: Pixels
    tissue: Floats
    patch_px: int
    halo_px: int

    @property
    def side(self) -> int:
        """Side of a field without its halo."""
        return 2 * self.patch_px

    def core(self, number: int) -> Pixels:
        """Return a field without its halo."""
        inner = slice(self.halo_px, self.halo_px + self.side)
        return np.asarray(self.pixels[number][inner, inner])

    def patches(self) -> Pixels:
        """Return the patches of all fields, [4 * F, patch_px, patch_px, 3]."""
        return np.concatenate([cut(self.core(number), self.patch_px) for number in range(len(self.pixels))])


def load_fields(
    manifest: Manifest,
    slides_root: Path,
    folder: Path,
    count: int,
    halo_px: int,
    progress: Progress,
    density: Density | None = None,
) -> tuple[Fields, Fields]:
    """Read `count` fields of the source and of the target stain, spread over the tissue of the validation slides.

    With a `density` every source slide is made as dense as that.

    Raises:
        NotEnoughData: a stain has no validation slide, or none that holds a field.
    """
    patch_px = manifest.header.instance_px
    sides: list[Fields] = []
    places: dict[str, list[tuple[float, float]]] = {}
    for stain in manifest.header.stains[:2]:
        slides = slides_for(manifest, stain, "validation")
        of_slide = {row.key: share for row, share in zip(slides, _shares(count, len(slides)), strict=True)}
        verified: set[str] = set()
        wanted = density if stain == manifest.header.stains[0] else None

        def fill() -> Iterator[tuple[Pixels, Mapping[str, npt.NDArray[Any]]]]:
            for number, row in enumerate(slides):  # noqa: B023 - used before the loop goes on
                with open_frozen(row, slides_root, verified) as reader:  # noqa: B023
                    mask = tissue_mask(reader)
                    target = TargetReader(reader, row.mpp, manifest.header.target_mpp)
                    equalize(target, mask, patch_px, wanted)  # noqa: B023
                    found = _blocks(set(cells_of_split(manifest, row, "validation", target, patch_px)), patch_px)
                    tissue = {
                        block: np.array(
                            [target.tissue(mask, *corner, patch_px) for corner in _corners(block, patch_px)]
                        )
                        for block in found
                    }
                    chosen = _choose(tissue, of_slide[row.key], places.get(row.case), target)  # noqa: B023
                    places.setdefault(row.case, [(x / target.width, y / target.height) for x, y in chosen])
                    for x, y in chosen:
                        side = 2 * patch_px + 2 * halo_px
                        pixels = target.read(x - halo_px, y - halo_px, side, side)
                        yield pixels[None], {"tissue": tissue[x, y][None].astype(np.float32)}
                progress(number + 1, len(slides), f"Reading {stain} fields")  # noqa: B023

        identity = {"manifest": manifest.sha256, "stain": stain, "fields": count, "halo": halo_px}
        identity |= {"density": wanted} if wanted else {}
        store = open_store(folder, f"fields-{stain}", identity, 2 * patch_px + 2 * halo_px, fill)
        if not len(store):
            raise NotEnoughData(
                f"The {stain} validation slides hold no field of {2 * patch_px} px; add a validation case."
            )
        sides.append(Fields(store.pixels, store.table["tissue"], patch_px, halo_px))
    return sides[0], sides[1]


def _shares(count: int, slides: int) -> list[int]:
    return [count // slides + (number < count % slides) for number in range(slides)]


def _corners(block: tuple[int, int], patch_px: int) -> list[tuple[int, int]]:
    x, y = block
    return [(x + dx, y + dy) for dy in (0, patch_px) for dx in (0, patch_px)]


def _blocks(cells: set[tuple[int, int]], patch_px: int) -> list[tuple[int, int]]:
    """Return the corners of all two by two blocks of cells that do not overlap, row by row."""
    blocks = []
    for x, y in sorted(cells, key=lambda cell: (cell[1], cell[0])):
        even = (x // patch_px) % 2 == 0 and (y // patch_px) % 2 == 0
        if even and cells.issuperset(_corners((x, y), patch_px)):
            blocks.append((x, y))
    return blocks


def _choose(
    tissue: dict[tuple[int, int], npt.NDArray[Any]],
    count: int,
    places: list[tuple[float, float]] | None,
    target: TargetReader,
) -> list[tuple[int, int]]:
    """Choose `count` blocks: those nearest to the given relative places, else a fixed draw of those with tissue."""
    full = [block for block, shares in tissue.items() if shares.mean() >= 0.5]
    full = full or sorted(tissue, key=lambda block: -tissue[block].mean())[:count]
    if len(full) <= count:
        return full
    if places is None:
        # Drawn with a fixed seed: an even spread over the rows would come to lie in a few columns.
        drawn = np.random.default_rng(0).permutation(len(full))[:count]
        return [full[index] for index in sorted(drawn.tolist())]
    chosen: list[tuple[int, int]] = []
    for x, y in places[:count]:
        free = [block for block in full if block not in chosen]
        chosen.append(min(free, key=lambda at: (at[0] - x * target.width) ** 2 + (at[1] - y * target.height) ** 2))
    return chosen


def paint_fields(painter: Painter, fields: Fields, classes: Floats) -> Pixels:
    """Paint all fields, [F, side, side, 3]; classes: [F, 4], of their patches."""
    painted = []
    for number in range(len(fields.pixels)):
        pixels, of_patch = fields.pixels[number], classes[number].reshape(2, 2)
        halo, side, patch_px = fields.halo_px, fields.side, fields.patch_px

        def read(x: int, y: int, width: int, height: int) -> Pixels:
            return _window(pixels, x + halo, y + halo, width, height)  # noqa: B023 - called within this turn

        def class_of(y: int, xs: list[int]) -> Floats:
            row = min(y // patch_px, 1)  # noqa: B023
            return np.asarray(of_patch[row, [min(x // patch_px, 1) for x in xs]], np.float32)  # noqa: B023

        painted.append(painter.picture(read, class_of, side, side))
    return np.stack(painted)


def _window(pixels: Pixels, x: int, y: int, width: int, height: int) -> Pixels:
    """Return a window of a picture; what lies outside is white."""
    window = np.full((height, width, 3), 255, np.uint8)
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + height, pixels.shape[0]), min(x + width, pixels.shape[1])
    if top < bottom and left < right:
        window[top - y : bottom - y, left - x : right - x] = pixels[top:bottom, left:right]
    return window


class RatioJudge:
    """Shares of brown nuclei, counted alike on real and synthetic patches: calibrated on the real slide, then frozen.

    Tumour and normal patches are counted apart, so that brown stroma cannot make up for pale tumour.
    """

    def __init__(self, manifest: Manifest, slides_root: Path, real: Fields, classes: Floats) -> None:
        """Calibrate on the first validation slide of the target stain and count the real patches of both classes."""
        row = slides_for(manifest, manifest.header.stains[1], "validation")[0]
        with open_frozen(row, slides_root, set()) as reader:
            self._parameters: CountParameters = calibrate(reader, row.mpp)
        self._mpp = manifest.header.target_mpp
        self._real = self._ratios(real.patches(), classes)

    def _ratios(self, patches: Pixels, classes: Floats) -> tuple[float, dict[float, float]]:
        """Return positive among all nuclei of [N, H, W, 3], 0 without nuclei: of all patches, and by class."""
        densities = [find_nuclei(picture, self._parameters, self._mpp).dab for picture in patches]
        signs = np.sign(classes).ravel()

        def ratio(chosen: npt.NDArray[np.bool_]) -> float:
            dab = np.concatenate([np.empty(0), *(densities[index] for index in np.flatnonzero(chosen))])
            return float((dab > self._parameters.dab_threshold).mean()) if len(dab) else 0.0

        of_class = {float(sign): ratio(signs == sign) for sign in np.unique(signs)}
        return ratio(np.ones(len(signs), bool)), of_class

    def figures(self, patches: Pixels, classes: Floats) -> dict[str, float]:
        """Return the ratios, their difference, and the mean absolute difference over the classes that both have."""
        (synthetic, by_class), (real, real_by_class) = self._ratios(patches, classes), self._real
        both = sorted(by_class.keys() & real_by_class.keys())
        errors = [abs(by_class[sign] - real_by_class[sign]) for sign in both] or [abs(synthetic - real)]
        return {
            "synthetic_ratio": synthetic,
            "real_ratio": real,
            "ratio_difference": synthetic - real,
            "ratio_error": float(np.mean(errors)),
        }


def judge_fields(
    synthetic: Pixels,
    source: Fields,
    target: Fields,
    source_classes: Floats,
    target_classes: Floats,
    ratio: RatioJudge | None,
) -> dict[str, float]:
    """Return the figures of an epoch from its painted fields, [F, side, side, 3]."""
    of_source, of_target = source_classes.ravel(), target_classes.ravel()
    painted = np.concatenate([cut(picture, source.patch_px) for picture in synthetic])
    real, originals = target.patches(), source.patches()
    tissue = source.tissue.ravel() >= 0.5
    tissue = tissue if tissue.any() else np.ones_like(tissue)
    distances = [
        stain_distance(painted[of_source * sign > 0], real[of_target * sign > 0])
        for sign in (-1, 1)
        if (of_source * sign > 0).any() and (of_target * sign > 0).any()
    ]
    figures = {
        "density_correlation": density_correlation(originals[tissue], painted[tissue]),
        "stain_distance": float(np.mean(distances)) if distances else stain_distance(painted, real),
    }
    return figures | (ratio.figures(painted, source_classes) if ratio is not None else {})


def is_inverted(figures: Mapping[str, float]) -> bool:
    """Whether nuclei became light and gaps dark."""
    return figures["density_correlation"] < INVERTED_BELOW


def rank(figures: Mapping[str, float], epoch: int, selection: str) -> tuple[float, ...]:
    """Return what epochs are compared by: the smallest is best; inverted epochs come after all others."""
    inverted = float(is_inverted(figures))
    if selection == "last":
        return (-epoch,)
    if selection == "positive_ratio":
        return (inverted, figures["ratio_error"], figures["stain_distance"])
    return (inverted, figures["stain_distance"])


def preview(source: Fields, synthetic: Pixels, classes: Floats) -> bytes:
    """Return a JPEG of some fields, one a row, from most to least tumour: source | synthetic.

    classes: [F, 4], of the fields' patches.
    """
    order = np.argsort(-classes.mean(axis=1), kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(PREVIEW_FIELDS, len(order))).round().astype(int)]
    rows = [np.concatenate([source.core(number), synthetic[number]], axis=1) for number in chosen]
    encoded, jpeg = cv2.imencode(".jpg", np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert encoded
    return jpeg.tobytes()
