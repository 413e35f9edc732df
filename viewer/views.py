"""Pages of projects and slides, and the pictures in them."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from accounts.access import Act, signed_in
from viewer import selectors, serializers
from viewer.thumbnails import slide_thumbnail
from viewer.tile_answers import FOR_EVER, Answer, TileAddress, answer, not_found, refusal
from viewer.tile_source import tile_source
from viewer.tokens import set_tile_cookie, verify

LATEST_IMPORTS = 20


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Context: projects (see `project_cards`)."""
    return render(request, "viewer/home.html", {"projects": selectors.project_cards(signed_in(request.user))})


@require_safe
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """Context: project, roles, can, overview (see `cases_overview`), imports, payload (JSON "project-data")."""
    project = selectors.get_project(request.user, slug)
    roles, can = selectors.standing(request.user, project)
    imports = list(selectors.imports_of(project)[:LATEST_IMPORTS]) if Act.IMPORT_SLIDES in can else []
    overview = selectors.cases_overview(project, request.user)
    payload = {
        **selectors.project_payload(project, overview),
        "can": selectors.flags(can),
        "imports": serializers.ImportSerializer(imports, many=True).data,
    }
    context = {
        "project": project,
        "roles": roles,
        "can": selectors.flags(can),
        "overview": overview,
        "imports": imports,
        "payload": payload,
    }
    return render(request, "viewer/project.html", context)


@require_safe
def slide(request: HttpRequest, pk: int) -> HttpResponse:
    """Context: slide, project, can, tray (see `tray`), payload (JSON "slide-data"). Sets the tile cookie."""
    slide = selectors.get_slide(request.user, pk)
    _roles, can = selectors.standing(request.user, slide.project)
    payload = {
        "slide": selectors.viewer_payload(slide),
        "can": selectors.flags(can),
        "needs_mpp": slide.mpp is None,
        "mpp_url": f"/api/v1/slides/{slide.pk}/mpp/",
        "colour_url": f"/api/v1/slides/{slide.pk}/colour/",
    }
    context = {
        "slide": slide,
        "project": slide.project,
        "can": payload["can"],
        "can_convert": selectors.can_convert(slide),
        "tray": selectors.tray(request.user, slide),
        "payload": payload,
    }
    response = render(request, "viewer/slide.html", context)
    set_tile_cookie(response, slide, request.user)
    return response


@require_safe
def thumbnail(request: HttpRequest, pk: int, version: str) -> HttpResponse:
    """The whole slide, small. Checks the session: lists show many slides, each once."""
    slide = selectors.get_slide(request.user, pk)
    if slide.version != version:
        raise Http404
    etag = f'"{version}-thumbnail"'
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(slide_thumbnail(slide), content_type="image/jpeg")
    response["ETag"] = etag
    response["Cache-Control"] = FOR_EVER
    return response


@login_not_required
@require_safe
def tile(request: HttpRequest, slide_pk: int, version: str, level: int, column: int, row: int) -> HttpResponse:
    """One tile. The cookie carries the permission; neither session nor database is asked once a slide is known."""
    if not verify(request, slide_pk):
        return _response(refusal())
    try:
        source = tile_source(slide_pk, version)
    except Http404:
        return _response(not_found())
    address = TileAddress(slide_pk, version, level, column, row)
    return _response(answer(source, address, request.headers.get("If-None-Match", "")))


def _response(found: Answer) -> HttpResponse:
    return HttpResponse(found.body, status=found.status, headers=dict(found.headers))
