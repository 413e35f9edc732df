"""What readers changed about the counted cells."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from review.models.scores import CellScore


class CellEdit(models.Model):
    """One change of one cell. Append-only (a trigger sees to it), and shared by the readers of a count.

    The edits of one cell form a chain: each names the one before it, and its last one says what the cell is now. A
    chain begins at a counted cell (`cell_index`) or where a reader added one. An undo is an edit like any other.
    """

    class Action(models.TextChoices):
        ADD = "add", _("added")
        REMOVE = "remove", _("removed")
        FLIP = "flip", _("flipped")
        UNDO = "undo", _("undone")

    score = models.ForeignKey(CellScore, on_delete=models.PROTECT, related_name="edits")
    action = models.CharField(max_length=6, choices=Action)
    cell_index = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Row of the counted cell in the column file; null: a reader added it.")
    )
    machine_positive = models.BooleanField(
        null=True, blank=True, help_text=_("What the counter said of it; null: a reader added it.")
    )
    x_l0 = models.FloatField()
    y_l0 = models.FloatField()
    present = models.BooleanField(help_text=_("Whether the cell counts after this edit."))
    positive = models.BooleanField(help_text=_("What it is after this edit."))
    after = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="successor")
    undoes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    uuid = models.UUIDField(default=uuid.uuid4, help_text=_("Named by the client, so that a repeat is recognised."))
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["reader", "uuid"], name="edit_uuid_once_per_reader"),
            # Of two readers who change the same counted cell at once, the database lets one through.
            models.UniqueConstraint(
                fields=["score", "cell_index"], condition=Q(after__isnull=True), name="edit_one_first_per_cell"
            ),
            models.CheckConstraint(condition=Q(action__in=["add", "remove", "flip", "undo"]), name="edit_action_known"),
            models.CheckConstraint(
                condition=Q(cell_index__isnull=False, machine_positive__isnull=False)
                | Q(cell_index__isnull=True, machine_positive__isnull=True),
                name="edit_counted_or_added",
            ),
            models.CheckConstraint(
                condition=~Q(action="add") | Q(cell_index__isnull=True, after__isnull=True, present=True),
                name="edit_added_begins_a_chain",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} by {self.reader} on {self.score}"
