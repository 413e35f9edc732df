"""Projects, cases, slides and imports over HTTP."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import Act, projects_where, require, signed_in
from viewer import launch, selectors, serializers, services
from viewer.models import Case, Slide, SlideImport
from viewer.services.checks import checked_import_path
from viewer.tokens import set_tile_cookie

IN_PROJECT = OpenApiParameter("project", str, description="Slug of a project; all of yours unless given.")
IN_CASE = OpenApiParameter("case", str, description="Name of a case.")


class ProjectList(generics.ListAPIView[Any]):
    """The projects that you may see, with your roles in each."""

    serializer_class = serializers.ProjectSerializer

    def get_queryset(self) -> QuerySet[Any]:
        return selectors.visible_projects(self.request.user).order_by("name")

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        for project in page or []:
            project.roles, project.can = selectors.standing(self.request.user, project)
        return page


class CaseList(generics.ListAPIView[Case]):
    """The cases that you may see."""

    serializer_class = serializers.CaseSerializer

    @extend_schema(parameters=[IN_PROJECT])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Case]:
        cases = Case.objects.filter(project__in=selectors.visible_projects(self.request.user)).select_related("project")
        if slug := self.request.query_params.get("project"):
            cases = cases.filter(project=selectors.get_project(self.request.user, slug))
        return cases.order_by("project__name", "name")


class SlideList(generics.ListAPIView[Any]):
    """The slides that you may see. Synthetic slides that are not published are for project leads."""

    serializer_class = serializers.SlideSummarySerializer

    @extend_schema(parameters=[IN_PROJECT, IN_CASE])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Slide]:
        user, asked = self.request.user, self.request.query_params
        project = selectors.get_project(user, asked["project"]) if asked.get("project") else None
        slides = selectors.visible_slides(user, project)
        return slides.filter(case__name=asked["case"]) if asked.get("case") else slides

    def paginate_queryset(self, queryset: Any) -> Any:
        return [selectors.slide_summary(slide) for slide in super().paginate_queryset(queryset) or []]


class SlideDetail(APIView):
    """One slide, with the levels and the address of its tiles."""

    @extend_schema(responses=serializers.SlideSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(selectors.slide_detail(selectors.get_slide(request.user, pk)))


class SlideMpp(APIView):
    """Supply the resolution of a slide whose file does not say it."""

    @extend_schema(request=serializers.MppSerializer, responses=serializers.SlideSerializer)
    def post(self, request: Request, pk: int) -> Response:
        slide = selectors.get_slide(request.user, pk)
        require(request.user, Act.SUPPLY_MPP, slide.project)
        asked = serializers.MppSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        services.supply_mpp(slide, asked.validated_data["mpp"], signed_in(request.user))
        return Response(selectors.slide_detail(selectors.get_slide(request.user, pk)))


class SlideColour(APIView):
    """Show, count and train on a slide as scanned, or converted to sRGB by the profile in its file."""

    @extend_schema(request=serializers.ColourSerializer, responses=serializers.SlideSerializer)
    def post(self, request: Request, pk: int) -> Response:
        slide = selectors.get_slide(request.user, pk)
        require(request.user, Act.IMPORT_SLIDES, slide.project)
        asked = serializers.ColourSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        services.set_colour(slide, asked.validated_data["colour"])
        return Response(selectors.slide_detail(selectors.get_slide(request.user, pk)))


class SlideOpen(APIView):
    """Check the permission once and set the cookie that the slide's tiles ask for; call it again before it ends."""

    @extend_schema(request=None, responses=serializers.OpenedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        slide = selectors.get_slide(request.user, pk)
        response = Response({"token_seconds": selectors.token_seconds()})
        set_tile_cookie(response, slide, request.user)
        return response


class ImportList(generics.ListAPIView[SlideImport]):
    """The imports of the projects that you lead, the latest first; and a new import of a path on the server."""

    serializer_class = serializers.ImportSerializer

    @extend_schema(parameters=[IN_PROJECT])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[SlideImport]:
        user = self.request.user
        if slug := self.request.query_params.get("project"):
            project = selectors.get_project(user, slug)
            require(user, Act.IMPORT_SLIDES, project)
            return selectors.imports_of(project)
        return SlideImport.objects.filter(project__in=projects_where(user, Act.IMPORT_SLIDES)).select_related(
            "project", "created_by"
        )

    @extend_schema(request=serializers.ImportRequestSerializer, responses={201: serializers.ImportSerializer})
    def post(self, request: Request) -> Response:
        asked = serializers.ImportRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        project = selectors.get_project(request.user, asked.validated_data["project"])
        require(request.user, Act.IMPORT_SLIDES, project)
        [queued] = launch.import_slides(
            paths=[checked_import_path(asked.validated_data["path"])],
            project=project,
            case_name=asked.validated_data["case"],
            stain=asked.validated_data["stain"],
            mpp=asked.validated_data["mpp"],
            by=signed_in(request.user),
            drawn=asked.validated_data["drawn"],
        )
        queued.refresh_from_db()
        return Response(serializers.ImportSerializer(queued).data, status=201)


class ImportDetail(APIView):
    """How far one import is."""

    @extend_schema(responses=serializers.ImportSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(serializers.ImportSerializer(selectors.get_import(request.user, pk)).data)
