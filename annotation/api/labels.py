"""Patches, labels and remarks over HTTP."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import Act, signed_in
from annotation import selectors, serializers, services
from annotation.models import LargePatch, Remark, WeakLabel
from viewer.selectors import get_slide


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

    @extend_schema(
        parameters=[OpenApiParameter("order", str, description="position, random:SEED or uncertain:CHECKPOINT.")],
        responses=serializers.LabellingSerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        slide = get_slide(request.user, pk)
        services.open_for_labelling(slide)
        order = request.query_params.get("order") or "position"
        return Response(selectors.labelling_payload(slide, signed_in(request.user), order))


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
        return Response(serializers.LabelAnswerSerializer(label).data)


class SlideLabels(APIView):
    """Labels on many patches of a slide that are decided, and undone, together: all are written or none."""

    @extend_schema(
        request=serializers.StepSerializer,
        responses={200: serializers.StepAnswerSerializer, 409: serializers.StepConflictSerializer},
    )
    def put(self, request: Request, pk: int) -> Response:
        reader = signed_in(request.user)
        slide = selectors.get_real_slide(reader, pk, Act.LABEL)
        step = serializers.StepSerializer(data=request.data)
        step.is_valid(raise_exception=True)
        how = dict(step.validated_data)
        writes = [services.PatchWrite(**write) for write in how.pop("writes")]
        labels = services.label_patches(slide, writes, reader, **how)
        return Response(serializers.StepAnswerSerializer({"labels": labels}).data)


class PatchRemarks(APIView):
    """Flags and comments on a patch: one's own, and those of others once they may be seen."""

    @extend_schema(responses=serializers.RemarkSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        patch = selectors.get_patch(request.user, pk)
        return Response(serializers.RemarkSerializer(selectors.remarks_on(patch, request.user), many=True).data)

    @extend_schema(request=serializers.NewRemarkSerializer, responses=serializers.RemarkSerializer)
    def post(self, request: Request, pk: int) -> Response:
        author = signed_in(request.user)
        patch = selectors.get_patch(author, pk)
        selectors.require_reader_or_lead(patch.slide, author)
        remark = serializers.NewRemarkSerializer(data=request.data)
        remark.is_valid(raise_exception=True)
        written: Remark = services.add_remark(patch, author, **remark.validated_data)
        return Response(serializers.RemarkSerializer(written).data)


class SlideTissue(APIView):
    """Overrule, patch by patch, what Otsu's threshold said."""

    @extend_schema(
        request=serializers.OverruleSerializer,
        responses={200: serializers.OverruledSerializer, 409: serializers.OverruleConflictSerializer},
    )
    def put(self, request: Request, pk: int) -> Response:
        person = signed_in(request.user)
        slide = selectors.get_real_slide(person, pk, Act.SEE_CASES)
        selectors.require_reader_or_lead(slide, person)
        decision = serializers.OverruleSerializer(data=request.data)
        decision.is_valid(raise_exception=True)
        return Response({"changed": services.overrule_tissue(slide, by=person, **decision.validated_data)})


class PatchOverrules(APIView):
    """Who brought a patch in or left it out, oldest first."""

    @extend_schema(responses=serializers.OverruleRowSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        rows = selectors.get_patch(request.user, pk).overrules.select_related("by")
        return Response(serializers.OverruleRowSerializer(rows, many=True).data)


class SlideModelView(APIView):
    """What a classifier's checkpoint says of each patch of a slide; refused while the slide is read blinded."""

    @extend_schema(
        parameters=[OpenApiParameter("checkpoint", str, description="Its sha256; the newest one's without it.")],
        responses=serializers.ModelViewSerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        slide = get_slide(request.user, pk)
        return Response(selectors.model_view(slide, request.query_params.get("checkpoint", "")))


class PatchLabelHistory(generics.ListAPIView[WeakLabel]):
    """Every row that was written for a patch, oldest first: a reader's own, all of them for a project lead."""

    serializer_class = serializers.LabelSerializer
    queryset = WeakLabel.objects.none()

    def get_queryset(self) -> QuerySet[WeakLabel]:
        if getattr(self, "swagger_fake_view", False):
            return WeakLabel.objects.none()
        patch = selectors.get_patch(self.request.user, self.kwargs["pk"])
        return selectors.label_history(patch, self.request.user)
