"""Frozen data sets, runs, checkpoints and publications."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Project, validate_stain
from viewer.models import Slide


class Split(models.TextChoices):
    """What a case is for. The values are those of the manifest."""

    TRAIN = "train", _("training")
    VALIDATION = "validation", _("validation")
    EVALUATION = "test", _("evaluation")
    LEFT_OUT = "left_out", _("left out")


# The splits that a manifest knows.
SPLITS = (Split.TRAIN, Split.VALIDATION, Split.EVALUATION)


class Dataset(models.Model):
    """A frozen manifest: what a run learns from, whatever is clicked later."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="datasets")
    number = models.PositiveIntegerField(help_text=_("Counts from 1 within the project."))
    source_stain = models.CharField(max_length=16, validators=[validate_stain])
    target_stain = models.CharField(max_length=16, validators=[validate_stain])
    manifest_key = models.CharField(max_length=200, unique=True)
    manifest_sha256 = models.CharField(max_length=64)
    consensus = models.CharField(max_length=16, default="single")
    counts = models.JSONField(help_text=_("Patches per stain, split and label."))
    splits = models.JSONField(
        default=dict, help_text=_("Names of the cases by split: train, validation, test (for evaluation).")
    )
    independent_validation = models.BooleanField(
        help_text=_("Validation cases are other cases than the training cases.")
    )
    note = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="dataset_number_once_per_project")]

    def __str__(self) -> str:
        return f"set {self.number} · {self.manifest_sha256[:8]}"


# How often a worker may die under one run before the run is given up; a person who resumes it grants as many again.
MAX_ATTEMPTS = 3


class RunQuerySet(models.QuerySet["Run"]):
    def active(self) -> "RunQuerySet":
        return self.filter(status__in=[Run.Status.QUEUED, Run.Status.RUNNING])

    def silent(self) -> "RunQuerySet":
        """Runs whose worker has not been heard for RUN_SILENCE_SECONDS, by the database's clock."""
        return self.filter(status=Run.Status.RUNNING, heartbeat_at__lt=Now() - _silence())

    def heard(self) -> "RunQuerySet":
        """Runs whose worker is alive."""
        return self.filter(status=Run.Status.RUNNING, heartbeat_at__gte=Now() - _silence())

    def claimable(self) -> "RunQuerySet":
        """Runs that a worker may take: queued, or running but silent."""
        return self.filter(
            Q(status=Run.Status.QUEUED) | Q(status=Run.Status.RUNNING, heartbeat_at__lt=Now() - _silence())
        )


def _silence() -> timedelta:
    return timedelta(seconds=settings.RUN_SILENCE_SECONDS)


class Run(models.Model):
    """One piece of work for a GPU worker. Claimed by compare-and-set, so that two workers never own it."""

    class Kind(models.TextChoices):
        MIL = "mil", _("MIL classifier")
        CYCLEGAN = "cyclegan", _("CycleGAN")
        SYNTHESIS = "synthesis", _("synthesis of a slide")
        SCORE = "score", _("class map of a slide")

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        SKIPPED = "skipped", _("skipped")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=9, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, null=True, blank=True, related_name="runs")
    stain = models.CharField(max_length=16, blank=True, help_text=_("The stain that a MIL classifier reads."))
    source_stain = models.CharField(max_length=16, blank=True)
    target_stain = models.CharField(max_length=16, blank=True)
    config = models.JSONField(help_text=_("Every key of the run's configuration, defaults filled in."))
    slide = models.ForeignKey(Slide, on_delete=models.PROTECT, null=True, blank=True, related_name="runs")
    source_classifier_run = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    target_classifier_run = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    generator_run = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    inputs = models.JSONField(default=dict, help_text=_("sha256 of each checkpoint used, written when the run starts."))

    attempt = models.PositiveIntegerField(
        default=0, help_text=_("Counts the claims. A worker may write only while its own attempt is the newest.")
    )
    attempt_limit = models.PositiveIntegerField(default=MAX_ATTEMPTS)
    worker = models.CharField(max_length=120, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    progress = models.JSONField(default=dict, help_text=_("step, total, epoch, message, seconds_left."))
    message = models.TextField(blank=True, help_text=_("Why it failed or was skipped, and what to do."))
    log_tail = models.TextField(blank=True)
    report = models.JSONField(default=dict)
    previews = models.JSONField(
        default=dict, help_text=_("Storage keys of the pictures of the validation patches, by epoch.")
    )
    resume_state = models.JSONField(default=dict, help_text=_("The newest full state: key, files, epoch, saved_at."))
    independent_validation = models.BooleanField(default=True)
    imported = models.BooleanField(
        default=False, help_text=_("Trained elsewhere and brought in: it has no data set of this project.")
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "succeeded", "failed", "cancelled", "skipped"]),
                name="run_status_known",
            ),
            models.CheckConstraint(
                condition=(Q(kind="mil") & (Q(dataset__isnull=False) | Q(imported=True)))
                | Q(
                    Q(dataset__isnull=False) | Q(imported=True),
                    kind="cyclegan",
                    source_classifier_run__isnull=False,
                    target_classifier_run__isnull=False,
                )
                | Q(kind="synthesis", slide__isnull=False, generator_run__isnull=False)
                | Q(kind="score", slide__isnull=False, source_classifier_run__isnull=False),
                name="run_names_its_inputs",
            ),
            models.CheckConstraint(
                condition=Q(imported=False) | Q(kind__in=["mil", "cyclegan"], status="succeeded", dataset__isnull=True),
                name="run_imported_is_over",
            ),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(heartbeat_at__isnull=False), name="run_running_has_a_heartbeat"
            ),
        ]

    def __str__(self) -> str:
        return f"Run {self.pk} · {self.get_kind_display()}" + (f" {self.stain}" if self.stain else "")

    @property
    def is_over(self) -> bool:
        return self.status not in {self.Status.QUEUED, self.Status.RUNNING}

    def predecessors(self) -> "list[Run]":
        """Runs whose checkpoints this run needs. Causes a query for each that is not loaded."""
        found = (self.source_classifier_run, self.target_classifier_run, self.generator_run)
        return [run for run in found if run is not None]


class RunMetric(models.Model):
    """Values that a run reported at the end of an epoch."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="metrics")
    attempt = models.PositiveIntegerField()
    epoch = models.PositiveIntegerField()
    values = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["run", "epoch"]
        constraints = [models.UniqueConstraint(fields=["run", "epoch"], name="metric_once_per_epoch")]

    def __str__(self) -> str:
        return f"epoch {self.epoch} of {self.run}"


class Checkpoint(models.Model):
    """Weights that a run wrote, known by their sha256."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="checkpoints")
    epoch = models.PositiveIntegerField()
    key = models.CharField(max_length=200, unique=True)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    metrics = models.JSONField(default=dict)
    is_best = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["run", "epoch"]
        constraints = [
            models.UniqueConstraint(fields=["run", "epoch"], name="checkpoint_once_per_epoch"),
            models.UniqueConstraint(fields=["run"], condition=Q(is_best=True), name="checkpoint_one_best_per_run"),
        ]

    def __str__(self) -> str:
        return f"epoch {self.epoch} of {self.run}"


class Publication(models.Model):
    """A synthetic slide was shown to clinicians, by whom and when; withdrawing keeps the row."""

    slide = models.ForeignKey(Slide, on_delete=models.PROTECT, related_name="publications")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, null=True, blank=True, related_name="publications")
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField(auto_now_add=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["slide"], condition=Q(withdrawn_at__isnull=True), name="publication_one_open_per_slide"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="publication_withdrawal_names_who",
            ),
        ]

    def __str__(self) -> str:
        return f"publication of {self.slide}"
