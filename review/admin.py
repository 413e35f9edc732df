"""Scores and verdicts of a lead's projects, to read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.access import Act, projects_where
from accounts.admin_access import ByAccess
from review.models import Alignment, CellScore, Review, ScoringSettings
from viewer.models import Slide


class ReadOnly(ByAccess):
    """Rows that nobody changes by hand."""

    see = Act.LAUNCH_RUN
    change = None


@admin.register(CellScore)
class CellScoreAdmin(ReadOnly):
    project_lookup = "slide__case__project"
    list_display = ["slide", "state", "ratio", "positive", "negative", "calibrated_on", "created_by", "created_at"]
    list_filter = ["state"]
    list_select_related = ["slide__case", "calibrated_on__case", "created_by"]


@admin.register(Alignment)
class AlignmentAdmin(ReadOnly):
    project_lookup = "fixed__case__project"
    list_display = ["fixed", "moving", "correlation", "method", "message", "created_at"]
    list_select_related = ["fixed__case", "moving__case"]


@admin.register(Review)
class ReviewAdmin(ReadOnly):
    project_lookup = "slide__case__project"
    list_display = ["slide", "verdict", "reader", "comment", "created_at"]
    list_filter = ["verdict"]
    list_select_related = ["slide__case", "reader"]


@admin.register(ScoringSettings)
class ScoringSettingsAdmin(ByAccess):
    """What a project asks of a count; a lead changes it."""

    see = Act.LAUNCH_RUN
    change = Act.LAUNCH_RUN
    list_display = ["project", "detector", "grade", "least_cells", "hot_spot_um", "reference_slide"]
    list_select_related = ["project", "reference_slide__case"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        mine = projects_where(request.user, Act.LAUNCH_RUN)
        if db_field.name == "project":
            kwargs["queryset"] = mine
        elif db_field.name == "reference_slide":
            kwargs["queryset"] = Slide.objects.filter(case__project__in=mine, origin=Slide.Origin.REAL)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
