"""Files of labels over HTTP: out, and in after a dry run."""

from collections.abc import Iterable
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import Act, may, require, signed_in
from accounts.errors import ApplicationError, TooLarge
from annotation import selectors, serializers, services
from annotation.files import FORMATS, MEDIA_TYPES, SUFFIXES
from viewer.models import Slide
from viewer.selectors import get_project

# Ten thousand patches are about 7 MB of GeoJSON.
LARGEST_FILE_BYTES = 32 * 2**20
MEGABYTE = 2**20

PROJECT = OpenApiParameter("project", str, required=True, description="The project's slug.")
FILE_FORMAT = OpenApiParameter("file_format", str, enum=list(FORMATS), description="csv without it.")
SLIDE = OpenApiParameter("slide", int, description="One slide; GeoJSON needs it, its coordinates are of one picture.")


class AnyMediaType(BaseContentNegotiation):
    """Answer with the one format there is, whatever the client accepts."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class FileParser(BaseParser):
    """The body as it is, up to the size that is taken."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        content: bytes = stream.read(LARGEST_FILE_BYTES + 1)
        if len(content) > LARGEST_FILE_BYTES:
            raise _too_large()
        return content


class LabelExport(APIView):
    """Current labels with flags and comments as CSV, GeoJSON for QuPath or COCO.

    Leads get all readers' rows, readers their own.
    """

    content_negotiation_class = AnyMediaType

    @extend_schema(
        parameters=[PROJECT, FILE_FORMAT, SLIDE],
        responses={(200, media_type): OpenApiTypes.STR for media_type in MEDIA_TYPES.values()},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        user = signed_in(request.user)
        project = get_project(user, request.query_params.get("project", ""))
        if not may(user, Act.LABEL, project):
            require(user, Act.FREEZE_DATASET, project)
        chosen = _file_format(request)
        slide = _slide(request, project.pk)
        if chosen == "geojson" and slide is None:
            raise ApplicationError(
                _("GeoJSON speaks of one picture: name its slide, as in labels/export/?project=study&slide=12.")
            )
        lines = FORMATS[chosen].write(selectors.label_rows(project, user, slide))
        response = StreamingHttpResponse(lines, content_type=f"{MEDIA_TYPES[chosen]}; charset=utf-8")
        name = f"labels-{project.slug}" + (f"-slide-{slide.pk}" if slide else "")
        response["Content-Disposition"] = f'attachment; filename="{name}.{SUFFIXES[chosen]}"'
        return response


class LabelImport(APIView):
    """Take labels from a file as one's own.

    A dry run, which is the default, lists every difference and writes nothing.
    """

    parser_classes = [FileParser]
    content_negotiation_class = AnyMediaType

    @extend_schema(
        parameters=[
            PROJECT,
            FILE_FORMAT,
            SLIDE,
            OpenApiParameter("dry_run", bool, description="false takes what differs; true without it."),
        ],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses=serializers.ComparisonSerializer,
    )
    def post(self, request: Request) -> Response:
        reader = signed_in(request.user)
        project = get_project(reader, request.query_params.get("project", ""))
        require(reader, Act.LABEL, project)
        dry_run = request.query_params.get("dry_run", "true").lower()
        if dry_run not in ("true", "false"):
            raise ValidationError({"dry_run": [f"Found “{dry_run}”, expected true or false."]})
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if announced.isdecimal() and int(announced) > LARGEST_FILE_BYTES:
            raise _too_large()
        content: Any = request.data
        comparison = services.import_labels(
            project, content, _file_format(request), reader, _slide(request, project.pk), dry_run == "true"
        )
        answer = {
            "dry_run": dry_run == "true",
            "counts": comparison.counts(),
            "differences": comparison.differences,
            "refusals": comparison.refusals,
        }
        return Response(serializers.ComparisonSerializer(answer).data)


def _file_format(request: Request) -> str:
    chosen = request.query_params.get("file_format", "csv")
    if chosen not in FORMATS:
        raise ValidationError({"file_format": [f"Found “{chosen}”, expected one of {', '.join(FORMATS)}."]})
    return chosen


def _slide(request: Request, project_pk: int) -> Slide | None:
    told = request.query_params.get("slide")
    if told is None:
        return None
    slides = Slide.objects.select_related("case__project__reading_settings")
    slide = (
        slides.filter(pk=int(told), case__project=project_pk, origin=Slide.Origin.REAL).first()
        if told.isdecimal() and len(told) < 18
        else None
    )
    if slide is None:
        raise ValidationError({"slide": [f"Found “{told}”, expected the id of a real slide of the project."]})
    return slide


def _too_large() -> TooLarge:
    return TooLarge(
        _("The file has more than the %(most)s MB that are taken at once. Export one slide at a time.")
        % {"most": LARGEST_FILE_BYTES // MEGABYTE}
    )
