"""Several readers over HTTP: assignment, states, agreement, adjudication."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import Act, Person, require, signed_in
from accounts.errors import ApplicationError
from accounts.models import User
from annotation import selectors, serializers, services
from annotation.models import Reading
from viewer.selectors import get_project


class Readings(generics.ListAPIView[Reading]):
    """Who reads what in a project, for its leads; the slides of other projects cannot be assigned."""

    serializer_class = serializers.ReadingSerializer
    queryset = Reading.objects.none()

    @extend_schema(parameters=[OpenApiParameter("project", str, required=True, description="The project's slug.")])
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Reading]:
        project = get_project(self.request.user, self.request.query_params.get("project", ""))
        require(self.request.user, Act.FREEZE_DATASET, project)
        readings = Reading.objects.filter(slide__case__project=project)
        return readings.select_related("reader", "reviewed_by").order_by("slide", "pk")

    @extend_schema(request=serializers.AssignmentSerializer, responses={201: serializers.ReadingSerializer})
    def post(self, request: Request) -> Response:
        lead = signed_in(request.user)
        wanted = serializers.AssignmentSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        slide = selectors.get_real_slide(lead, wanted.validated_data["slide"], Act.FREEZE_DATASET)
        name = wanted.validated_data["reader"]
        reader = User.objects.filter(username=name, memberships__project=slide.project).distinct().first()
        if reader is None:
            raise ApplicationError(_("“%(name)s” is no member of this project.") % {"name": name})
        reading = services.assign(slide, reader, wanted.validated_data["part"], lead)
        return Response(serializers.ReadingSerializer(reading).data, status=status.HTTP_201_CREATED)


class OneReading(APIView):
    """One person's part in one slide."""

    @extend_schema(request=serializers.ReadingStateSerializer, responses=serializers.ReadingSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Move it on: readers finish or reopen their own, leads review or reopen anybody's."""
        person = signed_in(request.user)
        reading = reading_of_member(person, pk)
        wanted = serializers.ReadingStateSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        state = wanted.validated_data["state"]
        own = reading.reader_id == person.pk
        if state == "reviewed" or not own:
            require(person, Act.FREEZE_DATASET, reading.slide.project)
        if state == "reviewed":
            reading = services.review_reading(reading, person)
        elif state == "open":
            reading = services.reopen_reading(reading)
        else:
            reading = services.finish_reading(reading.slide, reading.reader)
        return Response(serializers.ReadingSerializer(reading).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Take the part back; labels that were given stay."""
        reading = reading_of_member(request.user, pk)
        require(request.user, Act.FREEZE_DATASET, reading.slide.project)
        services.unassign(reading)
        return Response(status=status.HTTP_204_NO_CONTENT)


class FinishSlide(APIView):
    """Say that one's own reading of a slide is done."""

    @extend_schema(request=None, responses=serializers.ReadingSerializer)
    def post(self, request: Request, pk: int) -> Response:
        reader = signed_in(request.user)
        slide = selectors.get_real_slide(reader, pk, Act.LABEL)
        return Response(serializers.ReadingSerializer(services.finish_reading(slide, reader)).data)


class ReadingRules(APIView):
    """How a project reads: consensus, double reading, blinding."""

    @extend_schema(responses=serializers.ReadingSettingsSerializer)
    def get(self, request: Request, slug: str) -> Response:
        project = get_project(request.user, slug)
        return Response(serializers.ReadingSettingsSerializer(selectors.reading_settings(project)).data)

    @extend_schema(request=serializers.ReadingSettingsSerializer, responses=serializers.ReadingSettingsSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        project = get_project(request.user, slug)
        require(request.user, Act.FREEZE_DATASET, project)
        wanted = serializers.ReadingSettingsSerializer(
            selectors.reading_settings(project), data=request.data, partial=True
        )
        wanted.is_valid(raise_exception=True)
        changed = services.change_reading_settings(project, **wanted.validated_data)
        return Response(serializers.ReadingSettingsSerializer(changed).data)


class Agreement(APIView):
    """Cohen's and Fleiss' kappa with bootstrap intervals, overall, per stain and per case, for leads."""

    @extend_schema(responses=serializers.AgreementSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        project = get_project(request.user, slug)
        require(request.user, Act.FREEZE_DATASET, project)
        return Response(serializers.AgreementSerializer(selectors.agreement(project), many=True).data)


class Disagreements(APIView):
    """The patches of a slide on which its readers differ, for who settles them."""

    @extend_schema(responses=serializers.DisagreementSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        slide = selectors.get_real_slide(request.user, pk, Act.SEE_CASES)
        selectors.require_adjudicator(slide, request.user)
        return Response(serializers.DisagreementSerializer(selectors.disagreements(slide), many=True).data)


class PatchAdjudication(APIView):
    """An adjudicator's word on one patch."""

    @extend_schema(
        request=serializers.AdjudicationDecisionSerializer, responses={200: serializers.AdjudicationSerializer}
    )
    def put(self, request: Request, pk: int) -> Response:
        person = signed_in(request.user)
        patch = selectors.get_patch(person, pk)
        selectors.require_adjudicator(patch.slide, person)
        decision = serializers.AdjudicationDecisionSerializer(data=request.data)
        decision.is_valid(raise_exception=True)
        written = services.adjudicate(patch, by=person, **decision.validated_data)
        return Response(serializers.AdjudicationSerializer(written).data)


def reading_of_member(person: Person, pk: int) -> Reading:
    readings = Reading.objects.select_related("slide__case__project__reading_settings", "reader", "reviewed_by")
    reading = get_object_or_404(readings, pk=pk)
    require(person, Act.SEE_CASES, reading.slide.project)
    return reading
