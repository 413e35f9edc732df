"""The comparison desk, and the list of slides that wait for a verdict."""

import csv
from io import BytesIO

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from PIL import Image

from accounts.access import signed_in
from accounts.errors import ApplicationError
from review import launch, selectors
from review.bland_altman_plot import plot_of
from review.report_facts import csv_rows, report_facts
from review.strips import strips_png
from review.tables import comparison
from viewer.models import Slide
from viewer.selectors import get_project, get_slide
from viewer.tokens import set_tile_cookie


@require_safe
def review_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Context: project, comparison (a `tables.Comparison`), plot (a `Plot` or None), mine (the reader's own state)."""
    project, user = get_project(request.user, slug), signed_in(request.user)
    compared = comparison(project, user)
    context = {
        "project": project,
        "comparison": compared,
        "plot": plot_of(compared),
        "mine": selectors.worklist([pair.synthetic for pair in compared.pairs], user),
    }
    return render(request, "review/list.html", context)


@require_safe
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Show H&E, real and synthetic slide side by side. Context: slide, project, data (for the script)."""
    slide = synthetic_slide(request, pk)
    source = slide.derived_from
    assert source is not None, "a synthetic slide names its source; a constraint in the database sees to it"
    real = selectors.real_counterpart(slide)
    if real is not None and selectors.alignment_of(source, real) is None:
        launch.align_sections(source, real)
    context = {
        "slide": slide,
        "project": slide.project,
        "data": selectors.review_payload(slide, signed_in(request.user)),
    }
    response = render(request, "review/review.html", context)
    for shown in (source, real, slide):
        if shown is not None:
            set_tile_cookie(response, shown, request.user)
    return response


@require_safe
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """The report on a synthetic slide as PDF, from the stored data."""
    # The layout library takes a moment to load, and most pages need none of it.
    from review.report_pdf import report_pdf
    from review.report_pictures import overviews, window_pictures

    facts = report_facts(synthetic_slide(request, pk), signed_in(request.user))
    pdf = report_pdf(facts, overviews(facts), window_pictures(facts))
    return _download(pdf, "application/pdf", f"{facts.file_name}-report.pdf")


@require_safe
def report_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """The numbers of a report, one row per count."""
    slide = synthetic_slide(request, pk)
    facts = report_facts(slide, signed_in(request.user))
    answer = _download(b"", "text/csv; charset=utf-8", f"{facts.file_name}-numbers.csv")
    csv.writer(answer).writerows(csv_rows(facts))
    return answer


@require_safe
def strips(request: HttpRequest, pk: int) -> HttpResponse:
    """H&E, real and synthetic at matched places as PNG; a page says what is missing for it."""
    slide = synthetic_slide(request, pk)
    try:
        picture, description = strips_png(slide)
    except ApplicationError as refusal:
        return render(request, "review/not_yet.html", {"slide": slide, "why": refusal.message}, status=409)
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", pnginfo=description)
    return _download(buffer.getvalue(), "image/png", f"slide-{slide.pk}-SYNTHETIC-strips.png")


def synthetic_slide(request: HttpRequest, pk: int) -> Slide:
    slide = get_slide(request.user, pk)
    if slide.derived_from is None:
        raise Http404
    return slide


def _download(content: bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
