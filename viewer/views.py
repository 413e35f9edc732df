"""Pages of projects and slides, and the pictures in them."""

import simplejpeg
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from accounts.access import Act, signed_in
from viewer import selectors, serializers
from viewer.imaging.tiles import render_tile
from viewer.readers import open_reader
from viewer.tile_source import tile_source
from viewer.tokens import set_tile_cookie, verify

FOR_EVER = "private, max-age=31536000, immutable"
THUMBNAIL_PX = 512
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
    """Context: slide, project, can, payload (JSON "slide-data"). Sets the tile cookie."""
    slide = selectors.get_slide(request.user, pk)
    _roles, can = selectors.standing(request.user, slide.project)
    payload = {
        "slide": selectors.viewer_payload(slide),
        "can": selectors.flags(can),
        "needs_mpp": slide.mpp is None,
        "mpp_url": f"/api/v1/slides/{slide.pk}/mpp/",
    }
    context = {"slide": slide, "project": slide.project, "can": payload["can"], "payload": payload}
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
        return _picture(None, etag)
    with open_reader(slide) as reader:
        pixels = reader.thumbnail(THUMBNAIL_PX)
    return _picture(bytes(simplejpeg.encode_jpeg(pixels, quality=85, colorspace="RGB")), etag)


@login_not_required
@require_safe
def tile(request: HttpRequest, slide_pk: int, version: str, level: int, column: int, row: int) -> HttpResponse:
    """One tile. The cookie carries the permission; neither session nor database is asked once a slide is known."""
    if not verify(request, slide_pk):
        return HttpResponse("Open the slide's page again.", status=403, content_type="text/plain")
    source = tile_source(slide_pk, version)
    if level >= len(source.levels):
        raise Http404
    served = source.levels[level]
    if column >= served.columns or row >= served.rows:
        raise Http404
    etag = f'"{version}-{level}-{column}-{row}"'
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return _picture(None, etag)
    with open_reader(source.slide) as reader:
        return _picture(render_tile(reader, served, column, row), etag)


def _picture(jpeg: bytes | None, etag: str) -> HttpResponse:
    """Answer a JPEG whose address changes with its bytes; None: the browser has it."""
    response = HttpResponse(status=304) if jpeg is None else HttpResponse(jpeg, content_type="image/jpeg")
    response["ETag"] = etag
    response["Cache-Control"] = FOR_EVER
    return response
