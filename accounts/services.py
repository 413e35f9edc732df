"""Give and take roles. The membership decides who enters the admin site, so both change together."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import Membership, Project, Role, User


@transaction.atomic
def add_member(project: Project, user: User, role: str) -> Membership:
    """Give a person a role in a project; a repeat returns the membership that stands."""
    if role not in Role.values:
        raise ApplicationError(
            _("“%(role)s” is no role; expected one of %(roles)s.") % {"role": role, "roles": ", ".join(Role.values)}
        )
    if not user.is_active:
        raise ApplicationError(
            _("The account “%(user)s” is deactivated; a site administrator can activate it.") % {"user": user.username}
        )
    membership, _created = Membership.objects.get_or_create(project=project, user=user, role=role)
    keep_staff_in_step(user)
    return membership


@transaction.atomic
def remove_member(project: Project, user: User, role: str) -> None:
    """Take a role from a person; taking one that is not held changes nothing.

    Raises:
        Conflict: this is the project's last active lead, who must name a successor first.
    """
    Project.objects.select_for_update().get(pk=project.pk)  # of two leads who leave at once, one stays
    held = Membership.objects.filter(project=project, user=user, role=role)
    if not held.exists():
        return
    if role == Role.LEAD and not _other_leads(project, user):
        raise Conflict(
            _("%(user)s is the last lead of “%(project)s”. Make somebody else a lead first.")
            % {"user": user.username, "project": project.name}
        )
    held.delete()
    keep_staff_in_step(user)


def keep_staff_in_step(user: User) -> None:
    """Let leads and site administrators into the admin site, and nobody else."""
    leads = Membership.objects.filter(user=user, role=Role.LEAD).exists()
    user.is_staff = user.is_superuser or leads
    User.objects.filter(pk=user.pk).update(is_staff=user.is_staff)


def _other_leads(project: Project, user: User) -> bool:
    others = Membership.objects.filter(project=project, role=Role.LEAD, user__is_active=True).exclude(user=user)
    return others.exists()
