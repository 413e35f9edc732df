"""The labelling page: one patch at a time, the slide's grid beside it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from accounts.errors import ApplicationError
from annotation import selectors, services
from viewer.selectors import get_slide
from viewer.tokens import set_tile_cookie


@require_safe
def label(request: HttpRequest, pk: int) -> HttpResponse:
    """Context: slide, project, and either data (for the script) or refusal (why there is nothing to label)."""
    slide = get_slide(request.user, pk)
    context: dict[str, Any] = {"slide": slide, "project": slide.project}
    try:
        services.open_for_labelling(slide)
    except ApplicationError as error:
        context["refusal"] = error.message
        return render(request, "annotation/label.html", context, status=error.status)
    context["data"] = selectors.labelling_payload(slide, signed_in(request.user))
    response = render(request, "annotation/label.html", context)
    set_tile_cookie(response, slide, request.user)
    return response
