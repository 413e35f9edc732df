"""What is written is read again without loss, and what is no such file is refused with its place."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.files import FORMATS, BadFile, LabelRow, coco, geojson, table

text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
rows = st.builds(
    LabelRow,
    slide=st.integers(1, 10**6),
    slide_sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    column=st.integers(0, 500),
    row=st.integers(0, 500),
    x_l0=st.integers(0, 10**6),
    y_l0=st.integers(0, 10**6),
    size_l0=st.integers(1, 10**5),
    reader=st.from_regex(r"[\w.@+-]{1,20}", fullmatch=True),
    value=st.sampled_from(["tumor", "normal", "unsure", "exclude", ""]),
    created_at=st.just("2026-11-23T10:00:00+00:00"),
    case=text.map(str.strip),
    stain=st.sampled_from(["HE", "KI67"]),
    flagged=st.booleans(),
    comments=st.lists(text.map(str.strip).filter(bool), max_size=2).map(tuple),
)


def written(file_format: str, *some: LabelRow) -> bytes:
    return "".join(FORMATS[file_format].write(some)).encode()


def one(**changes: Any) -> LabelRow:
    row = LabelRow(
        slide=3, slide_sha256="ab" * 32, column=1, row=2, x_l0=2240, y_l0=4480, size_l0=2240, reader="ann",
        value="tumor", created_at="2026-11-23T10:00:00+00:00", case="Case 1", stain="HE", flagged=False,
    )  # fmt: skip
    return replace(row, **changes)


@pytest.mark.parametrize("file_format", list(FORMATS))
@settings(max_examples=60, deadline=None, derandomize=True)
@given(some=st.lists(rows, max_size=4, unique_by=lambda row: row.slide))
def test_whatever_is_written_is_read_again_without_loss(file_format: str, some: list[LabelRow]) -> None:
    read = FORMATS[file_format].read(written(file_format, *some))
    assert [replace(row, where="") for row in read] == some


def test_geojson_has_the_class_and_colour_that_qupath_shows() -> None:
    [feature] = json.loads(written("geojson", one()))["features"]
    assert feature["geometry"]["coordinates"] == [
        [[2240, 4480], [4480, 4480], [4480, 6720], [2240, 6720], [2240, 4480]]
    ]
    assert feature["properties"]["objectType"] == "annotation"
    assert feature["properties"]["classification"] == {"name": "Tumor", "color": [232, 116, 44]}


def test_a_rectangle_drawn_in_qupath_is_a_row_without_our_words() -> None:
    ring = [[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0], [0.0, 0.0]]
    feature = {
        "type": "Feature",
        "id": "PathAnnotationObject",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"objectType": "annotation", "classification": {"name": "Tumour", "colorRGB": -3670016}},
    }
    [row] = geojson.read(json.dumps([feature]).encode())
    assert (row.corner, row.value, row.slide, row.reader, row.flagged) == ((0, 0, 100), "tumor", None, "", None)


def test_what_qupath_exports_again_is_still_the_same_row() -> None:
    """QuPath 0.5 adds an id of its own, a measurement, and keeps class, lock and metadata."""
    [feature] = json.loads(written("geojson", one(flagged=True, comments=("Mitoses?",))))["features"]
    properties = feature["properties"] | {"measurements": {"Area": 5017600.0}}
    again = {**feature, "id": "3f2c1a50-6f6e-4a11-9a0b-0d1e2f3a4b5c", "properties": properties}
    [row] = geojson.read(json.dumps({"type": "FeatureCollection", "features": [again]}).encode())
    assert replace(row, where="") == one(flagged=True, comments=("Mitoses?",))


def test_metadata_is_texts_only_because_qupath_drops_the_rest() -> None:
    [feature] = json.loads(written("geojson", one(comments=("a", "b"))))["features"]
    assert all(isinstance(value, str) for value in feature["properties"]["metadata"].values())


def test_a_cell_that_a_spreadsheet_would_run_is_text_and_comes_back_as_it_was() -> None:
    row = one(case="=HYPERLINK(1)", reader="@SUM", comments=("=1+1", "'quoted"))
    line = written("csv", row).decode().splitlines()[1]
    assert "'=HYPERLINK(1)" in line
    assert "'@SUM" in line
    assert '"[""=1+1""' in line  # begins with a bracket, so that nothing runs
    assert replace(table.read(written("csv", row))[0], where="") == row


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe", "no UTF-8"),
        (b"", "lacks the columns"),
        (b"a,b\n1,2\n", "lacks the columns x_l0, y_l0, size_l0, value"),
        (b"x_l0,y_l0,size_l0,value\n0,0,10,=cmd|calc\n", "line 2: “=cmd|calc” is no label"),
        (b"x_l0,y_l0,size_l0,value\n-1,0,10,tumor\n", "line 2: x_l0 is “-1”"),
        (b"x_l0,y_l0,size_l0,value\n1e400,0,10,tumor\n", "line 2: x_l0"),
        (b"x_l0,y_l0,size_l0,value\n0,0,10,tumor,extra\n", "line 2: more cells"),
        (b'x_l0,y_l0,size_l0,value\n"0,0,10,tumor\n', "no comma-separated table"),
        (b"x_l0,y_l0,size_l0,value,comments\n0,0,10,tumor,[1]\n", "line 2: comments"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(content: bytes, told: str) -> None:
    with pytest.raises(BadFile) as refusal:
        table.read(content)
    assert told in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "line 1, column 2: this is no JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"3", "no GeoJSON"),
        (b'{"type": "FeatureCollection", "features": 3}', "no GeoJSON"),
        (b'{"features": [1]}', "feature 1: no feature"),
        (b'{"features": [{"geometry": {"type": "Point", "coordinates": [1, 2]}}]}', "feature 1: a Point"),
        (b'{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [9, 4]]]}}]}', "no upright square"),
        (b'{"features": [{"geometry": {"type": "Polygon", "coordinates": [[["a", 0]]]}}]}', "no ring of points"),
        (b'{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[NaN, 0]]]}}]}', "NaN is no number"),
        (
            b'{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]]]}'
            b', "properties": {"classification": {"names": ["Tumor", "Positive"]}}}]}',
            "feature 1: “Tumor: Positive” is no label",
        ),
    ],
)  # fmt: skip
def test_bad_geojson_is_refused_with_its_feature(content: bytes, told: str) -> None:
    with pytest.raises(BadFile) as refusal:
        geojson.read(content)
    assert told in str(refusal.value)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "no COCO"),
        ({"images": [], "categories": [], "annotations": [{"image_id": 1}]}, "annotation 1: names no known image"),
        (
            {
                "images": [{"id": 1}],
                "categories": [{"id": 1, "name": "tumor"}],
                "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 20]}],
            },
            "its box is no square",
        ),
        (
            {
                "images": [{"id": 1}],
                "categories": [{"id": 1, "name": "cat"}],
                "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10]}],
            },
            "“cat” is no label",
        ),
    ],
)
def test_bad_coco_is_refused_with_its_annotation(document: object, told: str) -> None:
    with pytest.raises(BadFile) as refusal:
        coco.read(json.dumps(document).encode())
    assert told in str(refusal.value)
