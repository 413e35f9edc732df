"""Pages of blinded studies: make one, read one, see what it found."""

import csv

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Act, may, require, signed_in
from accounts.errors import ApplicationError
from review import launch, selectors, services
from review.forms import StudyForm
from review.models import Study
from review.study_results import csv_rows, results
from viewer.selectors import get_project
from viewer.storage import local_copy

KEPT = "private, max-age=31536000, immutable"


@require_http_methods(["GET", "HEAD", "POST"])
def study_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Context: project, studies, form (leads only)."""
    project, user = get_project(request.user, slug), signed_in(request.user)
    form = None
    if may(user, Act.PUBLISH, project):
        form = StudyForm(request.POST or None)
    elif request.method == "POST":
        require(user, Act.PUBLISH, project)
    if form is not None and form.is_bound and form.is_valid():
        try:
            launch.make_study(project, user, **form.cleaned_data)
        except ApplicationError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.info(request, _("The fields are being cut; reload the page in a moment."))
            return redirect("study-list", slug=slug)
    context = {
        "project": project,
        "studies": selectors.studies_of(project),
        "form": form,
        "may_read": may(user, Act.SCORE, project),
    }
    return render(request, "review/studies.html", context)


@require_safe
def study(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a study, or see its results. Context: study, project, results or None, data (for the script) or None."""
    found, user = selectors.get_study(request.user, pk), signed_in(request.user)
    reads = may(user, Act.SCORE, found.project) and found.state == Study.State.READY
    context = {
        "study": found,
        "project": found.project,
        "leads": may(user, Act.PUBLISH, found.project),
        "results": results(found) if selectors.may_see_results(user, found) else None,
        "data": selectors.reading_payload(found, user) if reads else None,
    }
    return render(request, "review/study.html", context)


@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    found = selectors.get_study(request.user, pk)
    require(request.user, Act.PUBLISH, found.project)
    try:
        services.close_study(found)
    except ApplicationError as refusal:
        messages.error(request, refusal.message)
    return redirect("study", pk=pk)


@require_safe
def answers(request: HttpRequest, pk: int) -> HttpResponse:
    """Every answer with what the field was, as CSV, for whom the results are open."""
    found = selectors.get_study(request.user, pk)
    if not selectors.may_see_results(signed_in(request.user), found):
        raise PermissionDenied(_("The answers can be taken along when the study is closed."))
    name = f"study-{found.pk}-answers.csv"
    answer = HttpResponse(
        content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
    csv.writer(answer).writerows(csv_rows(found))
    return answer


@require_safe
def picture(request: HttpRequest, code: str) -> HttpResponse:
    """One field of a study. Nothing in its address, headers or length tells what it is."""
    field = selectors.get_field(request.user, code)
    etag = f'"{field.etag}"'
    headers = {"ETag": etag, "Cache-Control": KEPT}
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponse(status=304, headers=headers)
    with local_copy(field.key) as path:
        return HttpResponse(path.read_bytes(), content_type="image/jpeg", headers=headers)
