"""The labelling page: one patch at a time, the slide's grid beside it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.errors import ApplicationError
from annotation import selectors, services
from viewer.selectors import get_slide
from viewer.tokens import set_tile_cookie


def label(request: HttpRequest, pk: int) -> HttpResponse:
    """Context: slide, project, and either data (for the script) or refusal (why there is nothing to label)."""
    slide = get_slide(request.user, pk)
    context = {"slide": slide, "project": slide.project}
    try:
        services.open_for_labelling(slide)
    except ApplicationError as error:
        return render(request, "annotation/label.html", {**context, "refusal": error.message}, status=error.status)
    context["data"] = selectors.labelling_payload(slide, request.user)
    response = render(request, "annotation/label.html", context)
    set_tile_cookie(response, slide, request.user)
    return response
