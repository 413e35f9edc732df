"""Find what a person names on a command line."""

from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from accounts.models import Project


def project_named(named: str) -> Project:
    """Return the project of this slug, else of this name.

    Raises:
        ApplicationError: there is none; the message lists those there are.
    """
    project = Project.objects.filter(slug=named).first() or Project.objects.filter(name=named).first()
    if project is None:
        known = ", ".join(Project.objects.values_list("slug", flat=True)) or _("none yet: make one in the admin")
        raise ApplicationError(
            _("There is no project “%(named)s”; there are: %(known)s.") % {"named": named, "known": known}
        )
    return project
