"""The data that labelling is measured on: readers, a slide of full-size patches, and a grid of ten thousand cells."""

import os
import uuid
from pathlib import Path

import numpy as np

from accounts.models import Membership, Project, Role, User
from annotation.services import change_grid_settings, ensure_grid
from viewer.imaging.phantom import TissueBlock
from viewer.imaging.pyramid import PyramidWriter
from viewer.models import Slide, SlideImport
from viewer.services import import_slide, request_import

PATCH_PX = 2240
GRID_SIDE = 100
GRID_PATCH_PX = 64
MPP = 0.25
PASSWORD = "benchmark-only-" + uuid.uuid4().hex


def make_reader(name: str, *projects: Project) -> User:
    reader = User.objects.create_user(username=name, password=PASSWORD)
    for project in projects:
        Membership.objects.create(user=reader, project=project, role=Role.PATHOLOGIST)
    return reader


def make_project(name: str, patch_px: int, instance_px: int) -> Project:
    project = Project.objects.create(name=name, slug=name)
    # Every cell is offered, whatever the threshold says of it.
    change_grid_settings(project, patch_px=patch_px, instance_px=instance_px, min_tissue_share=0.0)
    return project


def drawn_slide(project: Project, columns: int, rows: int, patch_px: int, folder: Path) -> Slide:
    """A slide of whole patches, each full of the same drawn tissue, imported the way every slide goes."""
    block_px = min(patch_px, 1120)
    block = TissueBlock(size_px=block_px, mpp=MPP, seed=11)
    tissue = block.render("HE", "HE")
    path = folder / f"{project.slug}.tif"
    width, height = columns * patch_px, rows * patch_px
    strip = np.tile(tissue, (1, -(-width // block_px), 1))[:, :width]
    with PyramidWriter(path, width, height, mpp=MPP) as pyramid:
        for top in range(0, height, block_px):
            pyramid.write_rows(strip[: min(block_px, height - top)])
    return bring_in(project, path)


def bring_in(project: Project, path: Path) -> Slide:
    asked = request_import(path=path, project=project, case_name="Case 1", stain="HE", by=None)
    slide = import_slide(asked.pk)
    assert slide is not None, SlideImport.objects.get(pk=asked.pk).message
    ensure_grid(slide)
    return slide


def grid_slide(project: Project, folder: Path, side: int = GRID_SIDE) -> Slide:
    """A slide of side × side small patches: only its grid is measured."""
    width = side * GRID_PATCH_PX
    picture = np.full((GRID_PATCH_PX, width, 3), (205, 120, 180), np.uint8)
    path = folder / "grid.tif"
    with PyramidWriter(path, width, width, mpp=MPP) as pyramid:
        for _row in range(side):
            pyramid.write_rows(picture)
    return bring_in(project, path)


def beside() -> str:
    """What the machine does meanwhile."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
