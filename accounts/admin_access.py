"""Admin pages whose rights come from `accounts.access` in place of Django's permission tables."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.access import Act, may_somewhere, projects_where
from accounts.errors import ApplicationError

View = Callable[..., HttpResponse]


class ByAccess(admin.ModelAdmin):
    """Rows of the projects in which the person may `see`; changes where the person may `change` (None: read only).

    A refusal raised by a service becomes a message on the page the person came from.
    """

    see: Act
    change: Act | None = None
    project_lookup = "project"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        mine = projects_where(request.user, self.see)
        return super().get_queryset(request).filter(**{f"{self.project_lookup}__in": mine}).distinct()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_somewhere(request.user, self.see)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.allows(request, self.see, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.allows(request, self.change, None)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.allows(request, self.change, obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.allows(request, self.change, obj)

    def allows(self, request: HttpRequest, act: Act | None, obj: models.Model | None) -> bool:
        """Tell whether the person may do it to this row; without a row, whether to any."""
        if act is None or not request.user.is_active:
            return False
        if obj is None:
            return may_somewhere(request.user, act)
        mine = projects_where(request.user, act)
        return self.model._default_manager.filter(pk=obj.pk, **{f"{self.project_lookup}__in": mine}).exists()

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return refusals_as_messages(super().changeform_view, request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return refusals_as_messages(super().changelist_view, request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return refusals_as_messages(super().delete_view, request, *args, **kwargs)


def refusals_as_messages(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Run an admin view; where a service refuses, show why and return to the page."""
    try:
        return view(request, *args, **kwargs)
    except ApplicationError as refusal:
        messages.error(request, refusal.message)
        return redirect(request.get_full_path())
