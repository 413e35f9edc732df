import pytest

from accounts.models import Project, Role, User
from annotation.models import GridSettings, LargePatch
from annotation.selectors import consensus_labels, progress, target_mpp
from annotation.services import change_grid_settings
from tests.annotation.conftest import give
from tests.factories import add_member, make_case, make_patch, make_slide, make_slide_without_mpp, make_user
from viewer.models import Slide


@pytest.fixture
def colleague(project: Project) -> User:
    return add_member(make_user("colleague"), project, Role.PATHOLOGIST)


def test_a_label_that_all_readers_agree_on_is_the_consensus_with_its_rows(
    project: Project, patch: LargePatch, pathologist: User, colleague: User
) -> None:
    rows = [give(patch, "tumor", pathologist), give(patch, "tumor", colleague)]
    assert consensus_labels(project) == {patch.pk: ("tumor", [row.pk for row in rows], "single")}


def test_a_single_readers_label_is_the_consensus(project: Project, patch: LargePatch, pathologist: User) -> None:
    give(patch, "tumor", pathologist)
    current = give(patch, "normal", pathologist)
    assert consensus_labels(project) == {patch.pk: ("normal", [current.pk], "single")}


@pytest.mark.parametrize("other", ["normal", "unsure", "exclude"])
def test_a_patch_with_disagreement_is_left_out(
    project: Project, patch: LargePatch, pathologist: User, colleague: User, other: str
) -> None:
    give(patch, "tumor", pathologist)
    give(patch, other, colleague)
    assert consensus_labels(project) == {}


@pytest.mark.parametrize("value", ["unsure", "exclude", None])
def test_unsure_excluded_and_withdrawn_patches_are_left_out(
    project: Project, patch: LargePatch, pathologist: User, value: str | None
) -> None:
    give(patch, "tumor", pathologist)
    give(patch, value, pathologist)
    assert consensus_labels(project) == {}


def test_a_withdrawn_label_does_not_count_as_disagreement(
    project: Project, patch: LargePatch, pathologist: User, colleague: User
) -> None:
    row = give(patch, "tumor", pathologist)
    give(patch, "normal", colleague)
    give(patch, None, colleague)
    assert consensus_labels(project) == {patch.pk: ("tumor", [row.pk], "single")}


def test_labels_of_another_project_do_not_count(project: Project, patch: LargePatch, pathologist: User) -> None:
    give(patch, "tumor", pathologist)
    give(make_patch(), "normal", pathologist)
    assert list(consensus_labels(project)) == [patch.pk]


def test_a_rule_that_does_not_exist_is_refused(project: Project) -> None:
    with pytest.raises(ValueError, match="'loudest' does not exist; expected one of single, majority, adjudicated"):
        consensus_labels(project, "loudest")


def test_progress_counts_offered_patches_and_the_readers_own_labels(
    gridded_slide: Slide, pathologist: User, colleague: User
) -> None:
    for patch, value in zip(gridded_slide.patches.filter(offered=True), ["tumor", "exclude"], strict=True):
        give(patch, value, pathologist)
    give(gridded_slide.patches.get(column=0), "normal", colleague)
    assert progress(gridded_slide, pathologist) == {
        "tumor": 1,
        "normal": 0,
        "unsure": 0,
        "exclude": 1,
        "left": 0,
        "total": 2,
    }
    assert progress(gridded_slide, colleague)["left"] == 1


def test_the_target_mpp_is_the_first_ready_slides_unless_the_project_sets_one(project: Project) -> None:
    assert target_mpp(project) is None
    make_slide_without_mpp(make_case(project))
    assert target_mpp(project) is None
    make_slide(make_case(project), mpp=0.2431)
    make_slide(make_case(project), mpp=0.5)
    assert target_mpp(project) == 0.2431
    change_grid_settings(project, target_mpp=0.4)
    assert target_mpp(project) == 0.4
    assert GridSettings.objects.get(project=project).patch_px == 2240
