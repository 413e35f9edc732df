"""Where one section lies on the next."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from viewer.models import Slide


class Alignment(models.Model):
    """One version of the map from one slide's level-0 pixels to another's; the newest version stands."""

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
    version = models.PositiveIntegerField(default=1)
    points = models.JSONField(
        default=list, help_text=_("[[x, y, x', y'], …]: places a reader laid on each other, fixed and moving level 0.")
    )
    error_um = models.FloatField(
        null=True, blank=True, help_text=_("Median distance of those places after alignment, micrometres.")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    method = models.CharField(max_length=40)
    message = models.TextField(blank=True, help_text=_("Why the slides could not be aligned."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fixed", "moving", "version"], name="alignment_once_per_version"),
            models.CheckConstraint(
                condition=Q(matrix__isnull=False, correlation__isnull=False)
                | (Q(matrix__isnull=False) & ~Q(points=[]))
                | (Q(matrix__isnull=True, correlation__isnull=True) & ~Q(message="")),
                name="alignment_fits_or_says_why_not",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fixed} to {self.moving}"
