"""Grid settings for leads, and the labels of their projects to read."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts.access import Act, projects_where
from accounts.admin_access import ByAccess
from annotation import services
from annotation.models import GridSettings, SlideGrid, WeakLabel

SETTINGS = ["patch_px", "instance_px", "min_tissue_share", "target_mpp"]


@admin.register(GridSettings)
class GridSettingsAdmin(ByAccess):
    """How a project cuts its slides: free until the first label, fixed from then on."""

    see = Act.FREEZE_DATASET
    change = Act.FREEZE_DATASET
    list_display = ["project", *SETTINGS, "labels_csv"]
    list_select_related = ["project"]
    fields = ["project", *SETTINGS]

    @admin.display(description=_("labels"))
    def labels_csv(self, settings: GridSettings) -> str:
        address = f"{reverse('api-labels-export')}?{urlencode({'project': settings.project.slug})}"
        return format_html('<a href="{}">{}</a>', address, _("CSV"))

    def get_readonly_fields(self, request: HttpRequest, obj: GridSettings | None = None) -> list[str]:
        return ["project"] if obj else []

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "project":
            kwargs["queryset"] = projects_where(request.user, Act.FREEZE_DATASET).filter(grid_settings__isnull=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: GridSettings, form: Any, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in SETTINGS}
        obj.pk = services.change_grid_settings(obj.project, **changes).pk


class ReadOnly(ByAccess):
    """Rows that nobody changes by hand."""

    see = Act.FREEZE_DATASET
    change = None


@admin.register(SlideGrid)
class SlideGridAdmin(ReadOnly):
    project_lookup = "slide__case__project"
    list_display = ["slide", "columns", "rows", "size_l0", "otsu_threshold", "resampled", "created_at"]
    list_select_related = ["slide__case"]


@admin.register(WeakLabel)
class WeakLabelAdmin(ReadOnly):
    """Append-only: the database refuses change, and this page offers none."""

    project_lookup = "patch__slide__case__project"
    list_display = ["patch", "reader", "shown_value", "route", "milliseconds", "created_at"]
    list_filter = ["value", "route", ("reader", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["patch__slide__case", "reader"]
    ordering = ["-pk"]
    show_full_result_count = False

    @admin.display(description=_("label"))
    def shown_value(self, label: WeakLabel) -> str:
        return str(label.get_value_display() if label.value else _("withdrawn"))
