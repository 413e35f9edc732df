"""Labels as comma-separated values, for a spreadsheet or a script."""

import csv
from collections.abc import Iterator

from accounts.models import Project
from annotation.selectors import standing_labels

COLUMNS = ("slide", "case", "stain", "column", "row", "x_l0", "y_l0", "size_l0", "reader", "value", "created_at")

# A spreadsheet would run what begins with one of these; a leading apostrophe makes it text again.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """Gives each line back instead of keeping it, so that the export streams."""

    def write(self, line: str) -> str:
        return line


def labels_csv(project: Project) -> Iterator[str]:
    """Yield the current labels of every reader, a header first, a line each. Withdrawn labels are left out."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    labels = standing_labels().filter(patch__slide__case__project=project, value__isnull=False)
    labels = labels.select_related("patch__slide__case", "reader").order_by("patch__slide", "patch", "reader")
    for label in labels.iterator(chunk_size=2000):
        patch, slide = label.patch, label.patch.slide
        yield writer.writerow(
            [
                slide.pk,
                as_text(slide.case.name),
                slide.stain,
                patch.column,
                patch.row,
                patch.x_l0,
                patch.y_l0,
                patch.size_l0,
                as_text(label.reader.username),
                label.value,
                label.created_at.isoformat(),
            ]
        )


def as_text(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value
