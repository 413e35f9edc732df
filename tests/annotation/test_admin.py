from collections.abc import Callable

import pytest

from accounts.models import Project, User
from annotation.models import GridSettings, LargePatch, WeakLabel
from tests.annotation.conftest import PATCH_PX, give
from tests.conftest import SiteClient
from tests.factories import make_patch, make_project

ClientOf = Callable[[User], SiteClient]
SETTINGS = "/admin/annotation/gridsettings/"
LABELS = "/admin/annotation/weaklabel/"
FORM = {"patch_px": 256, "instance_px": 32, "min_tissue_share": 0.1, "target_mpp": ""}


def test_a_lead_changes_the_grid_settings_of_the_own_project(
    client_of: ClientOf, lead: User, small_patches: GridSettings
) -> None:
    answer = client_of(lead).post(f"{SETTINGS}{small_patches.pk}/change/", FORM)
    assert answer.status_code == 302
    small_patches.refresh_from_db()
    assert (small_patches.patch_px, small_patches.instance_px, small_patches.min_tissue_share) == (256, 32, 0.1)


def test_a_lead_finds_the_export_of_the_labels(
    client_of: ClientOf, lead: User, project: Project, small_patches: GridSettings
) -> None:
    page = client_of(lead).get(SETTINGS).content.decode()
    assert f"/api/v1/labels/export/?project={project.slug}" in page


def test_a_lead_makes_grid_settings_for_the_own_project_only(client_of: ClientOf, lead: User, project: Project) -> None:
    other = make_project()
    assert client_of(lead).post(f"{SETTINGS}add/", {**FORM, "project": other.pk}).status_code == 200
    assert GridSettings.objects.count() == 0
    assert client_of(lead).post(f"{SETTINGS}add/", {**FORM, "project": project.pk}).status_code == 302
    assert GridSettings.objects.get().project == project


def test_settings_that_labels_rest_on_stay_and_the_page_says_why(
    client_of: ClientOf, lead: User, pathologist: User, patch: LargePatch, small_patches: GridSettings
) -> None:
    give(patch, "tumor", pathologist)
    answer = client_of(lead).post(f"{SETTINGS}{small_patches.pk}/change/", FORM, follow=True)
    assert "its patches carry labels" in answer.content.decode()
    small_patches.refresh_from_db()
    assert small_patches.patch_px == PATCH_PX
    assert LargePatch.objects.count() == 3


def test_a_patch_smaller_than_an_instance_is_refused_in_the_form(
    client_of: ClientOf, lead: User, small_patches: GridSettings
) -> None:
    answer = client_of(lead).post(f"{SETTINGS}{small_patches.pk}/change/", {**FORM, "patch_px": 16})
    assert answer.status_code == 200
    small_patches.refresh_from_db()
    assert small_patches.patch_px == PATCH_PX


def test_settings_and_labels_of_another_project_are_not_shown(
    client_of: ClientOf, lead: User, pathologist: User, patch: LargePatch
) -> None:
    foreign = give(make_patch(), "tumor", pathologist)
    own = give(patch, "normal", pathologist)
    other = GridSettings.objects.create(project=foreign.patch.slide.project)
    page = client_of(lead).get(LABELS).content.decode()
    assert f"{LABELS}{own.pk}/" in page
    assert f"{LABELS}{foreign.pk}/" not in page
    assert client_of(lead).get(f"{SETTINGS}{other.pk}/change/").status_code == 302


@pytest.mark.parametrize("member", ["lead", "site_admin"])
def test_nobody_changes_or_deletes_a_label_by_hand(
    client_of: ClientOf, request: pytest.FixtureRequest, pathologist: User, patch: LargePatch, member: str
) -> None:
    label = give(patch, "tumor", pathologist)
    client = client_of(request.getfixturevalue(member))
    for address in (f"{label.pk}/change/", f"{label.pk}/delete/", "add/"):
        client.post(f"{LABELS}{address}", {"value": "normal", "post": "yes"})
    assert list(WeakLabel.objects.values_list("pk", "value")) == [(label.pk, "tumor")]


@pytest.mark.parametrize("member", ["pathologist", "clinician"])
def test_who_is_no_lead_does_not_enter(
    client_of: ClientOf, request: pytest.FixtureRequest, small_patches: GridSettings, member: str
) -> None:
    client = client_of(request.getfixturevalue(member))
    assert client.get(SETTINGS).status_code == 302
    client.post(f"{SETTINGS}{small_patches.pk}/change/", FORM)
    small_patches.refresh_from_db()
    assert small_patches.patch_px == PATCH_PX
