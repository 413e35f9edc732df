"""Who holds which role in the demo project."""

from accounts.models import Project, Role, User
from accounts.services import add_member

ROLES = {"pathologist": Role.PATHOLOGIST, "lead": Role.LEAD, "clinician": Role.CLINICIAN}


def give_demo_roles(project: Project, users: dict[str, User]) -> None:
    """Give each demo account its role; the site administrator sees the project without one."""
    for username, role in ROLES.items():
        add_member(project=project, user=users[username], role=role)
