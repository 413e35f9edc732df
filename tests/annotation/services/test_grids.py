import threading
import time
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.errors import ApplicationError, Conflict
from accounts.models import Project, User
from annotation.models import GridSettings, LargePatch, SlideGrid, WeakLabel
from annotation.services import change_grid_settings, ensure_grid, lay_out_patches, open_for_labelling
from annotation.services import grids as grids_module
from tests.annotation.conftest import PATCH_PX, give, store_slide
from tests.factories import make_case, make_slide, make_slide_without_mpp, make_synthetic_slide
from viewer.models import Slide


def test_the_grid_starts_at_the_corner_and_holds_whole_patches_only(slide: Slide) -> None:
    grid = lay_out_patches(slide)
    assert (grid.columns, grid.rows, grid.size_l0) == (5, 4, PATCH_PX)
    corners = list(slide.patches.order_by("row", "column").values_list("column", "row", "x_l0", "y_l0", "size_l0"))
    assert corners == [(c, r, c * PATCH_PX, r * PATCH_PX, PATCH_PX) for r in range(4) for c in range(5)]


def test_a_partial_patch_at_the_border_is_left_out(
    project: Project, small_patches: GridSettings, tmp_path: Path
) -> None:
    slide = store_slide(project, tmp_path, [(0, 0, 300, 300)], width=300, height=257)
    assert (lay_out_patches(slide).columns, slide.grid.rows) == (2, 2)
    assert slide.patches.count() == 4


def test_only_patches_with_tissue_are_offered(slide: Slide) -> None:
    lay_out_patches(slide)
    assert set(slide.patches.filter(offered=True).values_list("column", flat=True)) == {0}
    assert slide.patches.filter(offered=True).count() == 4
    assert slide.patches.get(column=0, row=1).tissue_share == pytest.approx(1.0, abs=0.02)
    assert slide.patches.get(column=3, row=1).tissue_share == 0.0


def test_the_smallest_tissue_share_of_the_project_decides(project: Project, slide: Slide, tmp_path: Path) -> None:
    change_grid_settings(project, min_tissue_share=0.0)
    lay_out_patches(slide)
    assert slide.patches.filter(offered=True).count() == 20


def test_the_first_slide_fixes_the_target_mpp_and_a_later_one_cannot_shift_it(
    project: Project, slide: Slide, tmp_path: Path
) -> None:
    coarse = store_slide(project, tmp_path, [(0, 0, 640, 512)], mpp=0.5)
    grid = lay_out_patches(coarse)
    assert GridSettings.objects.get(project=project).target_mpp == 0.25
    assert (grid.target_mpp, grid.size_l0, grid.resampled) == (0.25, PATCH_PX // 2, True)
    assert lay_out_patches(slide).resampled is False


def test_the_side_of_a_patch_is_rounded_to_whole_pixels(project: Project, slide: Slide, tmp_path: Path) -> None:
    other = store_slide(project, tmp_path, [(0, 0, 640, 512)], mpp=0.2431)
    assert lay_out_patches(other).size_l0 == round(PATCH_PX * 0.25 / 0.2431) == 132


def test_a_target_mpp_of_the_project_comes_before_the_first_slides(project: Project, slide: Slide) -> None:
    change_grid_settings(project, target_mpp=0.5)
    grid = lay_out_patches(slide)
    assert (grid.size_l0, grid.columns, grid.rows) == (256, 2, 2)


def test_a_slide_narrower_than_one_patch_has_a_grid_that_says_why_it_is_empty(project: Project, tmp_path: Path) -> None:
    slide = store_slide(project, tmp_path, [(0, 0, 640, 512)])
    grid = lay_out_patches(slide)
    assert (grid.columns, grid.rows) == (0, 0)
    assert slide.patches.count() == 0
    assert "640 × 512 px" in grid.note and "2240 px wide here" in grid.note


def test_a_slide_without_tissue_says_so(project: Project, small_patches: GridSettings, tmp_path: Path) -> None:
    slide = store_slide(project, tmp_path, [])
    assert lay_out_patches(slide).note.startswith("None of the 20 patches holds 5 % tissue.")
    assert not slide.patches.filter(offered=True).exists()


def test_a_slide_without_mpp_is_refused_with_the_remedy(project: Project) -> None:
    slide = make_slide_without_mpp(make_case(project))
    with pytest.raises(ApplicationError, match="A project lead supplies its mpp first"):
        ensure_grid(slide)
    assert not SlideGrid.objects.exists()
    assert not GridSettings.objects.exists()


def test_a_slide_whose_file_is_gone_is_refused_and_nothing_is_laid(
    project: Project, small_patches: GridSettings
) -> None:
    with pytest.raises(ApplicationError, match="No patches could be laid over"):
        ensure_grid(make_slide(make_case(project)))
    assert not SlideGrid.objects.exists()
    assert not LargePatch.objects.exists()


def test_a_synthetic_slide_is_not_opened_for_labelling(slide: Slide) -> None:
    synthetic = make_synthetic_slide(slide, published=True)
    with pytest.raises(ApplicationError, match="only real slides are labelled"):
        open_for_labelling(synthetic)
    assert not SlideGrid.objects.exists()


def test_asking_again_returns_the_same_grid_without_reading_the_slide(
    slide: Slide, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ensure_grid(slide)
    monkeypatch.setattr(grids_module, "open_reader", None)
    assert ensure_grid(slide).pk == first.pk


@pytest.mark.django_db(transaction=True)
def test_two_callers_at_once_lay_one_grid(slide: Slide, monkeypatch: pytest.MonkeyPatch) -> None:
    both_have_read = threading.Barrier(2, timeout=20)
    read_tissue = grids_module._read_tissue

    def read_and_wait(slide: Slide) -> object:
        tissue = read_tissue(slide)
        both_have_read.wait()
        return tissue

    monkeypatch.setattr(grids_module, "_read_tissue", read_and_wait)
    laid: list[int] = []

    def lay() -> None:
        laid.append(lay_out_patches(Slide.objects.get(pk=slide.pk)).pk)
        connection.close()

    callers = [threading.Thread(target=lay) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert len(laid) == 2 and len(set(laid)) == 1
    assert SlideGrid.objects.count() == 1
    assert slide.patches.count() == 20


def test_settings_change_freely_before_the_first_label_and_the_grid_is_laid_anew(
    project: Project, slide: Slide
) -> None:
    lay_out_patches(slide)
    change_grid_settings(project, patch_px=256)
    assert not SlideGrid.objects.exists()
    assert not LargePatch.objects.exists()
    grid = ensure_grid(slide)
    assert (grid.columns, grid.rows) == (2, 2)


def test_settings_stay_once_a_label_exists(project: Project, patch: LargePatch, pathologist: User) -> None:
    give(patch, "tumor", pathologist)
    with pytest.raises(Conflict, match="its patches carry labels"):
        change_grid_settings(project, patch_px=256)
    assert GridSettings.objects.get(project=project).patch_px == PATCH_PX
    assert LargePatch.objects.count() == 3
    assert SlideGrid.objects.count() == 1


def test_settings_stay_when_the_only_label_was_withdrawn(
    project: Project, patch: LargePatch, pathologist: User
) -> None:
    give(patch, "tumor", pathologist)
    give(patch, None, pathologist)
    with pytest.raises(Conflict):
        change_grid_settings(project, min_tissue_share=0.5)
    assert LargePatch.objects.count() == 3


def test_saving_the_same_settings_changes_nothing(project: Project, patch: LargePatch) -> None:
    change_grid_settings(project, patch_px=PATCH_PX, min_tissue_share=0.05)
    assert LargePatch.objects.count() == 3


def test_settings_of_another_project_are_not_held_by_these_labels(
    project: Project, patch: LargePatch, pathologist: User
) -> None:
    give(patch, "tumor", pathologist)
    other = make_slide().project
    assert change_grid_settings(other, patch_px=512).patch_px == 512
    assert LargePatch.objects.count() == 3


def test_a_patch_smaller_than_an_instance_is_refused(project: Project, patch: LargePatch) -> None:
    with pytest.raises(ValidationError):
        change_grid_settings(project, patch_px=8)
    assert GridSettings.objects.get(project=project).patch_px == PATCH_PX
    assert LargePatch.objects.count() == 3


def wait_for_a_blocked_connection() -> None:
    """Return once some connection to this database waits for a lock."""
    for _try in range(400):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # the view stands still within a transaction
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone():
                return
        time.sleep(0.025)
    raise AssertionError("nobody waited for a lock")


@pytest.mark.django_db(transaction=True)
def test_a_label_written_while_the_settings_change_is_not_kept_on_a_patch_that_is_gone(
    project: Project, patch: LargePatch, pathologist: User
) -> None:
    def change() -> None:
        try:
            change_grid_settings(project, patch_px=256)
        finally:
            connection.close()

    lead = threading.Thread(target=change)
    with pytest.raises(IntegrityError, match="annotation_largepatch"), transaction.atomic():
        give(patch, "tumor", pathologist)
        lead.start()
        lead.join(30)
    assert GridSettings.objects.get(project=project).patch_px == 256
    assert not LargePatch.objects.exists()
    assert not WeakLabel.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_label_that_waits_for_new_settings_is_told_that_its_patch_is_gone(
    project: Project, patch: LargePatch, pathologist: User
) -> None:
    refusals: list[Exception] = []

    def label() -> None:
        try:
            give(patch, "tumor", pathologist)
        except Conflict as refusal:
            refusals.append(refusal)
        finally:
            connection.close()

    reader = threading.Thread(target=label)
    with transaction.atomic():
        change_grid_settings(project, patch_px=256)
        reader.start()
        wait_for_a_blocked_connection()
    reader.join(30)
    [refusal] = refusals
    assert "laid anew" in str(refusal)
    assert WeakLabel.objects.count() == 0
    assert LargePatch.objects.count() == 0
