import pytest

from accounts.models import Membership, Project, Role, User
from tests.factories import add_member, make_project, make_user

pytestmark = pytest.mark.django_db


def messages_of(response):
    return [str(message) for message in response.context["messages"]]


def test_a_pathologist_does_not_get_into_the_admin_site(client_of, pathologist):
    assert client_of(pathologist).get("/admin/").status_code == 302


def test_a_lead_sees_only_the_memberships_of_own_projects(client_of, project, lead, outsider):
    response = client_of(lead).get("/admin/accounts/membership/")
    assert [m.user for m in response.context["cl"].result_list] == [lead]


def test_a_lead_sees_only_the_people_of_own_projects(client_of, lead, pathologist, outsider):
    response = client_of(lead).get("/admin/accounts/user/")
    assert set(response.context["cl"].result_list) == {lead, pathologist}


def test_a_lead_cannot_open_a_stranger_s_account(client_of, lead, outsider):
    assert client_of(lead).get(f"/admin/accounts/user/{outsider.pk}/change/").status_code == 302


def test_a_lead_cannot_change_or_make_accounts(client_of, lead, pathologist):
    client = client_of(lead)
    url = f"/admin/accounts/user/{pathologist.pk}/change/"
    assert client.post(url, {"username": "owned", "is_superuser": "on"}).status_code == 403
    assert client.get("/admin/accounts/user/add/").status_code == 403
    assert client.get(f"/admin/accounts/user/{pathologist.pk}/password/").status_code == 403
    pathologist.refresh_from_db()
    assert (pathologist.username, pathologist.is_superuser) == ("pathologist", False)


def test_a_lead_adds_a_member_by_username(client_of, project, lead):
    newcomer = make_user("newcomer")
    response = client_of(lead).post(
        "/admin/accounts/membership/add/", {"project": project.pk, "user": "newcomer", "role": "lead"}
    )
    assert response.status_code == 302
    newcomer.refresh_from_db()
    assert newcomer.is_staff
    assert newcomer.memberships.get().project == project


def test_a_lead_cannot_add_a_member_to_another_project(client_of, lead):
    other = make_project()
    response = client_of(lead).post(
        "/admin/accounts/membership/add/", {"project": other.pk, "user": lead.username, "role": "lead"}
    )
    assert "project" in response.context["adminform"].form.errors
    assert not other.memberships.exists()


def test_a_lead_cannot_remove_a_member_of_another_project(client_of, lead, outsider):
    membership = outsider.memberships.get()
    client_of(lead).post(f"/admin/accounts/membership/{membership.pk}/delete/", {"post": "yes"})
    assert Membership.objects.filter(pk=membership.pk).exists()


def test_the_last_lead_is_told_why_nothing_was_removed(client_of, lead):
    membership = lead.memberships.get()
    url = f"/admin/accounts/membership/{membership.pk}/delete/"
    response = client_of(lead).post(url, {"post": "yes"}, follow=True)
    assert any("last lead" in message for message in messages_of(response))
    assert lead.memberships.exists()


def test_removing_all_leads_at_once_is_refused_as_a_whole(client_of, project, lead, site_admin):
    second = add_member(make_user(), project, Role.LEAD)
    chosen = list(Membership.objects.values_list("pk", flat=True))
    response = client_of(site_admin).post(
        "/admin/accounts/membership/",
        {"action": "delete_selected", "_selected_action": chosen, "post": "yes"},
        follow=True,
    )
    assert any("last lead" in message for message in messages_of(response))
    assert Membership.objects.filter(role=Role.LEAD, project=project).count() == 2
    assert second.memberships.exists()


def test_a_lead_sees_but_does_not_change_the_own_project(client_of, project, lead):
    make_project("Hidden study")
    client = client_of(lead)
    listed = client.get("/admin/accounts/project/").context["cl"].result_list
    assert list(listed) == [project]
    client.post(f"/admin/accounts/project/{project.pk}/change/", {"name": "Renamed"})
    project.refresh_from_db()
    assert project.name == "Breast study"


def test_a_site_administrator_makes_the_first_project(client_of, site_admin):
    response = client_of(site_admin).post(
        "/admin/accounts/project/add/",
        {"name": "First", "slug": "first", "source_stain": "HE", "target_stain": "KI67", "description": ""},
    )
    assert response.status_code == 302
    assert Project.objects.get().name == "First"


def test_a_project_needs_two_different_stains(client_of, site_admin):
    response = client_of(site_admin).post(
        "/admin/accounts/project/add/",
        {"name": "First", "slug": "first", "source_stain": "HE", "target_stain": "HE", "description": ""},
    )
    assert response.status_code == 200
    assert not Project.objects.exists()


def test_a_site_administrator_makes_and_deactivates_accounts(client_of, site_admin):
    client = client_of(site_admin)
    password = "correct horse battery"
    client.post(
        "/admin/accounts/user/add/",
        {"username": "ann", "password1": password, "password2": password, "usable_password": "true"},
    )
    ann = User.objects.get(username="ann")
    client.post(f"/admin/accounts/user/{ann.pk}/change/", {"username": "ann"})
    ann.refresh_from_db()
    assert not ann.is_active


def test_a_site_administrator_who_makes_another_lets_them_in(client_of, site_admin):
    ann = make_user("ann")
    client_of(site_admin).post(
        f"/admin/accounts/user/{ann.pk}/change/", {"username": "ann", "is_active": "on", "is_superuser": "on"}
    )
    ann.refresh_from_db()
    assert (ann.is_superuser, ann.is_staff) == (True, True)


def test_nobody_deletes_accounts_or_projects(client_of, project, site_admin, lead):
    client = client_of(site_admin)
    assert client.post(f"/admin/accounts/user/{lead.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"/admin/accounts/project/{project.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=lead.pk).exists()
