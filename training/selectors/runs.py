"""Read runs, what they build on and what they made."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404

from accounts.access import Act, projects_where, require
from accounts.models import Project, User
from training.models import Checkpoint, Dataset, Run
from viewer.models import Slide

WITH_INPUTS = (
    "project",
    "dataset",
    "slide__case",
    "source_classifier_run",
    "target_classifier_run",
    "generator_run",
    "created_by",
)


def visible_runs(user: User | AnonymousUser) -> QuerySet[Run]:
    """Return the runs of the projects that the person leads."""
    return Run.objects.filter(project__in=projects_where(user, Act.LAUNCH_RUN)).select_related(*WITH_INPUTS)


def visible_datasets(user: User | AnonymousUser) -> QuerySet[Dataset]:
    """Return the data sets of the projects that the person leads."""
    mine = projects_where(user, Act.FREEZE_DATASET)
    return Dataset.objects.filter(project__in=mine).select_related("project", "created_by")


def get_run(user: User | AnonymousUser, pk: int, act: Act = Act.LAUNCH_RUN) -> Run:
    """Return a run that the person may act on; 404 for an outsider, 403 for a member without the right."""
    run = get_object_or_404(Run.objects.select_related(*WITH_INPUTS), pk=pk)
    require(user, act, run.project)
    return run


def get_dataset(user: User | AnonymousUser, pk: int) -> Dataset:
    """Return a data set of a project that the person leads; 404 for an outsider, 403 for another member."""
    dataset = get_object_or_404(Dataset.objects.select_related("project", "created_by"), pk=pk)
    require(user, Act.FREEZE_DATASET, dataset.project)
    return dataset


def latest_dataset(project: Project) -> Dataset | None:
    return Dataset.objects.filter(project=project).order_by("-number").first()


def is_running(run_pk: int) -> bool:
    """Tell whether a worker that is alive has the run."""
    return Run.objects.heard().filter(pk=run_pk).exists()


def waits_for(run_pk: int) -> Run | None:
    """Return a run that this one builds on and that is not over yet, if there is one."""
    run = Run.objects.select_related("source_classifier_run", "target_classifier_run", "generator_run").get(pk=run_pk)
    return next((other for other in run.predecessors() if not other.is_over), None)


def usable_runs(project: Project, kind: Run.Kind, stain: str = "") -> QuerySet[Run]:
    """Return the runs that later runs may build on, newest first."""
    runs = Run.objects.filter(project=project, kind=kind, status=Run.Status.SUCCEEDED)
    return runs.filter(stain=stain) if stain else runs


def family(run: Run) -> list[Run]:
    """Return the runs that this one builds on, itself, and those that build on it, to either end, in order."""
    found = {run.pk: run}
    before, after = [run], [run]
    while before:
        before = [other for one in before for other in one.predecessors() if found.setdefault(other.pk, other) is other]
    while after:
        pks = [one.pk for one in after]
        builds = Q(source_classifier_run__in=pks) | Q(target_classifier_run__in=pks) | Q(generator_run__in=pks)
        after = [other for other in Run.objects.filter(builds).select_related(*WITH_INPUTS) if other.pk not in found]
        for other in after:
            found |= {other.pk: other} | {earlier.pk: earlier for earlier in other.predecessors()}
    return [found[pk] for pk in sorted(found)]


def best_checkpoint(run: Run) -> Checkpoint | None:
    """Return the checkpoint that validation chose, else the last one."""
    return run.checkpoints.order_by("-is_best", "-epoch").first()


def run_that_made(slide: Slide) -> Run | None:
    """Return the run that painted a synthetic slide."""
    runs = Run.objects.filter(kind=Run.Kind.SYNTHESIS, slide=slide.derived_from_id, status=Run.Status.SUCCEEDED)
    return runs.filter(inputs__generator=slide.generator_sha256).order_by("pk").first()


def product_of(run: Run) -> Slide | None:
    """Return the synthetic slide that a run painted; None while there is none."""
    if run.kind != Run.Kind.SYNTHESIS or run.status != Run.Status.SUCCEEDED:
        return None
    slides = Slide.objects.filter(derived_from=run.slide, generator_sha256=run.inputs.get("generator", ""))
    return slides.select_related("case__project").first()
