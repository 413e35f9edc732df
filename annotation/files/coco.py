"""Labels as COCO: an image per slide, an annotation per patch and reader, a category per label."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from annotation.files.geojson import parsed
from annotation.files.rows import BadFile, LabelRow, checked_comments, known_value, whole_number
from annotation.models import Label

NO_LABEL = 0


def write(rows: Iterable[LabelRow]) -> Iterator[str]:
    """Yield the document; images are the slides that the rows name."""
    images: dict[int, dict[str, Any]] = {}
    annotations = []
    for number, row in enumerate(rows, start=1):
        assert row.slide is not None, "rows of the database know their slide"
        images.setdefault(
            row.slide,
            {
                "id": row.slide,
                "file_name": f"{row.case} {row.stain}",
                "case": row.case,
                "stain": row.stain,
                "sha256": row.slide_sha256,
            },
        )
        left, top, side = row.corner
        annotations.append(
            {
                "id": number,
                "image_id": row.slide,
                "category_id": list(Label.values).index(row.value) + 1 if row.value else NO_LABEL,
                "bbox": [left, top, side, side],
                "area": side * side,
                "iscrowd": 0,
                "segmentation": [[left, top, left + side, top, left + side, top + side, left, top + side]],
                "attributes": {
                    "reader": row.reader,
                    "column": row.column,
                    "row": row.row,
                    "created_at": row.created_at,
                    "flagged": row.flagged,
                    "comments": list(row.comments),
                },
            }
        )
    categories = [{"id": NO_LABEL, "name": "unlabelled"}]
    categories += [{"id": number, "name": value} for number, value in enumerate(Label.values, start=1)]
    document = {"images": list(images.values()), "categories": categories, "annotations": annotations}
    yield json.dumps(document, ensure_ascii=False, indent=1)


def read(content: bytes) -> list[LabelRow]:
    """Read what `write` wrote, or any COCO whose boxes are patches.

    Raises:
        BadFile: no COCO, or an annotation that cannot be.
    """
    document = parsed(content)
    try:
        images = {image["id"]: image for image in document["images"]}
        categories = {category["id"]: str(category["name"]) for category in document["categories"]}
        annotations = list(document["annotations"])
    except (TypeError, KeyError) as error:
        raise BadFile("This is no COCO: expected images, categories and annotations.") from error
    return [_row(one, images, categories, f"annotation {number}") for number, one in enumerate(annotations, start=1)]


def _row(one: Any, images: dict[Any, Any], categories: dict[Any, str], where: str) -> LabelRow:
    try:
        image, name = images[one["image_id"]], categories[one["category_id"]]
        left, top, width, height = one["bbox"]
        attributes = one.get("attributes") or {}
        told = {key: attributes.get(key) for key in ("reader", "column", "row", "created_at", "flagged", "comments")}
        slide, sha256 = image["id"], str(image.get("sha256") or "")
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise BadFile(f"{where}: names no known image and category, or has no box.") from error
    if width != height:
        raise BadFile(f"{where}: its box is no square; labels belong to whole patches.")
    return LabelRow(
        slide=whole_number(slide, "image", where),
        slide_sha256=sha256,
        column=None if told["column"] is None else whole_number(told["column"], "column", where),
        row=None if told["row"] is None else whole_number(told["row"], "row", where),
        x_l0=whole_number(left, "its left edge", where),
        y_l0=whole_number(top, "its upper edge", where),
        size_l0=whole_number(width, "its side", where),
        reader=str(told["reader"] or ""),
        value=known_value(name, where),
        created_at=str(told["created_at"] or ""),
        case=str(image.get("case") or ""),
        stain=str(image.get("stain") or ""),
        flagged=None if told["flagged"] is None else told["flagged"] is True,
        comments=checked_comments(told["comments"] or [], where),
        where=where,
    )
