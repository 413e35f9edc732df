"""What a clinician says of a synthetic slide: drafts, signed verdicts, and how they were taken up again."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from review.models.scores import CellScore
from viewer.models import Slide


class Review(models.Model):
    """A clinician's signed verdict on a synthetic slide. Append-only (a trigger sees to it).

    To say something else its reader reopens it and signs a new row.
    """

    class Verdict(models.TextChoices):
        USABLE = "usable", _("usable")
        MINOR_FLAWS = "minor_flaws", _("minor flaws")
        NOT_USABLE = "not_usable", _("not usable")

    slide = models.ForeignKey(Slide, on_delete=models.PROTECT, related_name="reviews")
    slide_version = models.CharField(max_length=12)
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    verdict = models.CharField(max_length=11, choices=Verdict)
    reasons = models.JSONField(default=list, help_text=_("Keys of `Reason`."))
    confidence = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("1 (a guess) to 5 (certain)."))
    pins = models.JSONField(
        default=list, help_text=_("[{x, y, kind, note}, …] on the synthetic slide, level-0 pixels.")
    )
    window = models.JSONField(
        null=True,
        blank=True,
        help_text=_("The hot-spot window judged: {x, y, side_um}, its middle on the source slide."),
    )
    counts = models.JSONField(
        default=dict, help_text=_("The numbers at this moment: of machine and reader, real and synthetic.")
    )
    comment = models.TextField(blank=True)
    synthetic_score = models.ForeignKey(CellScore, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    real_score = models.ForeignKey(CellScore, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    uuid = models.UUIDField(default=uuid.uuid4, help_text=_("Named by the client, so that a repeat is recognised."))
    round = models.PositiveIntegerField(default=1, help_text=_("Counts the signatures of this reader on this slide."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["reader", "uuid"], name="review_uuid_once_per_reader"),
            # Of two signatures at once the database lets one through.
            models.UniqueConstraint(fields=["slide", "reader", "round"], name="review_once_per_round"),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=1, confidence__lte=5),
                name="review_confidence_1_to_5",
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=["usable", "minor_flaws", "not_usable"]), name="review_verdict_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} by {self.reader} on {self.slide}"


class Reason(models.TextChoices):
    """Why a synthetic slide is flawed."""

    INVENTED_NUCLEI = "invented_nuclei", _("invented nuclei")
    LOST_NUCLEI = "lost_nuclei", _("lost nuclei")
    WRONG_POSITIVES = "wrong_positives", _("positive where it should be negative, or the reverse")
    COLOUR = "colour", _("colour or stain strength")
    SEAMS = "seams", _("seams between tiles")
    BLUR = "blur", _("blurred or smeared")
    OTHER = "other", _("other, see comment")


class PinKind(models.TextChoices):
    """What a pin on the synthetic slide points at."""

    INVENTED = "invented", _("invented structure")
    LOST = "lost", _("lost structure")
    SEAM = "seam", _("seam or colour")
    NOTE = "note", _("note")


class VerdictDraft(models.Model):
    """A verdict that its reader has not signed yet. Gone once it is signed."""

    slide = models.ForeignKey(Slide, on_delete=models.CASCADE, related_name="verdict_drafts")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    verdict = models.CharField(max_length=11, choices=Review.Verdict, blank=True)
    reasons = models.JSONField(default=list)
    confidence = models.PositiveSmallIntegerField(null=True, blank=True)
    pins = models.JSONField(default=list)
    window = models.JSONField(null=True, blank=True)
    comment = models.TextField(blank=True)
    revision = models.PositiveIntegerField(default=1, help_text=_("Of two tabs the one that saw the newest may write."))
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slide", "reader"], name="draft_one_per_reader")]

    def __str__(self) -> str:
        return f"draft of {self.reader} on {self.slide}"


class VerdictReopening(models.Model):
    """Why a reader took a signed verdict up again. Append-only; the verdict itself stays on record."""

    review = models.OneToOneField(Review, on_delete=models.PROTECT, related_name="reopening")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="reopening_says_why")]

    def __str__(self) -> str:
        return f"reopened: {self.review}"
