"""What other rooms' pages say of labelling."""

from typing import Any

from django import template

from accounts.models import Project, User
from annotation.selectors import labelling_rows

register = template.Library()


@register.simple_tag
def labelling_of(project: Project, user: User) -> dict[int, dict[str, Any]]:
    """Return the labelling rows of a project's slides: `{% labelling_of project user as labelling %}`."""
    return labelling_rows(project, user)


@register.inclusion_tag("annotation/slide_row.html")
def labelling_row(rows: dict[int, dict[str, Any]], slide_pk: int) -> dict[str, Any]:
    """Show one slide's row, if its grid is laid."""
    return {"row": rows.get(slide_pk) if rows else None, "slide_pk": slide_pk}


@register.filter
def per_cent(share: float | None) -> str:
    """0.217 → “21.7 %”."""
    return "–" if share is None else f"{share * 100:.1f} %"
