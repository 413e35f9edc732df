"""How a project cuts its slides into large patches, and the patches themselves."""

from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Project
from viewer.models import Slide


class GridSettings(models.Model):
    """How a project cuts its slides into large patches (Xu et al. 2020, "Preprocess")."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="grid_settings")
    patch_px = models.PositiveIntegerField(
        default=2240, help_text=_("Side of a large patch, pixels at the target mpp.")
    )
    instance_px = models.PositiveIntegerField(
        default=224, help_text=_("Side of an instance, pixels at the target mpp.")
    )
    min_tissue_share = models.FloatField(
        default=0.05, help_text=_("Patches with less tissue than this are left out, 0 to 1.")
    )
    target_mpp = models.FloatField(
        null=True, blank=True, help_text=_("Micrometres per pixel that patches are cut at; empty: the first slide's.")
    )

    class Meta:
        verbose_name_plural = "grid settings"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(patch_px__gte=models.F("instance_px"), instance_px__gte=16),
                name="grid_patch_holds_an_instance",
            ),
            models.CheckConstraint(
                condition=models.Q(min_tissue_share__gte=0, min_tissue_share__lte=1),
                name="grid_tissue_share_is_a_share",
            ),
            models.CheckConstraint(
                condition=models.Q(target_mpp__isnull=True) | models.Q(target_mpp__gt=0),
                name="grid_target_mpp_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patch_px} px patches of {self.project}"


class SlideGrid(models.Model):
    """The grid that was laid over one slide, with the foreground decision it rests on."""

    slide = models.OneToOneField(Slide, on_delete=models.PROTECT, related_name="grid")
    target_mpp = models.FloatField()
    size_l0 = models.PositiveIntegerField(help_text=_("Side of a large patch in level-0 pixels of this slide."))
    columns = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    otsu_threshold = models.FloatField(help_text=_("Otsu's threshold on the low level, 0 to 255."))
    resampled = models.BooleanField(help_text=_("The slide's mpp differs from the target: pixels are resampled."))
    note = models.TextField(blank=True, help_text=_("Why the slide has no patches, if it has none."))
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.columns} × {self.rows} patches on {self.slide}"


class LargePatch(models.Model):
    """One whole cell of the grid. Cells with too little tissue are kept as rows but not offered."""

    slide = models.ForeignKey(Slide, on_delete=models.PROTECT, related_name="patches")
    column = models.PositiveIntegerField()
    row = models.PositiveIntegerField()
    x_l0 = models.PositiveIntegerField()
    y_l0 = models.PositiveIntegerField()
    size_l0 = models.PositiveIntegerField()
    tissue_share = models.FloatField()
    offered = models.BooleanField(help_text=_("Readers are asked about it."))
    by_otsu = models.BooleanField(
        default=True, help_text=_("Otsu's threshold found enough tissue; a person may overrule it.")
    )

    class Meta:
        ordering = ["slide", "row", "column"]
        verbose_name_plural = "large patches"
        constraints = [
            models.UniqueConstraint(fields=["slide", "column", "row"], name="patch_once_per_cell"),
            models.CheckConstraint(
                condition=models.Q(tissue_share__gte=0, tissue_share__lte=1), name="patch_tissue_share_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return f"column {self.column}, row {self.row} of {self.slide}"


class Overrule(models.Model):
    """One decision of a person against, or back to, what Otsu's threshold said of a patch. Append-only."""

    class Act(models.TextChoices):
        OVERRULE = "overrule", _("overruled")
        UNDO = "undo", _("undone")
        REDO = "redo", _("redone")

    patch = models.ForeignKey(LargePatch, on_delete=models.CASCADE, related_name="overrules")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    offered = models.BooleanField()
    uuid = models.UUIDField(
        default=uuid4, db_default=RandomUUID(), help_text=_("Of the request that brought it: a repeat is recognised.")
    )
    act = models.CharField(max_length=8, choices=Act, default=Act.OVERRULE)
    step = models.UUIDField(null=True, help_text=_("Names what is undone together; empty: the uuid."))
    after = models.ForeignKey(
        "annotation.WeakLabel",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text=_("The person's last label on the slide by then: undo goes back through both in their order."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["by", "uuid", "patch"], name="overrule_uuid_once_per_patch"),
            models.CheckConstraint(condition=models.Q(act__in=["overrule", "undo", "redo"]), name="overrule_act_known"),
            models.CheckConstraint(
                condition=models.Q(act="overrule") | models.Q(step__isnull=False), name="overrule_undo_names_its_step"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patch} {'brought in' if self.offered else 'left out'} by {self.by}"

    @property
    def step_key(self) -> UUID:
        return self.step or self.uuid
