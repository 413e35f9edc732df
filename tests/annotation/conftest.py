"""Slides with drawn tissue and small patches, so that a grid is laid in milliseconds."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from accounts.models import Project, Role, User
from annotation.models import GridSettings, LargePatch, SlideGrid, WeakLabel
from annotation.services import Prediction, assign, label_patch, record_predictions
from tests.conftest import SiteClient
from tests.factories import add_member, make_case, make_patch, make_slide, make_user
from viewer import storage
from viewer.imaging.pyramid import PyramidWriter
from viewer.models import Slide

PATCH_PX = 128
SHA = "ab" * 32
TISSUE = (190, 80, 150)


def draw_slide(folder: Path, tissue_boxes: list[tuple[int, int, int, int]], width: int, height: int) -> Path:
    """Write a white slide with boxes (x, y, width, height) of tissue."""
    picture = np.full((height, width, 3), 245, np.uint8)
    for x, y, box_width, box_height in tissue_boxes:
        picture[y : y + box_height, x : x + box_width] = TISSUE
    path = folder / f"{uuid4()}.tif"
    with PyramidWriter(path, width, height, mpp=0.25) as pyramid:
        pyramid.write_rows(picture)
    return path


def store_slide(
    project: Project,
    folder: Path,
    tissue_boxes: list[tuple[int, int, int, int]],
    width: int = 640,
    height: int = 512,
    **fields: Any,
) -> Slide:
    """A slide whose file lies in storage."""
    slide = make_slide(make_case(project), width_l0=width, height_l0=height, **fields)
    storage.save_file(draw_slide(folder, tissue_boxes, width, height), slide.key)
    return slide


@pytest.fixture
def small_patches(project: Project) -> GridSettings:
    return GridSettings.objects.create(project=project, patch_px=PATCH_PX, instance_px=16)


@pytest.fixture
def slide(project: Project, small_patches: GridSettings, tmp_path: Path) -> Slide:
    """A slide of 5 × 4 patches of 128 px; tissue fills the first column."""
    return store_slide(project, tmp_path, [(0, 0, PATCH_PX, 512)])


@pytest.fixture
def gridded_slide(project: Project, small_patches: GridSettings) -> Slide:
    """A slide without a file whose grid of 3 × 1 patches is laid: two with tissue, one without."""
    slide = make_slide(make_case(project), width_l0=3 * PATCH_PX, height_l0=PATCH_PX)
    for column in range(3):
        tissue_share = 1.0 if column < 2 else 0.0
        make_patch(slide, column, size_l0=PATCH_PX, tissue_share=tissue_share, offered=column < 2)
    SlideGrid.objects.create(
        slide=slide, target_mpp=0.25, size_l0=PATCH_PX, columns=3, rows=1, otsu_threshold=20.0, resampled=False
    )
    return slide


@pytest.fixture
def patch(gridded_slide: Slide) -> LargePatch:
    return gridded_slide.patches.get(column=0)


def give(patch: LargePatch, value: str | None, reader: User) -> WeakLabel:
    """Label a patch as a reader who sees what stands."""
    newest = WeakLabel.objects.filter(patch=patch, reader=reader).order_by("-pk").first()
    return label_patch(patch, value, reader, uuid4(), newest.pk if newest else None)


def payload(client: SiteClient, slide: Slide, order: str = "") -> Any:
    return client.get(f"/api/v1/slides/{slide.pk}/labelling/" + (f"?order={order}" if order else ""))


@pytest.fixture
def second(project: Project) -> User:
    return add_member(make_user("second"), project, Role.PATHOLOGIST)


@pytest.fixture
def two_readers(gridded_slide: Slide, pathologist: User, second: User, lead: User) -> Slide:
    """A slide that two pathologists are assigned to."""
    for reader in (pathologist, second):
        assign(gridded_slide, reader, "all", lead)
    return gridded_slide


@pytest.fixture
def scored(gridded_slide: Slide) -> Slide:
    """A slide that one checkpoint has scored: its second patch is the uncertain one."""
    patches = zip(gridded_slide.patches.order_by("column"), [0.9, 0.5, 0.1], strict=True)
    predictions = [Prediction(one.pk, probability, one.x_l0, 0, bytes([200] * 64)) for one, probability in patches]
    record_predictions(gridded_slide, SHA, predictions, "Run 3 · epoch 7")
    return gridded_slide
