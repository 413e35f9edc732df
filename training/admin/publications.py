"""The history of what clinicians were shown."""

from django.contrib import admin

from accounts.access import Act
from accounts.admin_access import ByAccess
from training.models import Publication


@admin.register(Publication)
class PublicationAdmin(ByAccess):
    """Read only: publishing and withdrawing is done on the page of the run."""

    see = Act.PUBLISH
    project_lookup = "slide__case__project"
    list_display = [
        "slide",
        "run",
        "published_by",
        "published_at",
        "withdrawn_by",
        "withdrawn_at",
        "reason",
    ]
    list_filter = [("slide__case__project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["slide__case", "run", "published_by", "withdrawn_by"]
