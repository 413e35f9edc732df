import json
from dataclasses import replace
from pathlib import Path

import pytest

from training.learning.errors import ManifestError
from training.learning.manifest import Header, Manifest, PatchRow, SlideRow, parse, read, write

HEADER = Header("study", ("HE", "KI67"), 0.5, 2240, 224, "single")
SLIDE = SlideRow("case 1", "slides/a.tif", "0" * 64, 6720, 6720, 0.5, "file", "HE", "native", "train")
OTHER = replace(SLIDE, case="case 2", key="slides/b.tif", split="validation")
PATCH = PatchRow("slides/a.tif", 0, 2240, 2240, "tumor", (7, 8))
SOUND = Manifest(HEADER, (SLIDE, OTHER), (PATCH, replace(PATCH, slide="slides/b.tif", label="normal")))


def test_a_manifest_that_is_written_reads_back_equal_and_is_named_by_its_bytes(tmp_path: Path) -> None:
    sha256 = write(SOUND, tmp_path / "manifest.jsonl")
    assert read(tmp_path / "manifest.jsonl") == SOUND
    assert sha256 == SOUND.sha256 == read(tmp_path / "manifest.jsonl").sha256
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.jsonl"]


def test_the_file_has_a_header_then_slides_then_patches() -> None:
    rows = [json.loads(line) for line in SOUND.to_bytes().splitlines()]
    assert rows[0]["format"] == "counterstain-manifest-1"
    assert [row["kind"] for row in rows[1:]] == ["slide", "slide", "patch", "patch"]
    assert rows[3] == {
        "kind": "patch",
        "slide": "slides/a.tif",
        "x_l0": 0,
        "y_l0": 2240,
        "size_l0": 2240,
        "label": "tumor",
        "label_ids": [7, 8],
        "split": None,
    }


def test_ten_instances_of_224_px_lie_along_a_patch_of_2240_px() -> None:
    assert HEADER.instances_per_side == 10


def test_patches_belong_to_the_split_of_their_slide_unless_they_name_one() -> None:
    held_back = replace(PATCH, y_l0=0, split="validation")
    manifest = replace(SOUND, patches=(*SOUND.patches, held_back))
    assert manifest.bags_of("HE", "train") == [PATCH]
    assert manifest.bags_of("HE", "validation") == [SOUND.patches[1], held_back]


def test_validation_is_independent_only_between_cases() -> None:
    assert SOUND.independent_validation
    held_back = replace(PATCH, y_l0=0, split="validation")
    assert not replace(SOUND, patches=(*SOUND.patches, held_back)).independent_validation
    assert not Manifest(HEADER, (SLIDE,), (PATCH,)).independent_validation


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"header": replace(HEADER, instance_px=100)}, "2240 px does not divide into instances of 100 px"),
        ({"header": replace(HEADER, target_mpp=0.0)}, "target_mpp is 0.0"),
        ({"header": replace(HEADER, stains=("HE", "HE"))}, "expected the source, then the target stain"),
        ({"slides": (SLIDE, SLIDE, OTHER)}, "listed twice"),
        ({"slides": (replace(SLIDE, key="../a.tif"), OTHER)}, "leaves the slides' root"),
        ({"slides": (replace(SLIDE, key="/a.tif"), OTHER)}, "leaves the slides' root"),
        ({"slides": (replace(SLIDE, stain="SYN"), OTHER)}, "stained SYN"),
        ({"slides": (replace(SLIDE, split="all"), OTHER)}, "split 'all'"),
        ({"slides": (replace(SLIDE, sha256="abc"), OTHER)}, "64 hexadecimal digits"),
        ({"slides": (replace(SLIDE, mpp=0.0), OTHER)}, "expected numbers above 0"),
        ({"slides": (SLIDE, replace(OTHER, case="case 1"))}, "a case belongs to one split"),
        ({"patches": (replace(PATCH, slide="c.tif"),)}, "does not list"),
        ({"patches": (PATCH, PATCH)}, "listed twice"),
        ({"patches": (replace(PATCH, label="unsure"),)}, "labelled 'unsure'"),
        ({"patches": (replace(PATCH, x_l0=5000),)}, "does not lie within the slide's 6720 × 6720 pixels"),
        ({"patches": (replace(PATCH, x_l0=-1),)}, "does not lie within"),
        ({"patches": (replace(PATCH, split="all"),)}, "split 'all'"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ManifestError, match=says):
        replace(SOUND, **changes)  # type: ignore[arg-type]


def _line(number: int, **changes: object) -> bytes:
    rows = [json.loads(line) for line in SOUND.to_bytes().splitlines()]
    rows[number] |= changes
    return "\n".join(json.dumps(row) for row in rows).encode()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\xff\xfe", "is not JSON lines"),
        (b"{", "is not JSON lines"),
        (b"[1]", "lines that are no objects"),
        (_line(0, format="other"), "format is 'other', expected 'counterstain-manifest-1'"),
        (_line(1, kind="slice"), "Line 2 of the manifest is of kind 'slice'"),
        (_line(1, colour_profile="sRGB"), "unknown key 'colour_profile'"),
        (_line(1, width_l0="wide"), "width_l0 is 'wide'"),
        (_line(3, x_l0=True), "x_l0 is True"),
        (b'{"format": "counterstain-manifest-1", "project": "study"}', "is incomplete"),
    ],
)
def test_bytes_that_are_no_manifest_are_refused_with_the_line(content: bytes, says: str) -> None:
    with pytest.raises(ManifestError, match=says):
        parse(content)


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        read(tmp_path / "none.jsonl")
