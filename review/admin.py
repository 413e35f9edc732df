"""Scores and verdicts of a lead's projects, to read."""

from django.contrib import admin

from accounts.access import Act
from accounts.admin_access import ByAccess
from review.models import Alignment, CellScore, Review


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
