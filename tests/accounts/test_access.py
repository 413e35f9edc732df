"""Walk the table “Who may do what” of docs/architecture.md: over the rules, then over every real address."""

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.access import TABLE, Act, acts_in, may, may_somewhere, projects_where, require, roles_in, signed_in
from accounts.models import Project, Role
from tests.accounts.doors import DOORS, WITHOUT_DOOR, Door, furnish
from tests.factories import add_member, make_project, make_user
from tests.viewer.test_schema import api_methods

pytestmark = pytest.mark.django_db

MEMBERS = ["pathologist", "lead", "clinician", "site_admin"]
OUTSIDERS = ["outsider", "newcomer"]

# The table, written a second time as the page has it: ✓ for pathologist, lead, clinician, site administrator.
PAGE = {
    Act.SEE_CASES: "✓✓✓✓",
    Act.LABEL: "✓–––",
    Act.ADJUDICATE: "–✓––",
    Act.IMPORT_SLIDES: "–✓––",
    Act.SUPPLY_MPP: "–✓––",
    Act.FREEZE_DATASET: "–✓––",
    Act.LAUNCH_RUN: "–✓––",
    Act.CANCEL_RUN: "–✓––",
    Act.PUBLISH: "–✓––",
    Act.SEE_UNPUBLISHED: "–✓––",
    Act.SCORE: "––✓–",
    Act.EDIT_CELLS: "––✓–",
    Act.SIGN_VERDICT: "––✓–",
    Act.MANAGE_MEMBERS: "–✓–✓",
    Act.MANAGE_USERS: "–––✓",
    Act.MANAGE_PROJECTS: "–––✓",
}
ALLOWED = {
    act: {person for person, mark in zip(MEMBERS, marks, strict=True) if mark == "✓"} for act, marks in PAGE.items()
}


@pytest.fixture
def newcomer(project):
    """An account without any project."""
    return make_user("newcomer")


@pytest.fixture
def person(request):
    """Return a function that gives the person of a kind."""
    return request.getfixturevalue


@pytest.fixture
def house(project):
    return furnish(project, add_member(make_user("founder"), project, Role.LEAD))


# The rules


def test_the_page_and_the_code_name_the_same_acts():
    assert set(PAGE) == set(TABLE) == set(Act)


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("kind", MEMBERS)
def test_a_member_may_what_the_table_says(person, project, kind, act):
    user, allowed = person(kind), kind in ALLOWED[act]
    assert may(user, act, project) is allowed
    assert (act in acts_in(user, project)) is allowed
    assert may_somewhere(user, act) is allowed
    assert list(projects_where(user, act)) == ([project] if allowed else [])
    if allowed:
        require(user, act, project)
    else:
        with pytest.raises(PermissionDenied, match="Your role in “Breast study” does not allow this"):
            require(user, act, project)


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("kind", OUTSIDERS)
def test_an_outsider_may_nothing_and_learns_nothing(person, project, kind, act):
    user = person(kind)
    assert not may(user, act, project)
    assert project not in projects_where(user, act)
    with pytest.raises(Http404):
        require(user, act, project)


def test_roles_add_up(project):
    user = add_member(make_user(), project, Role.PATHOLOGIST, Role.CLINICIAN)
    assert roles_in(user, project) == {"pathologist", "clinician"}
    assert may(user, Act.LABEL, project)
    assert may(user, Act.SCORE, project)
    assert not may(user, Act.PUBLISH, project)


def test_a_role_counts_in_its_own_project_only(project, lead):
    other = make_project()
    add_member(lead, other, Role.CLINICIAN)
    assert list(projects_where(lead, Act.PUBLISH)) == [project]
    assert not may(lead, Act.PUBLISH, other)


def test_a_person_with_two_roles_sees_a_project_once(project):
    user = add_member(make_user(), project, Role.PATHOLOGIST, Role.LEAD)
    assert list(projects_where(user, Act.SEE_CASES)) == [project]


@pytest.mark.parametrize("kind", MEMBERS)
def test_who_is_deactivated_is_an_outsider(person, project, kind):
    user = person(kind)
    user.is_active = False
    assert acts_in(user, project) == frozenset()
    assert not projects_where(user, Act.SEE_CASES).exists()
    with pytest.raises(Http404):
        require(user, Act.SEE_CASES, project)


def test_a_visitor_may_nothing(project):
    visitor = AnonymousUser()
    assert acts_in(visitor, project) == frozenset()
    assert not projects_where(visitor, Act.SEE_CASES).exists()
    with pytest.raises(PermissionDenied):
        signed_in(visitor)


def test_the_first_project_can_be_made(site_admin):
    Project.objects.all().delete()
    assert may_somewhere(site_admin, Act.MANAGE_PROJECTS)
    assert not may_somewhere(site_admin, Act.LABEL)


def test_a_check_takes_one_query(project, lead, django_assert_num_queries):
    with django_assert_num_queries(1):
        require(lead, Act.PUBLISH, project)


# The addresses


IN, MISSING, FORBIDDEN, TO_LOGIN = "in", "404", "403", "to the login page"


def answer(door: Door, client, house) -> str:
    """Say how a door received a person. Whatever is wrong with the request itself, who may ask got in."""
    response = door.knock(client, house)
    if response.status_code == 302 and "/login/" in response["Location"]:
        return TO_LOGIN
    return {401: FORBIDDEN, 403: FORBIDDEN, 404: MISSING}.get(response.status_code, IN)


def expected(door: Door, kind: str) -> str:
    """Say how the table wants a person to be received. The admin site sends who is no staff to its login page."""
    if kind in ALLOWED[door.act]:
        return IN
    if kind == "visitor":
        return FORBIDDEN if door.path.startswith("/api/") else TO_LOGIN
    if door.path.startswith("/admin/"):
        return FORBIDDEN if kind in {"lead", "site_admin"} else TO_LOGIN
    return FORBIDDEN if kind in MEMBERS else MISSING


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_door_opens_as_the_table_says(person, client_of, client, house, door):
    clients = {"visitor": client} | {kind: client_of(person(kind)) for kind in OUTSIDERS + MEMBERS}
    # Those who may come last: they may change what the door leads to.
    in_order = sorted(clients, key=lambda kind: kind in ALLOWED[door.act])
    assert {kind: answer(door, clients[kind], house) for kind in in_order} == {
        kind: expected(door, kind) for kind in in_order
    }


def test_every_act_has_a_door():
    assert {door.act for door in DOORS} | WITHOUT_DOOR == set(Act)
    assert not {door.act for door in DOORS} & WITHOUT_DOOR


def test_no_api_method_answers_a_visitor(client, house):
    """Whatever is added to the API later: without signing in there is nothing but the door to sign in by."""
    open_doors = []
    for path, method in api_methods():
        address = path.replace("{slug}", house.project.slug).replace("{pk}", uuid_or_number(path))
        address = re.sub(r"{\w+}", "1", address)
        response = client.generic(method, address, headers={"Tus-Resumable": "1.0.0"})
        if response.status_code not in {401, 403}:
            open_doors.append((method, path, response.status_code))
    assert [door[:2] for door in open_doors] == [("POST", "/api/v1/token/")]


def uuid_or_number(path: str) -> str:
    return "00000000-0000-4000-8000-000000000000" if "/uploads/" in path else "1"
