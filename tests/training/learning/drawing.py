"""Small slides and manifests for the tests of the learning core."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from training.learning.manifest import Header, Manifest, PatchRow, SlideRow, write
from training.learning.store import Pixels
from viewer.imaging.pyramid import PyramidWriter
from viewer.imaging.slides import content_sha256

SIZE, PATCH_PX, INSTANCE_PX, MPP = 512, 128, 32, 0.5

# Colours of background tissue and of nuclei.
INK = {"HE": ((225, 175, 205), (90, 60, 140)), "KI67": ((228, 226, 222), (120, 80, 45))}


def draw_tissue(stain: str, seed: int, size: int = SIZE) -> Pixels:
    """Draw tissue with dark nuclei; the left half of the first row of patches is glass, and a little beyond."""
    rng = np.random.default_rng(seed)
    tissue, nuclei = INK[stain]
    picture = np.full((size, size, 3), tissue, np.uint8)
    for x, y in rng.integers(0, size, (size * size // 350, 2)).tolist():
        cv2.circle(picture, (x, y), int(rng.integers(3, 6)), nuclei, -1)
    picture = np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
    picture[: PATCH_PX + 8, : size // 2 + 24] = 245
    return picture


def write_slide(path: Path, picture: Pixels, mpp: float = MPP) -> None:
    height, width = picture.shape[:2]
    with PyramidWriter(path, width, height, mpp, "DRAWN") as writer:
        writer.write_rows(picture)


def slide_row(path: Path, case: str, stain: str, split: str, size: int = SIZE, mpp: float = MPP) -> SlideRow:
    return SlideRow(case, path.name, content_sha256(path), size, size, mpp, "file", stain, "native", split)


def patch_rows(key: str, size_l0: int = PATCH_PX, rows: range = range(1, 4)) -> list[PatchRow]:
    """Label the patches of the given rows: tumour in the left half, normal in the right."""
    return [
        PatchRow(key, column * size_l0, row * size_l0, size_l0, "tumor" if column < 2 else "normal", (row,))
        for row in rows
        for column in range(4)
    ]


def draw_cohort(folder: Path) -> None:
    slides, patches = [], []
    for seed, (case, split) in enumerate((("one", "train"), ("two", "validation"))):
        for stain in ("HE", "KI67"):
            path = folder / f"{case}-{stain}.tif"
            write_slide(path, draw_tissue(stain, seed))
            slides.append(slide_row(path, case, stain, split))
            patches += patch_rows(path.name)
    header = Header("drawn", ("HE", "KI67"), MPP, PATCH_PX, INSTANCE_PX, "single")
    write(Manifest(header, tuple(slides), tuple(patches)), folder / "manifest.jsonl")


def relabelled(manifest: Manifest, label: str) -> Manifest:
    """Return the manifest with all patches of one class."""
    return replace(manifest, patches=tuple(replace(patch, label=label) for patch in manifest.patches))
