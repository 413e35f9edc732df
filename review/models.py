"""Cell scores, alignments and verdicts."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from viewer.models import Slide


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


class Alignment(models.Model):
    """An affine map from one slide's level-0 pixels to another's."""

    fixed = models.ForeignKey(Slide, on_delete=models.PROTECT, related_name="+")
    moving = models.ForeignKey(Slide, on_delete=models.PROTECT, related_name="+")
    matrix = models.JSONField(
        null=True,
        blank=True,
        help_text=_(
            "[a, b, c, d, e, f]: x' = a x + b y + c, y' = d x + e y + f, fixed to moving; null: the slides do not fit."
        ),
    )
    correlation = models.FloatField(null=True, blank=True, help_text=_("Of the aligned tissue maps, -1 to 1."))
    method = models.CharField(max_length=40)
    message = models.TextField(blank=True, help_text=_("Why the slides could not be aligned."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fixed", "moving"], name="alignment_once_per_pair"),
            models.CheckConstraint(
                condition=Q(matrix__isnull=False, correlation__isnull=False)
                | (Q(matrix__isnull=True, correlation__isnull=True) & ~Q(message="")),
                name="alignment_fits_or_says_why_not",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fixed} to {self.moving}"


class Review(models.Model):
    """A clinician's signed verdict on a synthetic slide. Append-only (a trigger sees to it): a new row supersedes."""

    class Verdict(models.TextChoices):
        USABLE = "usable", _("usable")
        MINOR_FLAWS = "minor_flaws", _("minor flaws")
        NOT_USABLE = "not_usable", _("not usable")

    slide = models.ForeignKey(Slide, on_delete=models.PROTECT, related_name="reviews")
    slide_version = models.CharField(max_length=12)
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    verdict = models.CharField(max_length=11, choices=Verdict)
    comment = models.TextField(blank=True)
    synthetic_score = models.ForeignKey(CellScore, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    real_score = models.ForeignKey(CellScore, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["usable", "minor_flaws", "not_usable"]), name="review_verdict_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} by {self.reader} on {self.slide}"
