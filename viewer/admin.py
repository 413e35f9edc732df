"""Cases, slides and imports, to look at: they change through their own pages, never by editing a row."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.access import Act
from accounts.admin_access import ByAccess
from viewer.models import Case, Slide, SlideImport
from viewer.selectors import mpp_note, slide_title, visible_slides


@admin.register(Case)
class CaseAdmin(ByAccess):
    see = Act.SEE_CASES
    list_display = ["name", "project", "created_at"]
    list_filter = ["project"]
    list_select_related = ["project"]
    search_fields = ["name"]


@admin.register(Slide)
class SlideAdmin(ByAccess):
    see = Act.SEE_CASES
    project_lookup = "case__project"
    list_display = ["title", "page", "state", "mpp", "note", "published_at", "created_at"]
    list_filter = ["stain", "origin", "state"]
    search_fields = ["case__name"]
    fields = [
        "case",
        "stain",
        "origin",
        "drawn",
        "state",
        "format",
        "width_l0",
        "height_l0",
        "mpp",
        "mpp_source",
        "mpp_by",
        "mpp_at",
        "size_bytes",
        "content_sha256",
        "version",
        "derived_from",
        "generator_sha256",
        "published_at",
        "imported_by",
        "created_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Slide]:
        return visible_slides(request.user)

    @admin.display(description=_("slide"))
    def title(self, slide: Slide) -> str:
        return slide_title(slide)

    @admin.display(description=_("viewer"))
    def page(self, slide: Slide) -> str:
        return format_html('<a href="/slides/{}/">{}</a>', slide.pk, _("open"))

    @admin.display(description=_("resolution"))
    def note(self, slide: Slide) -> str:
        return mpp_note(slide)


@admin.register(SlideImport)
class SlideImportAdmin(ByAccess):
    see = Act.IMPORT_SLIDES
    list_display = ["case_name", "stain", "project", "state", "share", "message", "created_by", "created_at"]
    list_filter = ["state", "project"]
    list_select_related = ["project", "created_by"]
    exclude = ["source_path", "stored_key"]

    @admin.display(description=_("progress"))
    def share(self, slide_import: SlideImport) -> Any:
        return f"{slide_import.progress:.0%}"
