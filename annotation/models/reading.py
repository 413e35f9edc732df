"""Several readers: who reads which slide, how far they are, and how disagreement is settled."""

from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Project
from annotation.models.grids import LargePatch
from viewer.models import Slide


class ReadingSettings(models.Model):
    """How a project reads: what is read twice, who sees whom, and what makes several labels one."""

    class Rule(models.TextChoices):
        SINGLE = "single", _("all who labelled agree")
        MAJORITY = "majority", _("more than half agree")
        ADJUDICATED = "adjudicated", _("all agree, or an adjudicator decided")

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="reading_settings")
    consensus = models.CharField(max_length=16, choices=Rule, default=Rule.SINGLE)
    double_share = models.FloatField(
        default=0.2, help_text=_("Share of a slide's patches that its second readers are asked about, 0 to 1.")
    )
    double_seed = models.PositiveIntegerField(default=7, help_text=_("Draws the patches that are read twice."))
    blinded = models.BooleanField(
        default=True,
        help_text=_("Readers of one slide see neither each other's labels nor a model's until all are done."),
    )
    assigned_only = models.BooleanField(default=False, help_text=_("Only readers whom a lead assigned may label."))

    class Meta:
        verbose_name_plural = "reading settings"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(double_share__gte=0, double_share__lte=1), name="reading_double_share_is_a_share"
            ),
            models.CheckConstraint(
                condition=models.Q(consensus__in=["single", "majority", "adjudicated"]), name="reading_consensus_known"
            ),
        ]

    def __str__(self) -> str:
        return f"reading in {self.project}"


class Reading(models.Model):
    """One person's part in one slide, and how far it is."""

    class Part(models.TextChoices):
        ALL = "all", _("reads every patch")
        SHARED = "shared", _("reads the patches that are read twice")
        ADJUDICATOR = "adjudicator", _("settles disagreement")

    slide = models.ForeignKey(Slide, on_delete=models.CASCADE, related_name="readings")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="readings")
    part = models.CharField(max_length=11, choices=Part, default=Part.ALL)
    assigned_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    assigned_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["slide", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["slide", "reader"], name="reading_once_per_reader"),
            models.CheckConstraint(
                condition=models.Q(reviewed_at__isnull=True) | models.Q(done_at__isnull=False),
                name="reading_reviewed_after_done",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reader} {self.get_part_display()} of {self.slide}"


class Adjudication(models.Model):
    """What an adjudicator decided of a patch on which readers disagree. Append-only; the last row stands."""

    patch = models.ForeignKey(LargePatch, on_delete=models.PROTECT, related_name="adjudications")
    adjudicator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="adjudications")
    value = models.CharField(max_length=8)
    label_ids = ArrayField(models.BigIntegerField(), help_text=_("The readers' labels that were on screen."))
    comment = models.TextField(blank=True, max_length=2000)
    uuid = models.UUIDField(default=uuid4)
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["adjudicator", "uuid"], name="adjudication_uuid_once"),
            models.UniqueConstraint(
                fields=["patch"], condition=models.Q(replaces__isnull=True), name="adjudication_one_first_per_patch"
            ),
            models.CheckConstraint(
                condition=models.Q(value__in=["tumor", "normal", "unsure", "exclude"]), name="adjudication_value_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.value} decided by {self.adjudicator} on {self.patch}"
