"""Data sets, runs and publications over HTTP, for project leads."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import Act, Person, require, signed_in
from accounts.models import Project
from training import launch, selectors, serializers, services
from training.models import Dataset, Run
from viewer.models import Slide
from viewer.selectors import get_slide

OF_PROJECT = OpenApiParameter("project", str, description="Slug; all projects that you lead without it.")


def led_project(user: Person, slug: str, act: Act) -> Project:
    """Return the project of a slug; 404 for an outsider, 403 for a member without the right."""
    project = get_object_or_404(Project, slug=slug)
    require(user, act, project)
    return project


def slide_of(project: Project, pk: int | None) -> Slide | None:
    """Return a slide of the project; None when none was named, 404 for another project's."""
    if pk is None:
        return None
    return get_object_or_404(Slide.objects.select_related("case__project"), pk=pk, case__project=project)


def dataset_of(project: Project, pk: int | None) -> Dataset | None:
    return None if pk is None else get_object_or_404(Dataset, pk=pk, project=project)


def run_of(project: Project, pk: int | None) -> Run | None:
    return None if pk is None else get_object_or_404(Run, pk=pk, project=project)


class DatasetList(generics.ListAPIView[Dataset]):
    """Frozen data sets, newest first."""

    serializer_class = serializers.DatasetSerializer
    queryset = Dataset.objects.none()

    @extend_schema(parameters=[OF_PROJECT])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Dataset]:
        datasets = selectors.visible_datasets(self.request.user)
        if slug := self.request.query_params.get("project"):
            datasets = datasets.filter(project=led_project(self.request.user, slug, Act.FREEZE_DATASET))
        return datasets

    @extend_schema(request=serializers.DatasetRequestSerializer, responses={201: serializers.DatasetSerializer})
    def post(self, request: Request) -> Response:
        asked = serializers.DatasetRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        dataset = services.freeze_dataset(
            led_project(request.user, values["project"], Act.FREEZE_DATASET),
            signed_in(request.user),
            allow_dependent_validation=values["confirm_no_independent_validation"],
            splits=values.get("splits"),
            note=values["note"],
        )
        return Response(serializers.DatasetSerializer(dataset).data, status=status.HTTP_201_CREATED)


class RunList(generics.ListAPIView[Run]):
    """Runs, newest first; `post` makes one and sends it to the workers."""

    serializer_class = serializers.RunSummarySerializer
    queryset = Run.objects.none()

    @extend_schema(parameters=[OF_PROJECT])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Run]:
        runs = selectors.visible_runs(self.request.user)
        if slug := self.request.query_params.get("project"):
            runs = runs.filter(project=led_project(self.request.user, slug, Act.LAUNCH_RUN))
        return runs

    @extend_schema(request=serializers.RunRequestSerializer, responses={201: serializers.RunSummarySerializer})
    def post(self, request: Request) -> Response:
        asked = serializers.RunRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        project = led_project(request.user, values["project"], Act.LAUNCH_RUN)
        run = services.create_run(
            project,
            values["kind"],
            signed_in(request.user),
            dataset=dataset_of(project, values.get("dataset")),
            stain=values.get("stain", ""),
            slide=slide_of(project, values.get("slide")),
            source_classifier_run=run_of(project, values.get("source_classifier_run")),
            target_classifier_run=run_of(project, values.get("target_classifier_run")),
            generator_run=run_of(project, values.get("generator_run")),
            preset=values["preset"],
            config=values.get("config"),
        )
        return Response(serializers.RunSummarySerializer(launch.launch_run(run)).data, status=status.HTTP_201_CREATED)


class RunChain(APIView):
    """Both classifiers, the CycleGAN and the synthesis of a slide, one after the other."""

    @extend_schema(
        request=serializers.ChainRequestSerializer, responses={201: serializers.RunSummarySerializer(many=True)}
    )
    def post(self, request: Request) -> Response:
        asked = serializers.ChainRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        project = led_project(request.user, values["project"], Act.LAUNCH_RUN)
        slide = slide_of(project, values["slide"])
        assert slide is not None
        runs = launch.launch_chain(
            project,
            signed_in(request.user),
            values["preset"],
            slide,
            then=[launch.publish_step(signed_in(request.user))] if values["publish"] else [],
            dataset=dataset_of(project, values.get("dataset")),
            configs=values.get("configs"),
        )
        return Response(serializers.RunSummarySerializer(runs, many=True).data, status=status.HTTP_201_CREATED)


class RunDetail(APIView):
    """A run with its progress, its checkpoints and what can be done with it."""

    @extend_schema(responses=serializers.RunSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(launch.run_payload(selectors.get_run(request.user, pk)))


class RunMetrics(APIView):
    """What each epoch of a run reached, as columns."""

    @extend_schema(responses=serializers.MetricsSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(selectors.metrics_series(selectors.get_run(request.user, pk)))


class RunCancel(APIView):
    """Stop a run. One that is being worked on ends within seconds."""

    @extend_schema(request=None, responses=serializers.RunSerializer)
    def post(self, request: Request, pk: int) -> Response:
        run = selectors.get_run(request.user, pk, Act.CANCEL_RUN)
        services.request_cancel(run, signed_in(request.user))
        return Response(launch.run_payload(selectors.get_run(request.user, pk)))


class RunResume(APIView):
    """Send a run again that failed, was cancelled or fell silent; it goes on from its last full state."""

    @extend_schema(request=None, responses=serializers.RunSerializer)
    def post(self, request: Request, pk: int) -> Response:
        launch.resume_run(selectors.get_run(request.user, pk))
        return Response(launch.run_payload(selectors.get_run(request.user, pk)))


class SlidePublish(APIView):
    """Show a synthetic slide to the project's members; a repeat changes nothing."""

    @extend_schema(request=None, responses=serializers.PublicationSerializer)
    def post(self, request: Request, pk: int) -> Response:
        slide = get_slide(request.user, pk)
        require(request.user, Act.PUBLISH, slide.project)
        return Response(serializers.PublicationSerializer(services.publish(slide, signed_in(request.user))).data)


class SlideWithdraw(APIView):
    """Take a published slide back, with the reason."""

    @extend_schema(request=serializers.ReasonSerializer, responses=serializers.PublicationSerializer)
    def post(self, request: Request, pk: int) -> Response:
        slide = get_slide(request.user, pk)
        require(request.user, Act.PUBLISH, slide.project)
        asked = serializers.ReasonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        publication = services.withdraw(slide, signed_in(request.user), asked.validated_data["reason"])
        return Response(serializers.PublicationSerializer(publication).data)
