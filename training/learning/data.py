"""Pixels of a frozen data set: bags of instances for MIL, patches of whole slides for the CycleGAN.

Pixels are uint8 RGB. Coordinates marked l0 are level-0 pixels; everything else is in pixels at the manifest's
`target_mpp`, to which slides with another mpp are resampled.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.learning.density import Density, equalize, mean_density, slide_density
from training.learning.errors import ManifestError, NotEnoughData
from training.learning.manifest import LABELS, Header, Manifest, PatchRow, SlideRow
from training.learning.reading import STRIP_PX, TargetReader, open_frozen
from training.learning.store import Pixels, Store, open_store
from viewer.imaging.foreground import TissueMask, tissue_mask
from viewer.imaging.geometry import patch_side_l0
from viewer.imaging.slides import SlideReader

Progress = Callable[[int, int, str], None]  # done, total, what


def cut(pixels: Pixels, side: int) -> Pixels:
    """Cut [H, W, 3] into its whole squares, [H // side * W // side, side, side, 3], row by row."""
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    squares = pixels[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    return np.ascontiguousarray(squares.swapaxes(1, 2)).reshape(rows * columns, side, side, 3)


def reduce_pixels(pixels: Pixels, factor: int) -> Pixels:
    """Shrink [N, H, W, 3] by averaging `factor` × `factor` pixels."""
    if factor == 1:
        return pixels
    size = (pixels.shape[2] // factor, pixels.shape[1] // factor)
    return np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pixels]).astype(np.uint8)


def turned(pixels: Any, rng: np.random.Generator) -> Any:
    """Return a picture [H, H, 3], an array or a tensor, in one of its eight orientations."""
    number = int(rng.integers(8))
    if isinstance(pixels, Tensor):
        turn = torch.rot90(pixels, number % 4, (0, 1))
        return turn.flip(0) if number >= 4 else turn
    picture = np.rot90(pixels, number % 4)
    return picture[::-1] if number >= 4 else picture


@dataclass(frozen=True)
class Bags:
    """Labelled large patches as bags of instances.

    pixels: [N, side, side, 3], mapped from a file or held on the GPU; bag: [N], sorted; labels: [B], 0 normal,
    1 tumour; patches: the B rows of the manifest.
    """

    pixels: Pixels | Tensor
    bag: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    patches: list[PatchRow]


def load_bags(
    manifest: Manifest,
    stain: str,
    split: str,
    slides_root: Path,
    folder: Path,
    background_share: float,
    input_reduction: int,
    progress: Progress,
) -> Bags:
    """Decode the instances of all labelled patches of one stain and split; background instances are dropped.

    Raises:
        NotEnoughData: there is no such patch, or a patch holds no instance with enough tissue.
    """
    patches = manifest.bags_of(stain, split)
    if not patches:
        raise NotEnoughData(
            f"The data set has no labelled {stain} patch for {split}; label patches of a {split} case, freeze again."
        )
    header = manifest.header
    verified: set[str] = set()

    def fill() -> Iterator[tuple[Pixels, Mapping[str, npt.NDArray[Any]]]]:
        reader: SlideReader | None = None
        opened = ""
        try:
            for number, patch in enumerate(patches):
                if patch.slide != opened:
                    if reader is not None:
                        reader.close()
                    slide = manifest.slide(patch.slide)
                    _check_size(patch, slide, header)
                    reader = open_frozen(slide, slides_root, verified)
                    mask, opened = tissue_mask(reader), patch.slide
                assert reader is not None
                pixels, kept = bag_instances(reader, mask, patch, header.patch_px, header.instance_px, background_share)
                if not kept.any():
                    raise NotEnoughData(
                        f"{patch.place} holds no instance with {background_share:.0%} of tissue, so nothing can be "
                        "learnt from it. Exclude this patch, or lower background_share."
                    )
                yield reduce_pixels(pixels[kept], input_reduction), {"bag": np.full(int(kept.sum()), number, np.int64)}
                progress(number + 1, len(patches), f"Reading {stain} patches")
        finally:
            if reader is not None:
                reader.close()

    identity = {
        "manifest": manifest.sha256,
        "stain": stain,
        "split": split,
        "background_share": background_share,
        "input_reduction": input_reduction,
    }
    store = open_store(folder, f"bags-{split}", identity, header.instance_px // input_reduction, fill)
    labels = np.array([LABELS.index(patch.label) for patch in patches], np.int64)
    return Bags(store.pixels, store.table["bag"], labels, patches)


def _check_size(patch: PatchRow, slide: SlideRow, header: Header) -> None:
    expected = patch_side_l0(header.patch_px, header.target_mpp, slide.mpp)
    if abs(patch.size_l0 - expected) > 1:
        raise ManifestError(
            f"{patch.place} is {patch.size_l0} pixels wide; {header.patch_px} px at {header.target_mpp} µm are "
            f"{expected} pixels of a slide with {slide.mpp} µm. Lay the patches out again for this resolution."
        )


def bag_instances(
    reader: SlideReader, mask: TissueMask, patch: PatchRow, patch_px: int, instance_px: int, background_share: float
) -> tuple[Pixels, npt.NDArray[np.bool_]]:
    """Cut a large patch into its instances, row by row, and tell which hold enough tissue.

    Returns pixels [n * n, instance_px, instance_px, 3] and kept [n * n] for n = patch_px // instance_px.
    """
    size = patch.size_l0
    instances = cut(reader.read_scaled(patch.x_l0, patch.y_l0, size, size, patch_px, patch_px), instance_px)
    kept = [
        mask.share(x_l0, y_l0, side_l0, side_l0) >= background_share
        for x_l0, y_l0, side_l0 in instance_corners(patch, patch_px // instance_px)
    ]
    return instances, np.array(kept)


def instance_corners(patch: PatchRow, per_side: int) -> list[tuple[int, int, int]]:
    """Return x_l0, y_l0 and side_l0 of a patch's instances, row by row."""
    side = patch.size_l0 / per_side
    return [
        (patch.x_l0 + round(column * side), patch.y_l0 + round(row * side), round(side))
        for row in range(per_side)
        for column in range(per_side)
    ]


def load_patches(
    manifest: Manifest,
    stain: str,
    split: str,
    slides_root: Path,
    folder: Path,
    patches_per_slide: int,
    progress: Progress,
    density: Density | None = None,
) -> Store:
    """Cut the slides of one stain and split on the grid of instances, background kept (the CycleGAN's data).

    The table holds tissue, the share of tissue. Where single patches are held back from a training slide, the grid
    cells that touch them belong to their split. `patches_per_slide` above 0 takes an even spread of the cells; with a
    `density` every slide is made as dense as that.

    Raises:
        NotEnoughData: no slide or no cell is left.
    """
    slides = slides_for(manifest, stain, split)
    side = manifest.header.instance_px
    verified: set[str] = set()

    def fill() -> Iterator[tuple[Pixels, Mapping[str, npt.NDArray[Any]]]]:
        for number, row in enumerate(slides):
            with open_frozen(row, slides_root, verified) as reader:
                mask = tissue_mask(reader)
                target = TargetReader(reader, row.mpp, manifest.header.target_mpp)
                equalize(target, mask, side, density)
                cells = cells_of_split(manifest, row, split, target, side)
                if patches_per_slide and len(cells) > patches_per_slide:
                    spread = np.linspace(0, len(cells) - 1, patches_per_slide).round().astype(int)
                    cells = [cells[index] for index in spread]
                for strip in _by_row(cells):
                    y, left, right = strip[0][1], strip[0][0], strip[-1][0] + side
                    band = target.read(left, y, right - left, side)
                    pixels = np.stack([band[:, x - left : x - left + side] for x, _ in strip])
                    yield pixels, {"tissue": np.array([target.tissue(mask, x, y, side) for x, _ in strip], np.float32)}
            progress(number + 1, len(slides), f"Reading {stain} slides")

    identity = {
        "manifest": manifest.sha256,
        "stain": stain,
        "split": split,
        "patches_per_slide": patches_per_slide,
    } | ({"density": density} if density else {})
    store = open_store(folder, f"patches-{stain}-{split}", identity, side, fill)
    if not len(store):
        raise NotEnoughData(f"The {stain} slides for {split} hold no whole patch of {side} px; add larger slides.")
    return store


def training_density(manifest: Manifest, stain: str, slides_root: Path) -> Density | None:
    """Return the mean density of a stain's training slides; None where none of them holds tissue."""
    found = []
    for row in slides_for(manifest, stain, "train"):
        with open_frozen(row, slides_root, set()) as reader:
            target = TargetReader(reader, row.mpp, manifest.header.target_mpp)
            found.append(slide_density(target, tissue_mask(reader), manifest.header.instance_px))
    return mean_density(found)


def slides_for(manifest: Manifest, stain: str, split: str) -> list[SlideRow]:
    """Return the slides that a stain and split has cells on, those with single patches held back for it included.

    Raises:
        NotEnoughData: there is none.
    """
    held_back = {patch.slide for patch in manifest.bags_of(stain, split) if patch.split}
    slides = [row for row in manifest.slides if row.stain == stain and (row.split == split or row.key in held_back)]
    if not slides:
        raise NotEnoughData(
            f"The data set has no {stain} slide for {split}; a CycleGAN needs both stains for training and validation. "
            f"Import a {stain} slide of a {split} case, and freeze again."
        )
    return slides


def cells_of_split(
    manifest: Manifest, row: SlideRow, split: str, target: TargetReader, side: int
) -> list[tuple[int, int]]:
    """Return x, y of the whole grid cells of a slide that belong to a split, row by row."""
    others = [
        (patch, manifest.split(patch))
        for patch in manifest.patches
        if patch.slide == row.key and patch.split is not None
    ]
    cells = []
    for y in range(0, target.height - side + 1, side):
        for x in range(0, target.width - side + 1, side):
            touched = {own for patch, own in others if _touches(patch, x, y, side, target.scale)}
            if touched == {split} or (not touched and row.split == split):
                cells.append((x, y))
    return cells


def _touches(patch: PatchRow, x: int, y: int, side: int, scale: float) -> bool:
    x_l0, y_l0, side_l0 = x * scale, y * scale, side * scale
    return (
        x_l0 < patch.x_l0 + patch.size_l0
        and patch.x_l0 < x_l0 + side_l0
        and y_l0 < patch.y_l0 + patch.size_l0
        and patch.y_l0 < y_l0 + side_l0
    )


def _by_row(cells: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Group cells that lie in one row and not too far apart to be read in one go."""
    strip: list[tuple[int, int]] = []
    for x, y in cells:
        if strip and (y != strip[0][1] or x - strip[0][0] > STRIP_PX):
            yield strip
            strip = []
        strip.append((x, y))
    if strip:
        yield strip
