"""Make rows of the training room for tests."""

import hashlib
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import Project, Role, User
from annotation.models import WeakLabel
from tests.factories import add_member, make_case, make_patch, make_slide, make_user
from training import services
from training.models import Checkpoint, Dataset, Run
from viewer.models import Case, Slide

VALUES = {"T": "tumor", "N": "normal", "U": "unsure", "X": "exclude"}


def reader_of(project: Project) -> User:
    """The project's one reader."""
    found = User.objects.filter(memberships__project=project, memberships__role=Role.PATHOLOGIST).first()
    return found or add_member(make_user(), project, Role.PATHOLOGIST)


def make_labelled_slide(case: Case, stain: str, labels: str, **fields: Any) -> Slide:
    """A slide with a row of patches, labelled by letter: "TTN." is two tumour, one normal and one unlabelled patch."""
    slide = make_slide(case, stain, width_l0=2240 * max(len(labels), 3), **fields)
    for column, letter in enumerate(labels):
        patch = make_patch(slide, column)
        if letter in VALUES:
            WeakLabel.objects.create(patch=patch, reader=reader_of(case.project), value=VALUES[letter])
    return slide


def make_labelled_case(project: Project, name: str, he: str = "TTNN", ki67: str = "TTNN") -> Case:
    case = make_case(project, name)
    make_labelled_slide(case, "HE", he)
    make_labelled_slide(case, "KI67", ki67)
    return case


def make_dataset(project: Project, by: User) -> Dataset:
    """A frozen data set of two cases, one of which validates."""
    if not project.cases.filter(name="Case 01").exists():
        make_labelled_case(project, "Case 01")
        make_labelled_case(project, "Case 02")
    return services.freeze_dataset(project, by)


def make_mil_run(project: Project, by: User, stain: str = "HE", dataset: Dataset | None = None, **fields: Any) -> Run:
    dataset = dataset or project.datasets.first() or make_dataset(project, by)
    run = services.create_run(project, Run.Kind.MIL, by, dataset=dataset, stain=stain, preset="tiny")
    return change(run, **fields)


def make_done_run(project: Project, by: User, stain: str = "HE") -> Run:
    """A classifier that is ready to be built on."""
    run = make_mil_run(project, by, stain, status=Run.Status.SUCCEEDED, attempt=1)
    make_checkpoint(run)
    return run


def make_done_generator(project: Project, by: User) -> Run:
    dataset = project.datasets.first() or make_dataset(project, by)
    run = services.create_run(
        project,
        Run.Kind.CYCLEGAN,
        by,
        dataset=dataset,
        source_classifier_run=make_done_run(project, by, "HE"),
        target_classifier_run=make_done_run(project, by, "KI67"),
        preset="tiny",
    )
    make_checkpoint(run)
    return change(run, status=Run.Status.SUCCEEDED, attempt=1)


def make_checkpoint(run: Run, epoch: int = 1, *, best: bool = True) -> Checkpoint:
    content = f"weights of run {run.pk}, epoch {epoch}".encode()
    key = default_storage.save(f"runs/{run.uuid}/checkpoints/epoch-{epoch:04d}.safetensors", ContentFile(content))
    return Checkpoint.objects.create(
        run=run,
        epoch=epoch,
        key=key,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        metrics={"balanced_error": 0.25},
        is_best=best,
    )


def make_running(run: Run, *, heard_seconds_ago: float = 0, attempt: int = 1, **fields: Any) -> Run:
    heard = timezone.now() - timedelta(seconds=heard_seconds_ago)
    values = {"status": Run.Status.RUNNING, "attempt": attempt, "heartbeat_at": heard, "started_at": heard}
    return change(run, **values, **fields)


def change(run: Run, **fields: Any) -> Run:
    """Set fields as if time had passed."""
    if fields:
        Run.objects.filter(pk=run.pk).update(**fields)
        run.refresh_from_db()
    return run
