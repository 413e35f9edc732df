"""Runs: their list, the page of one, and what can be done with it."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.access import Act, signed_in
from accounts.admin_access import ByAccess
from accounts.errors import ApplicationError
from accounts.models import User
from training import launch, selectors, services
from training.admin.launching import LaunchPages
from training.models import Run
from viewer.models import Slide

Verb = Callable[[Run, User, HttpRequest], str]


@admin.register(Run)
class RunAdmin(LaunchPages, ByAccess):
    """Runs are launched, cancelled and resumed, never edited."""

    see = Act.LAUNCH_RUN
    list_display = ["title", "project", "status_badge", "how_far", "validation", "created_at"]
    list_filter = [("project", admin.RelatedOnlyFieldListFilter), "kind", "status"]
    list_select_related = ["project", "created_by", "slide__case"]
    ordering = ["-pk"]

    @admin.display(description=_("run"), ordering="pk")
    def title(self, run: Run) -> str:
        return selectors.run_title(run)

    @admin.display(description=_("status"), ordering="status")
    def status_badge(self, run: Run) -> SafeString:
        return format_html('<span class="run-status run-status-{}">{}</span>', run.status, run.get_status_display())

    @admin.display(description=_("progress"))
    def how_far(self, run: Run) -> str:
        step, total = run.progress.get("step"), run.progress.get("total")
        if run.status != Run.Status.RUNNING or not total:
            return ""
        return format_html('<progress max="{}" value="{}"></progress>', total, step)

    @admin.display(description=_("independent"), boolean=True, ordering="independent_validation")
    def validation(self, run: Run) -> bool:
        return run.independent_validation

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": _("Runs")} | (extra_context or {}))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        verbs = [
            path(f"<int:pk>/{name}/", view(self.verb_view), {"verb": verb}, name=f"training_run_{name}")
            for name, verb in VERBS.items()
        ]
        return [*verbs, *self.launch_urls(), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_options: Any) -> HttpResponse:
        """The page of a run. What changes while it works comes as JSON and is polled from the API."""
        if not object_id.isdecimal():
            raise Http404
        run = selectors.get_run(request.user, int(object_id))
        context = {
            "run": run,
            "title": selectors.run_title(run),
            "payload": launch.run_payload(run),
            "metrics": selectors.metrics_series(run),
            "made_from": selectors.made_from(run),
            "changed": selectors.changed_keys(run.kind, run.config),
        }
        return render(request, "training/run.html", context)

    def verb_view(self, request: HttpRequest, pk: int, verb: tuple[Act, Verb]) -> HttpResponse:
        """Do something with a run, and say on its page what became of it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        act, do = verb
        run = selectors.get_run(request.user, pk, act)
        try:
            messages.success(request, do(run, signed_in(request.user), request))
        except ApplicationError as refusal:
            messages.error(request, refusal.message)
        return redirect(selectors.run_page(run))


def cancel(run: Run, by: User, _request: HttpRequest) -> str:
    if services.request_cancel(run, by).status == Run.Status.CANCELLED:
        return _("The run is cancelled.")
    return _("The worker was asked to stop; it ends within seconds.")


def resume(run: Run, _by: User, _request: HttpRequest) -> str:
    launch.resume_run(run)
    return _("The run is queued again; it goes on from its last full state.")


def publish(run: Run, by: User, _request: HttpRequest) -> str:
    services.publish(_product(run), by)
    return _("The synthetic slide is published: every member of the project sees it.")


def withdraw(run: Run, by: User, request: HttpRequest) -> str:
    services.withdraw(_product(run), by, request.POST.get("reason", ""))
    return _("The synthetic slide is withdrawn: only leads see it. The history is kept.")


def _product(run: Run) -> Slide:
    slide = selectors.product_of(run)
    if slide is None:
        raise ApplicationError(_("%(run)s has made no slide.") % {"run": run})
    return slide


VERBS: dict[str, tuple[Act, Verb]] = {
    "cancel": (Act.CANCEL_RUN, cancel),
    "resume": (Act.LAUNCH_RUN, resume),
    "publish": (Act.PUBLISH, publish),
    "withdraw": (Act.PUBLISH, withdraw),
}
