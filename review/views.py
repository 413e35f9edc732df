"""The comparison desk, and the list of slides that wait for a verdict."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from review import launch, selectors
from review.tables import comparison
from viewer.selectors import get_project, get_slide
from viewer.tokens import set_tile_cookie


@require_safe
def review_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Context: project, comparison (a `tables.Comparison`)."""
    project = get_project(request.user, slug)
    return render(
        request, "review/list.html", {"project": project, "comparison": comparison(project, signed_in(request.user))}
    )


@require_safe
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Show H&E, real and synthetic slide side by side. Context: slide, project, data (for the script)."""
    slide = get_slide(request.user, pk)
    if slide.derived_from is None:
        raise Http404
    real = selectors.real_counterpart(slide)
    if real is not None and selectors.alignment_of(slide.derived_from, real) is None:
        launch.align_sections(slide.derived_from, real)
    context = {
        "slide": slide,
        "project": slide.project,
        "data": selectors.review_payload(slide, signed_in(request.user)),
    }
    response = render(request, "review/review.html", context)
    for shown in (slide.derived_from, real, slide):
        if shown is not None:
            set_tile_cookie(response, shown, request.user)
    return response
