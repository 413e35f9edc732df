"""Labels of one slide as GeoJSON that QuPath opens: a rectangle per patch, class and colour as QuPath writes them.

Coordinates are level-0 pixels. What GeoJSON has no word for stands in QuPath's `metadata`, texts that it keeps from 0.5
on when it exports again; a rectangle that was drawn in QuPath has none and is found by its corners. No `id` is written:
a file that is opened twice would put two objects of one id into QuPath's hierarchy.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from annotation.files.rows import BadFile, LabelRow, as_utf8, checked_comments, known_value, whole_number

# The class names that QuPath users know, and the colours of our desk.
CLASSES: dict[str, tuple[str, list[int]]] = {
    "tumor": ("Tumor", [232, 116, 44]),
    "normal": ("Normal", [86, 180, 233]),
    "unsure": ("Unsure", [167, 169, 172]),
    "exclude": ("Exclude", [217, 217, 217]),
}


def write(rows: Iterable[LabelRow]) -> Iterator[str]:
    """Yield a feature collection, a feature a line."""
    yield '{"type": "FeatureCollection", "features": [\n'
    separator = ""
    for row in rows:
        yield separator + json.dumps(_feature(row), ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n"


def read(content: bytes) -> list[LabelRow]:
    """Read what `write` wrote, or QuPath.

    Raises:
        BadFile: no GeoJSON, or a feature that is no square with a known class.
    """
    document = parsed(content)
    features = document if isinstance(document, list) else None
    if isinstance(document, dict):
        features = [document] if document.get("type") == "Feature" else document.get("features")
    if not isinstance(features, list):
        raise BadFile("This is no GeoJSON: expected a FeatureCollection with features.")
    return [_row(feature, f"feature {number}") for number, feature in enumerate(features, start=1)]


def parsed(content: bytes) -> Any:
    try:
        return json.loads(as_utf8(content), parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise BadFile(f"line {error.lineno}, column {error.colno}: this is no JSON ({error.msg}).") from error
    except RecursionError as error:
        raise BadFile("The JSON is nested too deeply to be a file of labels.") from error


def _no_number(name: str) -> None:
    raise BadFile(f"{name} is no number that a file of labels holds.")


def _feature(row: LabelRow) -> dict[str, Any]:
    left, top, side = row.corner
    right, bottom = left + side, top + side
    properties: dict[str, Any] = {
        "objectType": "annotation",
        "name": f"column {(row.column or 0) + 1}, row {(row.row or 0) + 1}",
        "isLocked": True,
        "metadata": {
            "slide": str(row.slide),
            "slide_sha256": row.slide_sha256,
            "case": row.case,
            "stain": row.stain,
            "column": str(row.column),
            "row": str(row.row),
            "reader": row.reader,
            "created_at": row.created_at,
            "flagged": "yes" if row.flagged else "",
            "comments": json.dumps(row.comments, ensure_ascii=False) if row.comments else "",
        },
    }
    if row.value:
        name, colour = CLASSES[row.value]
        properties["classification"] = {"name": name, "color": colour}
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


def _row(feature: Any, where: str) -> LabelRow:
    if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict):
        raise BadFile(f"{where}: no feature with a geometry.")
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise BadFile(f"{where}: its properties are no table.")
    metadata = properties.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise BadFile(f"{where}: its metadata are no table.")
    classification = properties.get("classification") or {}
    name = _class_name(classification)
    left, top, side = _square(feature["geometry"], where)

    def number(key: str) -> int | None:
        told = metadata.get(key)
        return None if told in (None, "", "None") else whole_number(told, key, where)

    return LabelRow(
        slide=number("slide"),
        slide_sha256=str(metadata.get("slide_sha256") or ""),
        column=number("column"),
        row=number("row"),
        x_l0=left,
        y_l0=top,
        size_l0=side,
        reader=str(metadata.get("reader") or ""),
        value=known_value(name, where),
        created_at=str(metadata.get("created_at") or ""),
        case=str(metadata.get("case") or ""),
        stain=str(metadata.get("stain") or ""),
        flagged=None if "flagged" not in metadata else metadata["flagged"] == "yes",
        comments=checked_comments(_listed(metadata.get("comments"), where), where),
        where=where,
    )


def _class_name(classification: Any) -> str:
    """Return the class. Of a class within a class QuPath writes `names`: none of ours, and refused as what it says."""
    if not isinstance(classification, dict):
        return str(classification)
    names = classification.get("names")
    return ": ".join(map(str, names)) if isinstance(names, list) else str(classification.get("name", ""))


def _listed(told: Any, where: str) -> Any:
    if not told:
        return []
    try:
        return json.loads(told)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadFile(f"{where}: comments are not a list of texts.") from error


def _square(geometry: dict[str, Any], where: str) -> tuple[int, int, int]:
    if geometry.get("type") != "Polygon":
        raise BadFile(f"{where}: a {str(geometry.get('type'))[:40]}; expected the square of a patch as a Polygon.")
    try:
        points = [(float(x), float(y)) for x, y in geometry["coordinates"][0]]
        left, right = min(x for x, _y in points), max(x for x, _y in points)
        top, bottom = min(y for _x, y in points), max(y for _x, y in points)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise BadFile(f"{where}: its coordinates are no ring of points.") from error
    corners = {(left, top), (right, top), (right, bottom), (left, bottom)}
    if set(points) != corners or right - left != bottom - top:
        raise BadFile(f"{where}: no upright square; labels belong to whole patches.")
    return (
        whole_number(left, "its left edge", where),
        whole_number(top, "its upper edge", where),
        whole_number(right - left, "its side", where),
    )
