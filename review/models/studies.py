"""Blinded studies: fields of real and synthetic slides, and what readers took them for."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Project
from viewer.models import Slide


class Study(models.Model):
    """A set of fields that was cut, mixed and encoded once. Answers come in until it is closed."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        READY = "ready", _("ready")
        CLOSED = "closed", _("closed")
        FAILED = "failed", _("failed")

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="studies")
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=6, choices=State, default=State.QUEUED)
    message = models.TextField(blank=True)
    seed = models.PositiveBigIntegerField(help_text=_("Decides which fields are cut and each reader's order."))
    field_um = models.PositiveIntegerField(default=224, help_text=_("Side of a field, micrometres."))
    fields_per_kind = models.PositiveIntegerField(default=20)
    repeats = models.PositiveIntegerField(default=4, help_text=_("Fields that come twice, for agreement with oneself."))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "studies"
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="study_name_once_per_project"),
            models.CheckConstraint(
                condition=Q(fields_per_kind__gte=1, fields_per_kind__lte=500, field_um__gte=50),
                name="study_has_fields",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StudyField(models.Model):
    """One field of a study. Its code and file tell nothing; what it is stands here alone."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="fields")
    code = models.CharField(max_length=32, unique=True, help_text=_("Random; the only name that readers see."))
    etag = models.CharField(max_length=32, help_text=_("Random."))
    synthetic = models.BooleanField()
    slide = models.ForeignKey(Slide, on_delete=models.PROTECT, related_name="+")
    x_l0 = models.PositiveIntegerField()
    y_l0 = models.PositiveIntegerField()
    side_l0 = models.PositiveIntegerField()
    repeats = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    key = models.CharField(max_length=200)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.code


class StudyAnswer(models.Model):
    """What one reader took one field for. Append-only (a trigger sees to it)."""

    field = models.ForeignKey(StudyField, on_delete=models.PROTECT, related_name="answers")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    says_synthetic = models.BooleanField()
    confidence = models.PositiveSmallIntegerField(help_text=_("1 (a guess) to 5 (certain)."))
    milliseconds = models.PositiveIntegerField(null=True, blank=True, help_text=_("From field shown to answer."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["field", "reader"], name="answer_once_per_field"),
            models.CheckConstraint(condition=Q(confidence__gte=1, confidence__lte=5), name="answer_confidence_1_to_5"),
        ]

    def __str__(self) -> str:
        return f"{self.reader} on {self.field}"
