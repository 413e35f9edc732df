"""Assign slides to readers, and settle what they disagree on."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Act, may
from accounts.errors import ApplicationError, Conflict
from accounts.models import Project, User
from annotation import selectors
from annotation.models import Adjudication, Label, LargePatch, Reading, ReadingSettings
from viewer.models import Slide


@transaction.atomic
def change_reading_settings(project: Project, **changes: Any) -> ReadingSettings:
    """Change how a project reads. Labels stay; what counts as consensus is asked anew at each freeze."""
    ReadingSettings.objects.get_or_create(project=project)
    settings = ReadingSettings.objects.select_for_update().get(project=project)
    redraws = {"double_share", "double_seed"} & {name for name in changes if changes[name] != getattr(settings, name)}
    shared = Reading.objects.filter(slide__case__project=project, part=Reading.Part.SHARED)
    if redraws and shared.filter(slide__patches__labels__reader__in=shared.values("reader")).exists():
        raise Conflict(
            _(
                "Second readers have begun: another share or seed would ask them about other patches. "
                "Nothing was changed."
            )
        )
    for name, value in changes.items():
        setattr(settings, name, value)
    settings.full_clean()
    settings.save(update_fields=list(changes))
    return settings


def assign(slide: Slide, reader: User, part: str, by: User) -> Reading:
    """Give a person a part in a slide; the same again changes nothing, another part replaces the one before."""
    if slide.is_synthetic:
        raise ApplicationError(_("A synthetic slide is not labelled: assign the slide that it was made from."))
    if part not in Reading.Part.values:
        raise ApplicationError(
            _("“%(part)s” is no part; expected one of %(allowed)s.")
            % {"part": part, "allowed": ", ".join(Reading.Part.values)}
        )
    if not may(reader, Act.LABEL, slide.project):
        raise ApplicationError(
            _("%(reader)s is no pathologist of “%(project)s”. Give them the role first.")
            % {"reader": reader, "project": slide.project}
        )
    with transaction.atomic():
        reading, created = Reading.objects.select_for_update().get_or_create(
            slide=slide, reader=reader, defaults={"part": part, "assigned_by": by}
        )
        if not created and reading.part != part:
            if selectors.has_read(slide, reader):
                raise Conflict(_("%(reader)s has labelled on this slide already; the part stays.") % {"reader": reader})
            reading.part = part
            reading.assigned_by = by
            reading.save(update_fields=["part", "assigned_by"])
    return reading


def unassign(reading: Reading) -> None:
    """Take a part back. Labels that were given stay."""
    reading.delete()


def finish_reading(slide: Slide, reader: User) -> Reading:
    """Say that one's reading of a slide is done.

    Raises:
        Conflict: patches without a label are left.
    """
    left = selectors.progress(slide, reader)["left"]
    if left:
        raise Conflict(_("%(left)s patches have no label yet. Label or exclude them first.") % {"left": left})
    Reading.objects.get_or_create(slide=slide, reader=reader)
    Reading.objects.filter(slide=slide, reader=reader, done_at__isnull=True).update(done_at=timezone.now())
    return Reading.objects.get(slide=slide, reader=reader)


def reopen_reading(reading: Reading) -> Reading:
    """Take a reading up again; a review of it falls."""
    Reading.objects.filter(pk=reading.pk).update(done_at=None, reviewed_at=None, reviewed_by=None)
    reading.refresh_from_db()
    return reading


def review_reading(reading: Reading, by: User) -> Reading:
    """Sign a reading off."""
    written = Reading.objects.filter(pk=reading.pk, done_at__isnull=False).update(
        reviewed_at=timezone.now(), reviewed_by=by
    )
    if not written:
        raise Conflict(_("%(reader)s has not finished this slide yet.") % {"reader": reading.reader})
    reading.refresh_from_db()
    return reading


def adjudicate(
    patch: LargePatch,
    value: str,
    by: User,
    uuid: UUID,
    label_ids: list[int],
    seen: int | None = None,
    comment: str = "",
) -> Adjudication:
    """Decide what a patch is on which readers disagree. `label_ids` are their labels that were on screen.

    Raises:
        Conflict: a reader has changed a label since, or somebody else decided first.
    """
    if value not in Label.values:
        raise ApplicationError(
            _("“%(value)s” is no label; expected one of %(allowed)s.")
            % {"value": value, "allowed": ", ".join(Label.values)}
        )
    own = Adjudication.objects.filter(Q(patch=patch) | Q(adjudicator=by, uuid=uuid)).order_by("pk")
    rows = list(own)
    repeated = next((row for row in rows if (row.adjudicator_id, row.uuid) == (by.pk, uuid)), None)
    if repeated is not None:
        if (repeated.patch_id, repeated.value) != (patch.pk, value):
            raise Conflict(_("This uuid already names another decision of yours. Send a new uuid for a new decision."))
        return repeated
    standing = [row.pk for row in selectors.standing_labels().filter(patch=patch, value__isnull=False)]
    last = next((row for row in reversed(rows) if row.patch_id == patch.pk), None)
    if sorted(label_ids) != sorted(standing) or (last.pk if last else None) != seen:
        raise Conflict(_("The labels of this patch have changed since they were shown. Look at them again."))
    try:
        with transaction.atomic():
            return Adjudication.objects.create(
                patch=patch,
                adjudicator=by,
                value=value,
                label_ids=sorted(standing),
                comment=comment.strip(),
                uuid=uuid,
                replaces=last,
            )
    except IntegrityError as error:
        raise Conflict(_("Somebody else decided on this patch at the same moment. Look at it again.")) from error
