"""Patches and labels over HTTP."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import Act, require, signed_in
from annotation import exports, selectors, serializers, services
from annotation.models import LargePatch, WeakLabel
from viewer.selectors import get_project, get_slide


class PatchList(generics.ListAPIView[LargePatch]):
    """The large patches of a slide, row by row; its grid is laid at the first call."""

    serializer_class = serializers.PatchSerializer
    queryset = LargePatch.objects.none()

    @extend_schema(parameters=[OpenApiParameter("slide", int, required=True)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[LargePatch]:
        slide_pk = self.request.query_params.get("slide", "")
        if not slide_pk.isdecimal():
            raise ValidationError({"slide": [f"Found “{slide_pk}”, expected the id of a slide: patches/?slide=12"]})
        slide = get_slide(self.request.user, int(slide_pk))
        services.ensure_grid(slide)
        return slide.patches.order_by("row", "column")


class SlideLabelling(APIView):
    """All that a labelling page needs: the slide, its grid, its patches with the reader's own labels, progress."""

    @extend_schema(responses=serializers.LabellingSerializer)
    def get(self, request: Request, pk: int) -> Response:
        slide = get_slide(request.user, pk)
        services.open_for_labelling(slide)
        return Response(selectors.labelling_payload(slide, signed_in(request.user)))


class PatchLabel(APIView):
    """The reader's own label on one patch."""

    @extend_schema(
        request=serializers.LabelDecisionSerializer,
        responses={200: serializers.LabelAnswerSerializer, 409: serializers.LabelConflictSerializer},
    )
    def put(self, request: Request, pk: int) -> Response:
        reader = signed_in(request.user)
        patch = selectors.get_patch(reader, pk, Act.LABEL)
        decision = serializers.LabelDecisionSerializer(data=request.data)
        decision.is_valid(raise_exception=True)
        label = services.label_patch(patch, reader=reader, **decision.validated_data)
        counts = selectors.progress(patch.slide, reader)
        answer = {
            "id": label.pk,
            "patch": patch.pk,
            "value": label.value,
            "created_at": label.created_at,
            "counts": counts,
        }
        return Response(serializers.LabelAnswerSerializer(answer).data)


class PatchLabelHistory(generics.ListAPIView[WeakLabel]):
    """Every row that was written for a patch, oldest first: a reader's own, all of them for a project lead."""

    serializer_class = serializers.LabelSerializer
    queryset = WeakLabel.objects.none()

    def get_queryset(self) -> QuerySet[WeakLabel]:
        if getattr(self, "swagger_fake_view", False):
            return WeakLabel.objects.none()
        patch = selectors.get_patch(self.request.user, self.kwargs["pk"])
        return selectors.label_history(patch, self.request.user)


class AnyMediaType(BaseContentNegotiation):
    """Answer with the one format there is, whatever the client accepts."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class LabelExport(APIView):
    """The current labels of all readers of a project as CSV, for its leads."""

    content_negotiation_class = AnyMediaType

    @extend_schema(
        parameters=[OpenApiParameter("project", str, required=True, description="The project's slug.")],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        project = get_project(request.user, request.query_params.get("project", ""))
        require(request.user, Act.FREEZE_DATASET, project)
        response = StreamingHttpResponse(exports.labels_csv(project), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="labels-{project.slug}.csv"'
        return response
