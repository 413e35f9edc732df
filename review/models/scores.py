"""Counts of nuclei, and what a project asks of them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Project
from viewer.models import Slide


class ScoringSettings(models.Model):
    """What a project asks of a count; a project without a row gets the defaults."""

    class Grade(models.TextChoices):
        NONE = "none", _("no grade")
        GEP_NET = "gep_net", _("WHO grade of gastro-entero-pancreatic neuroendocrine tumours")

    class Detector(models.TextChoices):
        DENSITY = "density", _("optical density")
        MODEL = "model", _("the server's nucleus model")

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="scoring_settings")
    grade = models.CharField(
        max_length=7, choices=Grade, default=Grade.NONE, help_text=_("Only tumours of this kind are graded by Ki-67.")
    )
    detector = models.CharField(
        max_length=7, choices=Detector, default=Detector.DENSITY, help_text=_("What finds the nuclei.")
    )
    least_cells = models.PositiveIntegerField(
        default=500, help_text=_("A ratio of fewer cells is shown with a warning; hot spots hold at least as many.")
    )
    hot_spot_um = models.PositiveIntegerField(default=500, help_text=_("Side of a hot-spot window, micrometres."))
    reference_slide = models.ForeignKey(
        Slide,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Lends its calibration to synthetic slides of cases that have no real slide of the stain."),
    )

    class Meta:
        verbose_name_plural = "scoring settings"
        constraints = [
            models.CheckConstraint(condition=Q(grade__in=["none", "gep_net"]), name="scoring_grade_known"),
            models.CheckConstraint(condition=Q(detector__in=["density", "model"]), name="scoring_detector_known"),
            models.CheckConstraint(
                condition=Q(least_cells__gte=1, hot_spot_um__gte=50), name="scoring_windows_hold_cells"
            ),
        ]

    def __str__(self) -> str:
        return f"scoring of {self.project}"


class DrawnTruth(models.Model):
    """The nuclei of a drawn section as they were drawn: what a count without any error would give."""

    slide = models.OneToOneField(Slide, on_delete=models.CASCADE, related_name="drawn_truth")
    positive = models.PositiveIntegerField()
    negative = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(positive__gt=0) | Q(negative__gt=0), name="drawn_truth_has_nuclei"),
        ]

    def __str__(self) -> str:
        return f"drawn truth of {self.slide}"

    @property
    def ratio(self) -> float:
        return self.positive / (self.positive + self.negative)


class CellScore(models.Model):
    """Nuclei counted on one slide or one region of it, with the method that counted them. A new count is a new row."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    slide = models.ForeignKey(Slide, on_delete=models.PROTECT, related_name="scores")
    slide_version = models.CharField(max_length=12, help_text=_("Version of the slide that was counted."))
    calibrated_on = models.ForeignKey(
        Slide,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The slide whose white point and thresholds were applied."),
    )
    region_l0 = models.JSONField(
        null=True, blank=True, help_text=_("[x, y, width, height] in level-0 pixels; null: whole slide.")
    )
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    progress = models.FloatField(default=0)
    message = models.TextField(blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveIntegerField(
        default=0, help_text=_("Counts the claims. A worker may write only while its own attempt is the newest.")
    )
    positive = models.PositiveIntegerField(null=True, blank=True)
    negative = models.PositiveIntegerField(null=True, blank=True)
    ratio = models.FloatField(null=True, blank=True)
    interval_low = models.FloatField(null=True, blank=True)
    interval_high = models.FloatField(null=True, blank=True)
    slide_low = models.FloatField(
        null=True,
        blank=True,
        help_text=_("Block bootstrap over the slide, 95 %: wider than Wilson's where it is patchy."),
    )
    slide_high = models.FloatField(null=True, blank=True)
    sensitivity = models.JSONField(default=list, help_text=_("The ratio at other DAB thresholds."))
    parameters = models.JSONField(default=dict, help_text=_("All that the counter was told, and its version."))
    cells_key = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ratio__isnull=True) | Q(ratio__gte=0, ratio__lte=1), name="score_ratio_is_a_share"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(positive__isnull=False, negative__isnull=False),
                name="score_done_has_counts",
            ),
        ]

    def __str__(self) -> str:
        return f"score of {self.slide}"

    @property
    def cells(self) -> int | None:
        return None if self.positive is None or self.negative is None else self.positive + self.negative
