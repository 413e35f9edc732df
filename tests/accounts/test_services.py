import pytest

from accounts.errors import ApplicationError, Conflict
from accounts.models import Membership, Role
from accounts.services import add_member, keep_staff_in_step, remove_member
from tests.factories import make_project, make_user


def test_a_new_lead_may_enter_the_admin_site(project):
    user = make_user()
    add_member(project, user, Role.LEAD)
    user.refresh_from_db()
    assert user.is_staff


def test_a_new_clinician_stays_out_of_the_admin_site(project):
    user = make_user()
    add_member(project, user, Role.CLINICIAN)
    user.refresh_from_db()
    assert not user.is_staff


def test_adding_twice_gives_one_membership(project):
    user = make_user()
    assert add_member(project, user, Role.LEAD) == add_member(project, user, Role.LEAD)
    assert Membership.objects.count() == 1


def test_one_person_holds_several_roles(project):
    user = make_user()
    add_member(project, user, Role.LEAD)
    add_member(project, user, Role.PATHOLOGIST)
    assert set(user.memberships.values_list("role", flat=True)) == {"lead", "pathologist"}


def test_an_unknown_role_is_refused(project):
    with pytest.raises(ApplicationError, match="“king” is no role; expected one of pathologist, lead, clinician"):
        add_member(project, make_user(), "king")
    assert not Membership.objects.exists()


def test_a_deactivated_person_gets_no_role(project):
    user = make_user("ann", is_active=False)
    with pytest.raises(ApplicationError, match="“ann” is deactivated"):
        add_member(project, user, Role.LEAD)
    assert not Membership.objects.exists()


def test_the_last_lead_cannot_leave(project, lead):
    with pytest.raises(Conflict, match="lead is the last lead of “Breast study”"):
        remove_member(project, lead, Role.LEAD)
    lead.refresh_from_db()
    assert lead.is_staff
    assert Membership.objects.filter(user=lead, role=Role.LEAD).count() == 1


def test_a_deactivated_lead_is_no_successor(project, lead):
    successor = make_user()
    add_member(project, successor, Role.LEAD)
    type(successor).objects.filter(pk=successor.pk).update(is_active=False)
    with pytest.raises(Conflict):
        remove_member(project, lead, Role.LEAD)


def test_a_lead_with_a_successor_leaves_and_loses_the_admin_site(project, lead):
    add_member(project, make_user(), Role.LEAD)
    remove_member(project, lead, Role.LEAD)
    lead.refresh_from_db()
    assert not lead.is_staff
    assert not lead.memberships.exists()


def test_a_lead_of_two_projects_keeps_the_admin_site(project, lead):
    other = make_project()
    add_member(other, lead, Role.LEAD)
    add_member(project, make_user(), Role.LEAD)
    remove_member(project, lead, Role.LEAD)
    lead.refresh_from_db()
    assert lead.is_staff


def test_the_last_pathologist_may_leave(project, pathologist):
    remove_member(project, pathologist, Role.PATHOLOGIST)
    assert not pathologist.memberships.exists()


def test_taking_a_role_that_is_not_held_changes_nothing(project, lead):
    remove_member(project, lead, Role.CLINICIAN)
    assert lead.memberships.count() == 1


def test_a_site_administrator_stays_staff_without_any_project(site_admin):
    keep_staff_in_step(site_admin)
    site_admin.refresh_from_db()
    assert site_admin.is_staff
