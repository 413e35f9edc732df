"""Take labels from a file: first say every difference, then write all of it or nothing."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from accounts.models import Project, User
from annotation import selectors
from annotation.files import FORMATS, BadFile, LabelRow
from annotation.models import LargePatch, Remark, WeakLabel
from annotation.services.remarks import add_remark
from annotation.services.steps import MOST_AT_ONCE, PatchWrite, label_patches
from viewer.models import Slide


@dataclass
class Comparison:
    """What a file says beside what stands: every difference, and why a row can't be taken."""

    differences: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    same: int = 0
    writes: dict[int, list[PatchWrite]] = field(default_factory=lambda: defaultdict(list))
    remarks: list[tuple[LargePatch, str, str]] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        kinds = Counter(str(difference["kind"]) for difference in self.differences)
        return {**dict(sorted(kinds.items())), "same": self.same, "refused": len(self.refusals)}


def import_labels(
    project: Project, content: bytes, file_format: str, reader: User, slide: Slide | None = None, dry_run: bool = True
) -> Comparison:
    """Compare a file with the reader's own labels and, unless it is a dry run, take what differs.

    Rows of other readers are listed and not taken: nobody labels in another's name. `slide` says where rows belong
    that name no slide. A label here that the file lacks stays.

    Raises:
        ApplicationError: the file can't be read; or, when it is not a dry run, some rows can't be taken.
    """
    if file_format not in FORMATS:
        raise ApplicationError(
            _("“%(format)s” is no format of labels; expected one of %(known)s.")
            % {"format": file_format, "known": ", ".join(FORMATS)}
        )
    try:
        rows = FORMATS[file_format].read(content)
    except BadFile as error:
        raise ApplicationError(_("The file cannot be read. %(reason)s") % {"reason": error}) from error
    if len(rows) > MOST_AT_ONCE:
        raise ApplicationError(
            _("The file holds %(number)s rows; at most %(most)s are taken at once.")
            % {"number": len(rows), "most": MOST_AT_ONCE}
        )
    comparison = _compare(project, rows, reader, slide)
    if dry_run:
        return comparison
    if comparison.refusals:
        raise ApplicationError(
            _("%(number)s rows cannot be taken, so none was. The first: %(reason)s")
            % {"number": len(comparison.refusals), "reason": comparison.refusals[0]},
            extra={"refusals": comparison.refusals[:100]},
        )
    with transaction.atomic():
        for slide_pk, writes in comparison.writes.items():
            target = Slide.objects.select_related("case__project__reading_settings").get(pk=slide_pk)
            label_patches(target, writes, reader, route=WeakLabel.Route.FILE, step=uuid4())
        for patch, kind, text in comparison.remarks:
            # The same comment of the same file twice is one comment.
            uuid = uuid5(NAMESPACE_OID, f"{reader.pk}:{patch.pk}:{text}") if text else uuid4()
            add_remark(patch, reader, kind, uuid, text)
    return comparison


def _compare(project: Project, rows: list[LabelRow], reader: User, slide: Slide | None) -> Comparison:
    comparison = Comparison()
    slides = _SlidesHere(project, reader, slide)
    told: dict[int, str] = {}
    for row in rows:
        if row.reader and row.reader != reader.username:
            comparison.differences.append(_difference("other_reader", row, None))
            continue
        target = slides.of(row)
        if target is None:
            comparison.refusals.append(_("%(where)s: its slide is none of this project.") % {"where": row.where})
            continue
        patch = slides.patches(target).get(row.corner)
        if patch is None or (row.column is not None and (row.column, row.row) != (patch.column, patch.row)):
            comparison.refusals.append(
                _("%(where)s: no patch of “%(slide)s” lies there with that size; its grid is another.")
                % {"where": row.where, "slide": target}
            )
        elif patch.pk in told:
            if told[patch.pk] != row.value:
                comparison.refusals.append(
                    _("%(where)s: the file says two things of one patch.") % {"where": row.where}
                )
        elif row.value and not patch.offered:
            comparison.refusals.append(_("%(where)s: the patch is not offered for labelling.") % {"where": row.where})
        else:
            told[patch.pk] = row.value
            _compare_row(comparison, row, patch, *slides.standing(target, patch))
    for patch_pk, own in slides.own_rows():
        if patch_pk not in told and own.value:
            comparison.differences.append(_difference("only_here", own, own.value, value=""))
    return comparison


class _SlidesHere:
    """The project's slides and what the reader says of them, each read when a row first names it."""

    def __init__(self, project: Project, reader: User, slide: Slide | None) -> None:
        slides = Slide.objects.filter(case__project=project, origin=Slide.Origin.REAL).select_related("case")
        self._slides = {one.pk: one for one in slides}
        self._by_sha256 = {one.content_sha256: one for one in self._slides.values()}
        self._unnamed = slide
        self._reader = reader
        self._patches: dict[int, dict[tuple[int, int, int], LargePatch]] = {}
        self._rows: dict[int, dict[int, LabelRow]] = {}
        self._labels: dict[int, dict[int, WeakLabel]] = {}

    def of(self, row: LabelRow) -> Slide | None:
        """The slide that a row means: the same picture first, on whatever installation, then the same number."""
        named = self._slides.get(row.slide or 0)
        if row.slide_sha256:
            same = named if named and named.content_sha256 == row.slide_sha256 else None
            return same or self._by_sha256.get(row.slide_sha256)
        return named if row.slide is not None else self._unnamed

    def patches(self, slide: Slide) -> dict[tuple[int, int, int], LargePatch]:
        if slide.pk not in self._patches:
            patches = list(slide.patches.all())
            by_cell = {(one.column, one.row): one.pk for one in patches}
            own = selectors.rows_of_slide(slide, self._reader)
            self._patches[slide.pk] = {(one.x_l0, one.y_l0, one.size_l0): one for one in patches}
            self._rows[slide.pk] = {by_cell[row.column or 0, row.row or 0]: row for row in own}
            self._labels[slide.pk] = selectors.current_labels(slide, self._reader)
        return self._patches[slide.pk]

    def standing(self, slide: Slide, patch: LargePatch) -> tuple[LabelRow | None, WeakLabel | None]:
        return self._rows[slide.pk].get(patch.pk), self._labels[slide.pk].get(patch.pk)

    def own_rows(self) -> list[tuple[int, LabelRow]]:
        return [pair for rows in self._rows.values() for pair in rows.items()]


def _compare_row(
    comparison: Comparison, row: LabelRow, patch: LargePatch, here: LabelRow | None, label: WeakLabel | None
) -> None:
    before = here.value if here else ""
    found = len(comparison.differences)
    if row.value and row.value != before:
        comparison.differences.append(_difference("changed" if before else "new", row, before or None))
        write = PatchWrite(patch.pk, row.value, uuid4(), label.pk if label else None)
        comparison.writes[patch.slide_id].append(write)
    elif before and not row.value:
        comparison.differences.append(_difference("only_here", row, before))
    if row.flagged is not None and row.flagged != bool(here and here.flagged):
        kind = Remark.Kind.FLAG if row.flagged else Remark.Kind.UNFLAG
        comparison.differences.append(_difference(str(kind), row, before or None))
        comparison.remarks.append((patch, kind, ""))
    for text in row.comments:
        if text not in (here.comments if here else ()):
            comparison.differences.append(_difference("comment", row, before or None, text=text))
            comparison.remarks.append((patch, Remark.Kind.COMMENT, text))
    comparison.same += len(comparison.differences) == found


def _difference(
    kind: str, row: LabelRow, before: str | None, value: str | None = None, text: str = ""
) -> dict[str, Any]:
    return {
        "kind": kind,
        "where": row.where,
        "slide": row.slide,
        "column": row.column,
        "row": row.row,
        "x_l0": row.x_l0,
        "y_l0": row.y_l0,
        "reader": row.reader,
        "before": before,
        "after": (row.value if value is None else value) or None,
        "text": text,
    }
