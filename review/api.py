"""Scores and verdicts over HTTP."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import Act, require, signed_in
from accounts.errors import ApplicationError
from review import extents, launch, selectors, serializers, services, windows
from review.models import CellEdit, CellScore, Review
from review.selectors.cells import COARSEST_LEVEL
from viewer.models import Slide
from viewer.selectors import get_slide

OF_SLIDE = OpenApiParameter("slide", int, required=True, description="Id of the slide.")


def slide_asked_for(request: Request) -> Slide:
    """Return the slide that ?slide= names, if the user may see it."""
    pk = request.query_params.get("slide", "")
    if not pk.isdecimal():
        raise ValidationError({"slide": [f"Found “{pk}”, expected the id of a slide: ?slide=12"]})
    return get_slide(request.user, int(pk))


def synthetic_slide_asked_for(request: Request) -> Slide:
    slide = slide_asked_for(request)
    if slide.derived_from_id is None:
        raise ValidationError({"slide": ["Expected a synthetic slide, to be compared with the real one."]})
    return slide


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


class ScoreSummary(APIView):
    """Counts of all cells, of those inside tumour patches, or of those in a drawn region: machine's and readers'."""

    @extend_schema(parameters=[serializers.SummaryQuerySerializer], responses=serializers.SummarySerializer)
    def get(self, request: Request, pk: int) -> Response:
        score = selectors.get_score(request.user, pk)
        asked = serializers.SummaryQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        services.refuse_unfinished(score)
        scope = asked.validated_data["scope"]
        machine, reader = selectors.tallies_within(score, scope, asked.validated_data.get("corners"))
        return Response({"scope": scope, "machine": machine.as_dict(), "reader": reader.as_dict()})


class CellTile(APIView):
    """Counted cells of one tile, as binary columns for drawing; a finished count never changes, so it may be kept."""

    @extend_schema(responses={(200, "application/octet-stream"): bytes})
    def get(self, request: Request, pk: int, level: int, column: int, row: int) -> HttpResponse:
        score = selectors.get_score(request.user, pk)
        services.refuse_unfinished(score)
        if level > COARSEST_LEVEL:
            raise Http404
        tile = selectors.cell_tile(score, level, column, row)
        answer = HttpResponse(tile, content_type="application/octet-stream")
        answer["Cache-Control"] = "private, max-age=86400, immutable"
        return answer


class ScoreEdits(APIView):
    """What readers changed about the counted cells. Rows are append-only; the last edit of a cell says what it is."""

    @extend_schema(responses=serializers.EditRowSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        score = selectors.get_score(request.user, pk)
        edits = selectors.edit_trail(score) if "all" in request.query_params else selectors.standing_edits(score)
        return Response([selectors.edit_row(edit) for edit in edits])

    @extend_schema(request=serializers.CellEditSerializer, responses={201: serializers.EditAnswerSerializer})
    def post(self, request: Request, pk: int) -> Response:
        asked = serializers.CellEditSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        score, values = selectors.get_score(request.user, pk), asked.validated_data
        require(request.user, Act.EDIT_CELLS, score.slide.project)
        reader = signed_in(request.user)
        if values["action"] == CellEdit.Action.UNDO:
            edit = services.undo_edit(score, reader, values["uuid"], values["edit"])
        else:
            edit = services.edit_cell(
                score,
                reader,
                values["uuid"],
                values["action"],
                place=(values["x"], values["y"]) if "x" in values and "y" in values else None,
                positive=values["positive"],
                cell_index=values.get("cell"),
                seen=values.get("seen"),
            )
        answer = {"edit": selectors.edit_row(edit), "score": selectors.score_payload(score)}
        return Response(answer, status=status.HTTP_201_CREATED)


class WindowCounts(APIView):
    """One window of tissue, counted on the real and on the synthetic slide of a pair."""

    @extend_schema(parameters=[OF_SLIDE, serializers.WindowQuerySerializer], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        slide = synthetic_slide_asked_for(request)
        asked = serializers.WindowQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return Response(windows.compared(slide, windows.Window(**asked.validated_data)))


class HotSpots(APIView):
    """The windows with the highest ratio on the real slide that hold enough cells, counted on both slides."""

    @extend_schema(parameters=[OF_SLIDE], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response(windows.hottest(synthetic_slide_asked_for(request)))


class ExtentCounts(APIView):
    """A drawn region, or the tumour patches alone, counted on the real and on the synthetic slide of a pair."""

    @extend_schema(parameters=[OF_SLIDE, serializers.ExtentQuerySerializer], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        slide = synthetic_slide_asked_for(request)
        asked = serializers.ExtentQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        if asked.validated_data["extent"] == "tumor":
            return Response(extents.tumor_counts(slide))
        return Response(extents.region_counts(slide, asked.validated_data["corners"]))


class AlignmentList(APIView):
    """Versions of the map between two sections; a reader corrects it by pairs of places."""

    @extend_schema(request=serializers.AlignmentPointsSerializer, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        asked = serializers.AlignmentPointsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        fixed, moving = (get_slide(request.user, values[side]) for side in ("fixed", "moving"))
        require(request.user, Act.EDIT_CELLS, fixed.project)
        if fixed.case_id != moving.case_id:
            raise ApplicationError("The two slides belong to different cases; only sections of one case are aligned.")
        alignment = services.correct_alignment(fixed, moving, values["points"], signed_in(request.user), values["seen"])
        return Response(selectors.alignment_payload(alignment), status=status.HTTP_201_CREATED)


class DraftDetail(APIView):
    """The reader's own unsigned verdict on a slide, saved as it is written."""

    @extend_schema(request=serializers.DraftSerializer, responses=OpenApiTypes.OBJECT)
    def put(self, request: Request) -> Response:
        asked = serializers.DraftSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        slide, seen = get_slide(request.user, values.pop("slide")), values.pop("seen")
        require(request.user, Act.SIGN_VERDICT, slide.project)
        draft = services.save_draft(slide, signed_in(request.user), values, seen)
        return Response(selectors.draft_row(draft))


class StudyAnswers(APIView):
    """What a reader takes a field of a blinded study for. The answer never says what the field is."""

    @extend_schema(request=serializers.StudyAnswerSerializer, responses={201: None})
    def post(self, request: Request, pk: int) -> Response:
        asked = serializers.StudyAnswerSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        study = selectors.get_study(request.user, pk)
        require(request.user, Act.SCORE, study.project)
        field = selectors.get_field(request.user, values.pop("code"))
        if field.study_id != study.pk:
            raise Http404
        services.answer_field(field, signed_in(request.user), **values)
        return Response({"left": len(selectors.reading_payload(study, signed_in(request.user))["left"])}, status=201)


class ReviewReopening(APIView):
    """Take one's own signed verdict up again, with a reason. It stays on record."""

    @extend_schema(request=serializers.ReopenSerializer, responses={201: serializers.ReviewSerializer})
    def post(self, request: Request, pk: int) -> Response:
        asked = serializers.ReopenSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        review = get_object_or_404(Review.objects.select_related("reader", "slide"), pk=pk)
        slide = get_slide(request.user, review.slide_id)
        require(request.user, Act.SIGN_VERDICT, slide.project)
        services.reopen_verdict(review, signed_in(request.user), asked.validated_data["reason"])
        return Response(selectors.review_row(selectors.reviews_of(slide).get(pk=pk)), status=status.HTTP_201_CREATED)


class ReviewList(GenericAPIView[Review]):
    """Signed verdicts on a synthetic slide, newest first. To say something else, a reader reopens the earlier one."""

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
            slide,
            signed_in(request.user),
            signed.validated_data["verdict"],
            signed.validated_data["comment"],
            **{name: signed.validated_data.get(name) for name in ("reasons", "confidence", "pins", "window", "uuid")},
        )
        return Response(selectors.review_row(review), status=status.HTTP_201_CREATED)
