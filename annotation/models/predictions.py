"""What classifiers say of large patches."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from annotation.models.grids import LargePatch
from viewer.models import Slide


class Scoring(models.Model):
    """One MIL checkpoint has scored one slide: what readers choose from when they ask for an order or a heat map."""

    slide = models.ForeignKey(Slide, on_delete=models.CASCADE, related_name="scorings")
    checkpoint_sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=120, blank=True, help_text=_("Which run and epoch it is of."))
    scored_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["slide", "checkpoint_sha256"], name="scoring_once_per_checkpoint")
        ]

    def __str__(self) -> str:
        return f"{self.name or self.checkpoint_sha256[:8]} on {self.slide}"


class PatchPrediction(models.Model):
    """What one MIL checkpoint says of one large patch, so that pages can show it without torch."""

    patch = models.ForeignKey(LargePatch, on_delete=models.CASCADE, related_name="predictions")
    checkpoint_sha256 = models.CharField(max_length=64)
    probability = models.FloatField(help_text=_("Largest tumour probability of an instance, 0 to 1."))
    best_x_l0 = models.PositiveIntegerField()
    best_y_l0 = models.PositiveIntegerField()
    instance_probabilities = models.BinaryField(
        help_text=_("Row by row, one byte an instance: 0 to 254, 255 not scored.")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patch", "checkpoint_sha256"], name="prediction_once_per_checkpoint")
        ]

    def __str__(self) -> str:
        return f"{self.probability:.2f} on {self.patch}"
