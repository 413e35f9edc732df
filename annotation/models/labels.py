"""Weak labels and remarks: what readers say of large patches, append-only."""

from uuid import UUID, uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotation.models.grids import LargePatch

# "position", "random:" and its seed, or "uncertain:" and the sha256 of the checkpoint whose scores set the order.
ORDER_PATTERN = r"^(position|random:[0-9]{1,9}|uncertain:[0-9a-f]{64})$"


class Label(models.TextChoices):
    """What a reader says of a large patch. Pages write tumour; code, API and exports write tumor."""

    TUMOR = "tumor", _("tumour")
    NORMAL = "normal", _("normal")
    UNSURE = "unsure", _("unsure")
    EXCLUDE = "exclude", _("exclude")


class WeakLabel(models.Model):
    """One decision of one reader. Rows are never changed or deleted: a trigger in the database refuses it.

    The current label is the reader's last row; value null withdraws what stood before.
    """

    class Route(models.TextChoices):
        KEY = "key", _("keyboard")
        MOUSE = "mouse", _("mouse")
        TOUCH = "touch", _("touch")
        API = "api", _("API")
        FILE = "file", _("imported file")
        DEMO = "demo", _("from the drawn truth")

    class Act(models.TextChoices):
        LABEL = "label", _("labelled")
        UNDO = "undo", _("undone")
        REDO = "redo", _("redone")
        RESTORE = "restore", _("restored")

    patch = models.ForeignKey(LargePatch, on_delete=models.PROTECT, related_name="labels")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="labels")
    value = models.CharField(max_length=8, choices=Label, null=True)  # noqa: DJ001 - null means withdrawn, "" nothing
    uuid = models.UUIDField(default=uuid4, help_text=_("Named by the client, so that a repeat is recognised."))
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    milliseconds = models.PositiveIntegerField(null=True, blank=True, help_text=_("From patch drawn to key pressed."))
    route = models.CharField(max_length=5, choices=Route, default=Route.API)
    act = models.CharField(max_length=7, choices=Act, default=Act.LABEL)
    step = models.UUIDField(
        null=True, help_text=_("Shared by the rows that were decided, and are undone, together; empty: alone.")
    )
    order = models.CharField(
        max_length=80, default="position", help_text=_("In which order the reader was shown the patches.")
    )
    decided_at = models.DateTimeField(
        null=True, blank=True, help_text=_("By the reader's own clock, which may be wrong; nothing rests on it.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["patch", "reader", "-id"], name="weak_label_current")]
        constraints = [
            models.UniqueConstraint(fields=["reader", "uuid"], name="label_uuid_once_per_reader"),
            models.CheckConstraint(
                condition=models.Q(value__isnull=True) | models.Q(value__in=Label.values), name="label_value_known"
            ),
            # One successor per row: of two writers that saw the same label, the database lets one through.
            models.UniqueConstraint(fields=["replaces"], name="label_replaced_once"),
            models.UniqueConstraint(
                fields=["patch", "reader"], condition=models.Q(replaces__isnull=True), name="label_one_first_per_reader"
            ),
            models.CheckConstraint(condition=models.Q(order__regex=ORDER_PATTERN), name="label_order_known"),
            models.CheckConstraint(
                condition=~models.Q(act__in=["undo", "redo"]) | models.Q(replaces__isnull=False),
                name="label_undo_replaces_a_row",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.value or 'withdrawn'} by {self.reader} on {self.patch}"

    @property
    def step_key(self) -> UUID:
        return self.step or self.uuid


class Remark(models.Model):
    """A flag for discussion, its withdrawal, or a comment of one person on one patch. Append-only."""

    class Kind(models.TextChoices):
        FLAG = "flag", _("flagged for discussion")
        UNFLAG = "unflag", _("flag taken back")
        COMMENT = "comment", _("comment")

    patch = models.ForeignKey(LargePatch, on_delete=models.PROTECT, related_name="remarks")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="remarks")
    kind = models.CharField(max_length=7, choices=Kind)
    text = models.TextField(blank=True, max_length=2000)
    uuid = models.UUIDField(default=uuid4)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["author", "uuid"], name="remark_uuid_once_per_author"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["flag", "unflag"], text="")
                | (models.Q(kind="comment") & ~models.Q(text="")),
                name="remark_comment_has_text",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} by {self.author} on {self.patch}"
