"""The standing labels and remarks of readers as rows of a file."""

from collections import defaultdict
from collections.abc import Iterator

from accounts.access import Act, may
from accounts.models import Project, User
from annotation.files import LabelRow
from annotation.models import LargePatch, Remark
from annotation.selectors.labels import standing_labels
from annotation.selectors.reading import sees_others
from viewer.models import Slide


def label_rows(project: Project, user: User, slide: Slide | None = None) -> Iterator[LabelRow]:
    """Yield a row per patch and reader: one's own, and those of others where they may be seen, slide by slide."""
    slides = Slide.objects.filter(case__project=project, origin=Slide.Origin.REAL)
    slides = slides.select_related("case__project__reading_settings").order_by("case__name", "stain", "pk")
    lead = may(user, Act.FREEZE_DATASET, project)
    for one in slides if slide is None else [slide]:
        yield from rows_of_slide(one, None if lead and sees_others(one, user) else user)


def rows_of_slide(slide: Slide, reader: User | None) -> Iterator[LabelRow]:
    """Yield the rows of one slide, of one reader or of all, by patch and reader. Three queries."""
    labels = standing_labels().filter(patch__slide=slide, value__isnull=False)
    remarks = Remark.objects.filter(patch__slide=slide).order_by("pk")
    if reader is not None:
        labels, remarks = labels.filter(reader=reader), remarks.filter(author=reader)
    standing = {(row.patch_id, row.reader.username): row for row in labels.select_related("reader")}
    flags: dict[tuple[int, str], bool] = defaultdict(bool)
    comments: dict[tuple[int, str], list[str]] = defaultdict(list)
    for remark in remarks.select_related("author"):
        key = (remark.patch_id, remark.author.username)
        if remark.kind == Remark.Kind.COMMENT:
            comments[key].append(remark.text)
        else:
            flags[key] = remark.kind == Remark.Kind.FLAG
    spoken = standing.keys() | {key for key, flagged in flags.items() if flagged} | comments.keys()
    patches = LargePatch.objects.in_bulk({patch for patch, _reader in spoken})
    for key in sorted(spoken):
        patch, label = patches[key[0]], standing.get(key)
        yield LabelRow(
            slide=slide.pk,
            slide_sha256=slide.content_sha256,
            column=patch.column,
            row=patch.row,
            x_l0=patch.x_l0,
            y_l0=patch.y_l0,
            size_l0=patch.size_l0,
            reader=key[1],
            value=str(label.value) if label else "",
            created_at=label.created_at.isoformat() if label else "",
            case=slide.case.name,
            stain=slide.stain,
            flagged=flags[key],
            comments=tuple(comments[key]),
        )
