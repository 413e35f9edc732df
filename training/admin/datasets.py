"""Frozen data sets: their list, their page, and the page that freezes a new one."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from accounts.access import Act, projects_where, require, signed_in
from accounts.admin_access import ByAccess
from accounts.errors import ApplicationError
from accounts.models import Project
from training import selectors, services
from training.admin.forms import FreezeForm
from training.models import SPLITS, Dataset
from training.selectors import FreezePlan
from viewer.models import Slide


def chosen_project(request: HttpRequest, act: Act) -> Project | None:
    """Return the project that ?project= names, or the only one there is to choose; None: ask.

    Raises:
        Http404: no such project, or not one of theirs.
        PermissionDenied: a member without the right.
    """
    slug = request.GET.get("project", "")
    if slug:
        project = Project.objects.filter(slug=slug).first() or Project(pk=0)
        require(request.user, act, project)
        return project
    projects = list(projects_where(request.user, act)[:2])
    return projects[0] if len(projects) == 1 else None


def ask_for_project(request: HttpRequest, act: Act, title: str) -> HttpResponse:
    """Let the lead say which project it is about."""
    projects = projects_where(request.user, act)
    return render(request, "training/choose_project.html", {"projects": projects, "title": title})


@admin.register(Dataset)
class DatasetAdmin(ByAccess):
    """Read only: what is frozen stays as it is."""

    see = Act.FREEZE_DATASET
    list_display = ["__str__", "project", "pair", "patches", "independent_validation", "created_by", "created_at"]
    list_filter = [("project", admin.RelatedOnlyFieldListFilter), "independent_validation"]
    list_select_related = ["project", "created_by"]
    ordering = ["-pk"]

    @admin.display(description=_("stains"))
    def pair(self, dataset: Dataset) -> str:
        return f"{dataset.source_stain} → {dataset.target_stain}"

    @admin.display(description=_("patches"))
    def patches(self, dataset: Dataset) -> str:
        return selectors.patch_counts(dataset)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": _("Data sets")} | (extra_context or {}))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [path("freeze/", view(self.freeze_view), name="training_dataset_freeze"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_options: Any) -> HttpResponse:
        dataset = selectors.get_dataset(request.user, _number(object_id))
        context = {
            "dataset": dataset,
            "table": counts_table(dataset.counts),
            "splits": [(split.label, dataset.splits.get(split.value, [])) for split in SPLITS],
            "runs": dataset.runs.order_by("-pk"),
            "patches": selectors.patch_counts(dataset),
        }
        return render(request, "training/dataset.html", context)

    def freeze_view(self, request: HttpRequest) -> HttpResponse:
        """Show what a freeze would hold; freeze it when asked to."""
        project = chosen_project(request, Act.FREEZE_DATASET)
        if project is None:
            return ask_for_project(request, Act.FREEZE_DATASET, _("Freeze labels"))
        cases = _cases(project)
        posted = request.method == "POST"
        named = FreezeForm(selectors.freeze_plan(project), cases, request.POST).splits() if posted else None
        plan = selectors.freeze_plan(project, named)
        form = FreezeForm(plan, cases, request.POST if posted else None)
        if posted and "freeze" in request.POST and form.is_valid():
            try:
                dataset = services.freeze_dataset(
                    project,
                    signed_in(request.user),
                    allow_dependent_validation=form.cleaned_data["confirm"],
                    splits=named,
                    note=form.cleaned_data["note"],
                )
            except ApplicationError as refusal:
                messages.error(request, refusal.message)
            else:
                messages.success(request, _("%(dataset)s is frozen. Launch a training on it.") % {"dataset": dataset})
                return redirect(reverse("admin:training_dataset_change", args=[dataset.pk]))
        return render(request, "training/freeze.html", freeze_context(project, plan, form))


def freeze_context(project: Project, plan: FreezePlan, form: FreezeForm) -> dict[str, Any]:
    """Return what the freeze page shows: each case with its labels, the sums by split, what speaks against it."""
    rows = []
    for case, field in form.split_fields():
        cells = [
            {
                "stain": stain,
                "slides": sum(slide.stain == stain and slide.case.name == case for slide in plan.all_slides),
                "tumor": plan.labels_of(case, stain, "tumor"),
                "normal": plan.labels_of(case, stain, "normal"),
            }
            for stain in plan.stains
        ]
        rows.append({"case": case, "field": field, "cells": cells})
    return {
        "project": project,
        "plan": plan,
        "form": form,
        "rows": rows,
        "table": counts_table(plan.counts),
        "target_mpp": plan.header.target_mpp if plan.header else None,
    }


def counts_table(counts: dict[str, dict[str, dict[str, int]]]) -> list[dict[str, Any]]:
    """Turn counts by stain and split into rows for a page, one per split."""
    return [
        {
            "split": split.label,
            "cells": [{"stain": stain, **by_split[split.value]} for stain, by_split in counts.items()],
        }
        for split in SPLITS
    ]


def _cases(project: Project) -> list[str]:
    pair = [project.source_stain, project.target_stain]
    slides: QuerySet[Slide] = Slide.objects.filter(case__project=project, origin=Slide.Origin.REAL, stain__in=pair)
    return sorted(set(slides.values_list("case__name", flat=True)))


def _number(object_id: str) -> int:
    return int(object_id) if object_id.isdecimal() else 0
