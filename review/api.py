"""Scores and verdicts over HTTP."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import Act, require, signed_in
from review import launch, selectors, serializers, services
from review.models import CellScore, Review
from viewer.models import Slide
from viewer.selectors import get_slide

OF_SLIDE = OpenApiParameter("slide", int, required=True, description="Id of the slide.")


def slide_asked_for(request: Request) -> Slide:
    """Return the slide that ?slide= names, if the user may see it."""
    pk = request.query_params.get("slide", "")
    if not pk.isdecimal():
        raise ValidationError({"slide": [f"Found “{pk}”, expected the id of a slide: ?slide=12"]})
    return get_slide(request.user, int(pk))


class ScoreList(GenericAPIView[CellScore]):
    """Counts of nuclei on a slide, newest first. A new count is a new row."""

    @extend_schema(parameters=[OF_SLIDE], responses=serializers.ScoreSerializer(many=True))
    def get(self, request: Request) -> Response:
        slide = slide_asked_for(request)
        page = self.paginate_queryset(slide.scores.select_related("slide").order_by("-pk"))
        return self.get_paginated_response([selectors.score_payload(score) for score in page or []])

    @extend_schema(request=serializers.ScoreRequestSerializer, responses={201: serializers.ScoreSerializer})
    def post(self, request: Request) -> Response:
        asked = serializers.ScoreRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        slide = get_slide(request.user, asked.validated_data["slide"])
        require(request.user, Act.SCORE, slide.project)
        if asked.validated_data["pair"] and slide.is_synthetic:
            _real, score = launch.score_pair(slide, signed_in(request.user))
        else:
            score = launch.score_slide(slide, signed_in(request.user), asked.validated_data.get("region"))
        return Response(selectors.score_payload(score), status=status.HTTP_201_CREATED)


class ScoreDetail(APIView):
    """One count: its state and progress while it runs, its numbers when it is done."""

    @extend_schema(responses=serializers.ScoreSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(selectors.score_payload(selectors.get_score(request.user, pk)))


class ScoreCells(APIView):
    """The counted cells in a rectangle of the slide, at most 5,000."""

    @extend_schema(parameters=[serializers.CellWindowSerializer], responses=serializers.CellsSerializer)
    def get(self, request: Request, pk: int) -> Response:
        score = selectors.get_score(request.user, pk)
        window = serializers.CellWindowSerializer(data=request.query_params)
        window.is_valid(raise_exception=True)
        services.refuse_unfinished(score)
        return Response(selectors.cells_in_window(score, **window.validated_data))


class ReviewList(GenericAPIView[Review]):
    """Signed verdicts on a synthetic slide, newest first. A later verdict of a reader supersedes the earlier one."""

    @extend_schema(parameters=[OF_SLIDE], responses=serializers.ReviewSerializer(many=True))
    def get(self, request: Request) -> Response:
        slide = slide_asked_for(request)
        page = self.paginate_queryset(selectors.reviews_of(slide))
        return self.get_paginated_response([selectors.review_row(review) for review in page or []])

    @extend_schema(request=serializers.VerdictSerializer, responses={201: serializers.ReviewSerializer})
    def post(self, request: Request) -> Response:
        signed = serializers.VerdictSerializer(data=request.data)
        signed.is_valid(raise_exception=True)
        slide = get_slide(request.user, signed.validated_data["slide"])
        require(request.user, Act.SIGN_VERDICT, slide.project)
        review = services.sign_verdict(
            slide, signed_in(request.user), signed.validated_data["verdict"], signed.validated_data["comment"]
        )
        return Response(selectors.review_row(review), status=status.HTTP_201_CREATED)
