"""The paper's figures in kind, as JPEG: class maps (7, 8), synthetic slides and patches (9, 10), the ablation (11)."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training.learning.store import Pixels
from training.learning.study.class_maps import ClassMap
from viewer.imaging.slides import open_slide

THUMB_PX, FIELD_PX = 380, 336
# Tumour and normal as on the pages of the application; told apart by hatching too.
TUMOR, NORMAL = (232, 116, 44), (86, 180, 233)
GAP_PX = 6


def jpeg(picture: Pixels) -> bytes:
    """Return a picture as JPEG."""
    encoded, content = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert encoded
    return content.tobytes()


def beside(pictures: list[Pixels]) -> Pixels:
    """Put pictures of one height beside each other."""
    gap = np.full((pictures[0].shape[0], GAP_PX, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (picture, gap)]
    return np.concatenate(parts[:-1], axis=1)


def thumbnail(path: Path) -> Pixels:
    """Return a whole slide, small."""
    with open_slide(path) as reader:
        return reader.read_scaled(0, 0, reader.width_l0, reader.height_l0, THUMB_PX, THUMB_PX)


def field(path: Path, x: int, y: int) -> Pixels:
    """Return a field of a slide at full resolution."""
    with open_slide(path) as reader:
        return reader.read_region(x, y, 0, FIELD_PX, FIELD_PX)


def busiest_field(tumor: npt.NDArray[np.int64], cell_px: int, size_px: int) -> tuple[int, int]:
    """Return where the border of tumour is: the cell of most tumour nuclei next to one with fewest."""
    padded = np.pad(tumor, 1, mode="edge")
    neighbours = np.stack([padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]])
    row, column = np.unravel_index(np.argmax(tumor - neighbours.min(axis=0)), tumor.shape)
    limit = size_px - FIELD_PX
    return min(max(0, int(column) * cell_px - 56), limit), min(max(0, int(row) * cell_px - 56), limit)


def class_picture(path: Path, is_tumor: npt.NDArray[np.bool_], asked: npt.NDArray[np.bool_]) -> Pixels:
    """Return a thumbnail with the classes laid over: tumour hatched in orange, normal in blue, glass as it is."""
    picture = thumbnail(path).astype(np.float32)
    size = (picture.shape[1], picture.shape[0])
    of_tumor, of_tissue = (
        cv2.resize(each.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)[..., None]
        for each in (is_tumor, asked)
    )
    rows, columns = np.mgrid[: size[1], : size[0]]
    hatched = ((rows + columns) % 8 < 4)[..., None]
    colour = np.where(of_tumor > 0, np.array(TUMOR, np.float32), np.array(NORMAL, np.float32))
    strength = 0.32 * of_tissue * np.where((of_tumor > 0) & hatched, 1.3, 0.8)
    mixed = picture * (1 - strength) + colour * strength
    return np.asarray(np.rint(mixed).clip(0, 255), np.uint8)


def class_figure(path: Path, said: ClassMap, truth: npt.NDArray[np.int64]) -> Pixels:
    """Return a slide, what the classifier says of it, and the truth."""
    return beside(
        [thumbnail(path), class_picture(path, said.is_tumor, said.asked), class_picture(path, truth > 0, said.asked)]
    )
