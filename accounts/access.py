"""Who may do what: the one place that is asked, by pages, API, admin and commands alike."""

from enum import StrEnum

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.models import Membership, Project, Role, User

Person = User | AnonymousUser

SITE_ADMIN = "site_admin"


class Act(StrEnum):
    """What a person may want to do in a project."""

    SEE_CASES = "see_cases"
    LABEL = "label"
    ADJUDICATE = "adjudicate"
    IMPORT_SLIDES = "import_slides"
    SUPPLY_MPP = "supply_mpp"
    FREEZE_DATASET = "freeze_dataset"
    LAUNCH_RUN = "launch_run"
    CANCEL_RUN = "cancel_run"
    PUBLISH = "publish"
    SEE_UNPUBLISHED = "see_unpublished"
    SCORE = "score"
    EDIT_CELLS = "edit_cells"
    SIGN_VERDICT = "sign_verdict"
    MANAGE_MEMBERS = "manage_members"
    MANAGE_USERS = "manage_users"
    MANAGE_PROJECTS = "manage_projects"


# The table "Who may do what" of the architecture page. A pathologist adjudicates only where assigned;
# the annotation room asks its own list of assignments besides this one.
TABLE: dict[Act, frozenset[str]] = {
    Act.SEE_CASES: frozenset({Role.PATHOLOGIST, Role.LEAD, Role.CLINICIAN, SITE_ADMIN}),
    Act.LABEL: frozenset({Role.PATHOLOGIST}),
    Act.ADJUDICATE: frozenset({Role.LEAD}),
    Act.IMPORT_SLIDES: frozenset({Role.LEAD}),
    Act.SUPPLY_MPP: frozenset({Role.LEAD}),
    Act.FREEZE_DATASET: frozenset({Role.LEAD}),
    Act.LAUNCH_RUN: frozenset({Role.LEAD}),
    Act.CANCEL_RUN: frozenset({Role.LEAD}),
    Act.PUBLISH: frozenset({Role.LEAD}),
    Act.SEE_UNPUBLISHED: frozenset({Role.LEAD}),
    Act.SCORE: frozenset({Role.CLINICIAN}),
    Act.EDIT_CELLS: frozenset({Role.CLINICIAN}),
    Act.SIGN_VERDICT: frozenset({Role.CLINICIAN}),
    Act.MANAGE_MEMBERS: frozenset({Role.LEAD, SITE_ADMIN}),
    Act.MANAGE_USERS: frozenset({SITE_ADMIN}),
    Act.MANAGE_PROJECTS: frozenset({SITE_ADMIN}),
}


def signed_in(user: Person) -> User:
    """Return the person of a request; pages and API let nobody in who has not signed in."""
    if not user.is_authenticated:
        raise PermissionDenied(_("Sign in first."))
    return user


def is_site_admin(user: Person) -> bool:
    """Tell whether the person looks after the site: its users, projects and memberships."""
    return user.is_active and user.is_superuser


def roles_in(user: Person, project: Project) -> frozenset[str]:
    """Return the roles a person holds in a project; none for who is deactivated. One query."""
    if not user.is_active or user.pk is None:
        return frozenset()
    return frozenset(Membership.objects.filter(user_id=user.pk, project=project).values_list("role", flat=True))


def may(user: Person, act: Act, project: Project) -> bool:
    """Tell whether a person may do something in a project."""
    return act in acts_in(user, project)


def acts_in(user: Person, project: Project) -> frozenset[Act]:
    """Return everything a person may do in a project. One query."""
    roles = _roles_with_site_admin(user, project)
    return frozenset(act for act, allowed in TABLE.items() if roles & allowed)


def require(user: Person, act: Act, project: Project) -> None:
    """Let the person pass, or refuse.

    Raises:
        Http404: an outsider, who is not told that the project exists.
        PermissionDenied: a member whose roles do not allow it.
    """
    roles = _roles_with_site_admin(user, project)
    if not roles:
        raise Http404
    if not roles & TABLE[act]:
        raise PermissionDenied(
            _("Your role in “%(project)s” does not allow this. Ask a project lead.") % {"project": project.name}
        )


def projects_where(user: Person, act: Act) -> QuerySet[Project]:
    """Return the projects in which a person may do something."""
    if not user.is_active:
        return Project.objects.none()
    if is_site_admin(user) and SITE_ADMIN in TABLE[act]:
        return Project.objects.all()
    held = Membership.objects.filter(user_id=user.pk, role__in=TABLE[act])
    return Project.objects.filter(pk__in=held.values("project"))


def may_somewhere(user: Person, act: Act) -> bool:
    """Tell whether there is a project in which a person may do something; a site administrator needs none to begin."""
    return (is_site_admin(user) and SITE_ADMIN in TABLE[act]) or projects_where(user, act).exists()


def _roles_with_site_admin(user: Person, project: Project) -> frozenset[str]:
    roles = roles_in(user, project)
    return roles | {SITE_ADMIN} if is_site_admin(user) else roles
