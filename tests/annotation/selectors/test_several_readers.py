from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import IntegrityError

from accounts.models import Project, Role, User
from annotation.models import LargePatch, ReadingSettings
from annotation.selectors import (
    agreement,
    class_balance,
    consensus_labels,
    labelling_rows,
    my_work,
    reader_rows,
    slide_states,
)
from annotation.services import assign, finish_reading, label_patch
from tests.annotation.conftest import give
from tests.conftest import SiteClient
from tests.factories import add_member, make_user
from viewer.models import Slide

ClientOf = Callable[[User], SiteClient]


@pytest.fixture
def readers(project: Project, pathologist: User) -> list[User]:
    return [pathologist, *[add_member(make_user(name), project, Role.PATHOLOGIST) for name in ("second", "third")]]


@pytest.mark.parametrize(
    ("values", "value"),
    [
        (["tumor", "tumor", "normal"], "tumor"),
        (["tumor", "normal"], None),
        (["tumor", "normal", "unsure"], None),
        (["exclude", "exclude", "normal"], None),
    ],
)
def test_the_majority_needs_more_than_half(
    project: Project, patch: LargePatch, readers: list[User], values: list[str], value: str | None
) -> None:
    rows = [give(patch, said, reader) for reader, said in zip(readers, values, strict=False)]
    found = consensus_labels(project, "majority")
    if value is None:
        assert found == {}
    else:
        assert found == {patch.pk: (value, [row.pk for row in rows if row.value == value], "majority")}


def test_agreement_is_told_for_each_pair_and_for_all_by_stain_and_case(
    project: Project, gridded_slide: Slide, readers: list[User]
) -> None:
    for patch, values in zip(
        gridded_slide.patches.filter(offered=True),
        [("tumor", "tumor", "tumor"), ("normal", "tumor", "normal")],
        strict=True,
    ):
        for reader, value in zip(readers, values, strict=True):
            give(patch, value, reader)
    rows = agreement(project)
    assert [(row["by"], row["measure"], row["readers"]) for row in rows[:4]] == [
        ("all", "cohen", ["pathologist", "second"]),
        ("all", "cohen", ["pathologist", "third"]),
        ("all", "cohen", ["second", "third"]),
        ("all", "fleiss", ["pathologist", "second", "third"]),
    ]
    assert {(row["by"], row["group"]) for row in rows[4:]} == {("stain", "HE"), ("case", gridded_slide.case.name)}
    assert [row["agreed"] for row in rows[:4]] == [1, 2, 1, 1]
    assert rows[1]["kappa"] == pytest.approx(1.0)


def test_blinded_work_does_not_count_towards_agreement(
    project: Project, patch: LargePatch, readers: list[User], lead: User
) -> None:
    for reader in readers[:2]:
        assign(patch.slide, reader, "all", lead)
        give(patch, "tumor", reader)
    assert agreement(project) == []


def test_states_go_from_not_started_to_reviewed_with_the_slowest_reader(
    project: Project, gridded_slide: Slide, readers: list[User], lead: User
) -> None:
    def state() -> str:
        return slide_states(project)[0]["state"]

    for reader in readers[:2]:
        assign(gridded_slide, reader, "all", lead)
    assert state() == "not_started"
    for patch in gridded_slide.patches.filter(offered=True):
        give(patch, "tumor", readers[0])
    assert state() == "in_work"
    finish_reading(gridded_slide, readers[0])
    assert state() == "in_work"
    for patch in gridded_slide.patches.filter(offered=True):
        give(patch, "tumor", readers[1])
    finish_reading(gridded_slide, readers[1])
    assert state() == "done"


def test_the_dashboard_knows_speed_rest_and_balance(
    project: Project, gridded_slide: Slide, pathologist: User, lead: User
) -> None:
    assign(gridded_slide, pathologist, "all", lead)
    label_patch(
        gridded_slide.patches.get(column=0), "tumor", pathologist, uuid4(), None, milliseconds=4000, route="key"
    )
    [row] = reader_rows(project, slide_states(project))
    assert (row["reader"], row["given"], row["left"], row["seconds"], row["per_hour"]) == (
        "pathologist",
        1,
        1,
        4.0,
        900,
    )
    assert row["hours"] == pytest.approx(1 / 900)
    he, ki67 = class_balance(project)
    assert (he["stain"], he["tumor"], he["normal"], he["share"]) == ("HE", 1, 0, 1.0)
    assert (ki67["tumor"], ki67["share"], ki67["paper"]["tumor"]) == (0, None, 359)


def test_ones_queue_holds_what_is_assigned_with_its_progress(
    gridded_slide: Slide, patch: LargePatch, pathologist: User, lead: User
) -> None:
    assert my_work(pathologist) == []
    assign(gridded_slide, pathologist, "all", lead)
    give(patch, "tumor", pathologist)
    [work] = my_work(pathologist)
    assert (work["slide"], work["given"], work["total"]) == (gridded_slide, 1, 2)
    pathologist.memberships.all().delete()
    assert my_work(pathologist) == []


def test_a_projects_page_tells_each_reader_the_own_progress(
    client_of: ClientOf, project: Project, patch: LargePatch, pathologist: User, lead: User, clinician: User
) -> None:
    give(patch, "tumor", pathologist)
    assert labelling_rows(project, pathologist)[patch.slide_id]["given"] == 1
    assert labelling_rows(project, lead)[patch.slide_id]["given"] == 0
    page = f"/projects/{project.slug}/"
    assert "1 of 2 labelled by you" in client_of(pathologist).get(page).text
    # Who does not label is not told how little of it they did.
    assert "labelled by you" not in client_of(lead).get(page).text
    assert labelling_rows(project, clinician) == {}


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("/labelling/", {"pathologist", "lead", "clinician"}),
        ("/projects/breast-study/labelling/", {"lead"}),
        ("/projects/breast-study/labels/", {"pathologist", "lead"}),
        ("/api/v1/projects/breast-study/agreement/", {"lead"}),
    ],
)
def test_pages_open_to_those_whom_they_are_for(
    client_of: ClientOf,
    request: pytest.FixtureRequest,
    patch: LargePatch,
    pathologist: User,
    address: str,
    allowed: set[str],
) -> None:
    give(patch, "tumor", pathologist)
    for member in ("pathologist", "lead", "clinician"):
        status = client_of(request.getfixturevalue(member)).get(address).status_code
        assert status == (200 if member in allowed else 403), member


def test_settings_are_kept_by_the_database_too(project: Project) -> None:
    with pytest.raises(IntegrityError, match="reading_double_share_is_a_share"):
        ReadingSettings.objects.create(project=project, double_share=1.5)
