"""Labels as comma-separated values, for a spreadsheet or a script."""

import csv
import io
import json
from collections.abc import Iterable, Iterator

from annotation.files.rows import BadFile, LabelRow, as_utf8, checked_comments, known_value, whole_number

COLUMNS = (
    "slide", "case", "stain", "column", "row", "x_l0", "y_l0", "size_l0", "reader", "value", "created_at",
    "slide_sha256", "flagged", "comments",
)  # fmt: skip
NEEDED = ("x_l0", "y_l0", "size_l0", "value")

# A spreadsheet would run what begins with one of these; a leading apostrophe makes it text again.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")


class _Echo:
    """Gives each line back instead of keeping it, so that the export streams."""

    def write(self, line: str) -> str:
        return line


def write(rows: Iterable[LabelRow]) -> Iterator[str]:
    """Yield a header and a line each."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow(
            [
                row.slide,
                as_text(row.case),
                row.stain,
                row.column,
                row.row,
                row.x_l0,
                row.y_l0,
                row.size_l0,
                as_text(row.reader),
                row.value,
                row.created_at,
                row.slide_sha256,
                "yes" if row.flagged else "",
                json.dumps(row.comments, ensure_ascii=False) if row.comments else "",
            ]
        )


def read(content: bytes) -> list[LabelRow]:
    """Read what `write` wrote, or any table with the needed columns.

    Raises:
        BadFile: no such table, or a cell that cannot be.
    """
    reader = csv.DictReader(io.StringIO(as_utf8(content), newline=""), strict=True)
    try:
        lacking = [name for name in NEEDED if name not in (reader.fieldnames or [])]
        if lacking:
            raise BadFile(f"The first line lacks the columns {', '.join(lacking)}; expected {', '.join(COLUMNS)}.")
        return [_row(cells, f"line {reader.line_num}") for cells in reader]
    except csv.Error as error:
        raise BadFile(f"line {reader.line_num}: this is no comma-separated table ({error}).") from error


def _row(cells: dict[str, str | None], where: str) -> LabelRow:
    if None in cells:
        raise BadFile(f"{where}: more cells than the first line names.")
    text = {name: from_text(cells.get(name) or "") for name in COLUMNS}
    comments: object = []
    if text["comments"]:
        try:
            comments = json.loads(text["comments"])
        except (ValueError, RecursionError) as error:
            raise BadFile(f"{where}: comments are not a list of texts.") from error
    return LabelRow(
        slide=whole_number(text["slide"], "slide", where) if text["slide"] else None,
        slide_sha256=text["slide_sha256"],
        column=whole_number(text["column"], "column", where) if text["column"] else None,
        row=whole_number(text["row"], "row", where) if text["row"] else None,
        x_l0=whole_number(text["x_l0"], "x_l0", where),
        y_l0=whole_number(text["y_l0"], "y_l0", where),
        size_l0=whole_number(text["size_l0"], "size_l0", where),
        reader=text["reader"],
        value=known_value(text["value"], where),
        created_at=text["created_at"],
        case=text["case"],
        stain=text["stain"],
        flagged=None if cells.get("flagged") is None else text["flagged"].lower() in ("yes", "true", "1"),
        comments=checked_comments(comments, where),
        where=where,
    )


def as_text(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def from_text(value: str) -> str:
    return value[1:] if value.startswith("'") and value[1:].startswith(FORMULA_STARTS) else value
