import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.learning.errors import StopRequested
from training.learning.study.cohort import build_block, draw_cohort, read_truth, tumor_cells
from training.learning.study.profiles import PROFILES
from viewer.imaging.slides import open_slide

SMALL = replace(PROFILES["tiny"], size_px=448, cases=4, held_out=1, validation=1)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    draw_cohort(SMALL, folder, 1.0)
    return folder


def test_both_sections_of_every_case_are_drawn_and_the_true_stain_of_those_to_be_painted(drawn: Path) -> None:
    names = sorted(path.name for path in drawn.glob("*.tif"))
    assert names == [
        *("case01-HE.tif", "case01-KI67.tif", "case01-TWIN.tif", "case02-HE.tif", "case02-KI67.tif"),
        *("case03-HE.tif", "case03-KI67.tif", "case04-HE.tif", "case04-KI67.tif", "case04-TWIN.tif"),
    ]


def test_the_manifest_splits_by_case_and_holds_no_true_stain(drawn: Path) -> None:
    manifest = draw_cohort(SMALL, drawn, 1.0)
    assert {row.case: row.split for row in manifest.slides} == {
        "case01": "train",
        "case02": "train",
        "case03": "validation",
        "case04": "test",
    }
    assert manifest.header.stains == ("HE", "KI67")
    assert manifest.independent_validation
    assert not any("TWIN" in row.key for row in manifest.slides)


def test_a_bag_is_tumour_when_one_tumour_nucleus_lies_in_it(drawn: Path) -> None:
    manifest = draw_cohort(SMALL, drawn, 1.0)
    nuclei = tumor_cells(read_truth(drawn, "case01", "HE"), SMALL.size_px, SMALL.patch_px)
    bags = [row for row in manifest.patches if row.slide == "case01-HE.tif"]
    assert bags
    for bag in bags:
        count = nuclei[bag.y_l0 // SMALL.patch_px, bag.x_l0 // SMALL.patch_px]
        assert bag.label == ("tumor" if count >= 1 else "normal")


def test_the_listed_nuclei_are_those_of_the_block(drawn: Path) -> None:
    saved = read_truth(drawn, "case04", "KI67")
    block = build_block(SMALL, SMALL.case_specs()[3], 1.0)
    assert np.array_equal(saved.x, block.truth("KI67").x)
    assert np.array_equal(saved.is_positive, block.truth("KI67").is_positive)


def test_a_slide_is_the_section_as_its_scanner_sees_it(drawn: Path) -> None:
    spec = replace(SMALL.case_specs()[0])
    plain = build_block(SMALL, spec, 1.0).render("HE", "HE", 100, 100, 200, 200)
    with open_slide(drawn / "case01-HE.tif") as reader:
        scanned = reader.read_region(100, 100, 0, 200, 200)
    # Another batch of stain: near the plain picture, and not the same.
    difference = np.abs(scanned.astype(int) - plain.astype(int)).mean()
    assert 1 < difference < 20


def test_drawing_goes_on_after_a_stop_and_ends_the_same(drawn: Path, tmp_path: Path) -> None:
    calls = []

    def stop_at_the_fourth_section() -> None:
        calls.append(1)
        if len(calls) == 4:
            raise StopRequested

    with pytest.raises(StopRequested):
        draw_cohort(SMALL, tmp_path, 1.0, check=stop_at_the_fourth_section)
    assert len(list(tmp_path.glob("*.tif"))) == 3
    assert not (tmp_path / "manifest.jsonl").exists()
    draw_cohort(SMALL, tmp_path, 1.0)
    assert (tmp_path / "manifest.jsonl").read_bytes() == (drawn / "manifest.jsonl").read_bytes()


def test_the_control_hides_the_status_and_keeps_everything_else_about_a_case(tmp_path: Path, drawn: Path) -> None:
    draw_cohort(SMALL, tmp_path, 0.0)
    one, other = (json.loads((folder / "cohort.json").read_text()) for folder in (drawn, tmp_path))
    assert one["cases"] == other["cases"]
    assert (one["morph"], other["morph"]) == (1.0, 0.0)
    shown, hidden = (read_truth(folder, "case01", "HE") for folder in (drawn, tmp_path))
    positive = [truth.radius_px[truth.is_tumor & truth.is_positive].mean() for truth in (shown, hidden)]
    assert positive[0] > positive[1] + 0.5
