"""Pages of the pathologist's room: the desk, one's queue, the lead's dashboard, disagreement, files."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import Act, acts_in, may, require, signed_in
from accounts.errors import ApplicationError
from annotation import selectors, services
from annotation.files import FORMATS
from annotation.models import Reading, ReadingSettings
from viewer.selectors import get_project, get_slide, viewer_payload
from viewer.tokens import set_tile_cookie


@require_safe
def label(request: HttpRequest, pk: int) -> HttpResponse:
    """Context: slide, project, and either data (for the script) or refusal (why there is nothing to label)."""
    slide = get_slide(request.user, pk)
    context: dict[str, Any] = {"slide": slide, "project": slide.project}
    order = request.GET.get("order") or "position"
    try:
        services.open_for_labelling(slide)
        context["data"] = selectors.labelling_payload(slide, signed_in(request.user), order)
    except ApplicationError as error:
        context["refusal"] = error.message
        return render(request, "annotation/label.html", context, status=error.status)
    response = render(request, "annotation/label.html", context)
    set_tile_cookie(response, slide, request.user)
    return response


@require_safe
def my_queue(request: HttpRequest) -> HttpResponse:
    """Context: work (a reading and its progress each), projects in which one may label without an assignment."""
    reader = signed_in(request.user)
    return render(
        request,
        "annotation/queue.html",
        {"work": selectors.my_work(reader), "projects": selectors.open_projects(reader)},
    )


@require_safe
def dashboard(request: HttpRequest, slug: str) -> HttpResponse:
    """Context: project, states, readers, balance, settings, pathologists. Agreement is fetched by the page."""
    project = get_project(request.user, slug)
    require(request.user, Act.FREEZE_DATASET, project)
    states = selectors.slide_states(project)
    context = {
        "project": project,
        "states": states,
        "readers": selectors.reader_rows(project, states),
        "balance": selectors.class_balance(project),
        "settings": selectors.reading_settings(project),
        "rules": ReadingSettings.Rule.choices,
        "parts": Reading.Part.choices,
        "pathologists": selectors.pathologists(project),
        "payload": {"project": project.slug},
    }
    return render(request, "annotation/dashboard.html", context)


@require_safe
def adjudicate(request: HttpRequest, pk: int) -> HttpResponse:
    """Context: slide, project, data: the slide and the patches on which its readers differ."""
    slide = get_slide(request.user, pk)
    selectors.require_adjudicator(slide, request.user)
    data = {"slide": viewer_payload(slide), "patches": selectors.disagreements(slide)}
    response = render(request, "annotation/adjudicate.html", {"slide": slide, "project": slide.project, "data": data})
    set_tile_cookie(response, slide, request.user)
    return response


@require_safe
def label_files(request: HttpRequest, slug: str) -> HttpResponse:
    """Context: project, slides, formats, can_import: labels out as files, and in again."""
    project = get_project(request.user, slug)
    if not may(request.user, Act.LABEL, project):
        require(request.user, Act.FREEZE_DATASET, project)
    context = {
        "project": project,
        "slides": selectors.labelled_slides(project),
        "formats": list(FORMATS),
        "can_import": Act.LABEL in acts_in(request.user, project),
        "payload": {"project": project.slug},
    }
    return render(request, "annotation/files.html", context)
