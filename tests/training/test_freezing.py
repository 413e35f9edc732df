"""What a frozen data set holds, and what is refused."""

import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import DatabaseError, transaction

from accounts.errors import ApplicationError
from accounts.models import Project, User
from annotation.models import WeakLabel
from annotation.services import adjudicate, change_reading_settings
from config.standalone.layout import Layout
from tests.factories import make_case, make_slide, make_slide_without_mpp, make_synthetic_slide
from tests.training.builders import make_labelled_case, make_labelled_slide
from training.learning import manifest
from training.models import Dataset
from training.selectors import freeze_plan
from training.services import freeze_dataset


def rows_of(dataset: Dataset) -> list[dict[str, Any]]:
    with default_storage.open(dataset.manifest_key) as file:
        return [json.loads(line) for line in file.read().splitlines()]


def stored_files(layout: Layout) -> list[Path]:
    return [path for path in layout.storage.rglob("*") if path.is_file()] if layout.storage.exists() else []


def refusal(project: Project, by: User, **arguments: Any) -> ApplicationError:
    """Freeze in vain, and check that nothing was written."""
    with pytest.raises(ApplicationError) as refused:
        freeze_dataset(project, by, **arguments)
    assert not Dataset.objects.exists()
    assert not default_storage.exists("datasets")
    return refused.value


def test_the_manifest_holds_header_slides_and_patches(project: Project, lead: User) -> None:
    train, validate = make_labelled_case(project, "Case 01", "TN"), make_labelled_case(project, "Case 02", "NT")
    unlabelled = make_case(project, "Case 03")
    seen_later = make_slide(unlabelled, "HE", mpp=0.5)

    dataset = freeze_dataset(project, lead)

    header, *rows = rows_of(dataset)
    assert header == {
        "format": manifest.FORMAT,
        "project": "breast-study",
        "stains": ["HE", "KI67"],
        "target_mpp": 0.25,
        "patch_px": 2240,
        "instance_px": 224,
        "consensus": "single",
    }
    slides = [row for row in rows if row["kind"] == "slide"]
    he = train.slides.get(stain="HE")
    assert slides[0] == {
        "kind": "slide",
        "case": "Case 01",
        "key": he.key,
        "sha256": he.content_sha256,
        "width_l0": 6720,
        "height_l0": 6720,
        "mpp": 0.25,
        "mpp_source": "file",
        "stain": "HE",
        "colour": "native",
        "split": "train",
    }
    assert {row["key"]: row["split"] for row in slides} == {
        he.key: "train",
        train.slides.get(stain="KI67").key: "train",
        validate.slides.get(stain="HE").key: "validation",
        validate.slides.get(stain="KI67").key: "validation",
        seen_later.key: "test",
    }
    patches = [row for row in rows if row["kind"] == "patch"]
    assert patches[:2] == [
        {
            "kind": "patch",
            "slide": he.key,
            "x_l0": 0,
            "y_l0": 0,
            "size_l0": 2240,
            "label": "tumor",
            "label_ids": [WeakLabel.objects.get(patch__slide=he, patch__column=0).pk],
            "split": None,
        },
        {
            "kind": "patch",
            "slide": he.key,
            "x_l0": 2240,
            "y_l0": 0,
            "size_l0": 2240,
            "label": "normal",
            "label_ids": [WeakLabel.objects.get(patch__slide=he, patch__column=1).pk],
            "split": None,
        },
    ]
    assert len(patches) == 12


def test_the_learning_core_reads_what_was_frozen(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    make_labelled_case(project, "Case 02")
    dataset = freeze_dataset(project, lead)
    with default_storage.open(dataset.manifest_key) as file:
        content = file.read()
    read = manifest.parse(content)
    assert read.independent_validation
    assert len(read.bags_of("KI67", "validation")) == 4
    assert hashlib.sha256(content).hexdigest() == dataset.manifest_sha256 == read.sha256


def test_the_row_says_what_was_frozen(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01", "TTTN", "TN")
    make_labelled_case(project, "Case 02", "TN", "TNN")
    make_slide(make_case(project, "Case 03"), "KI67")
    dataset = freeze_dataset(project, lead, note="first reading")
    assert dataset.number == 1
    assert dataset.created_by == lead
    assert dataset.independent_validation
    assert dataset.note == "first reading"
    assert dataset.splits == {"train": ["Case 01"], "validation": ["Case 02"], "test": ["Case 03"]}
    assert dataset.counts == {
        "HE": {
            "train": {"slides": 1, "tumor": 3, "normal": 1},
            "validation": {"slides": 1, "tumor": 1, "normal": 1},
            "test": {"slides": 0, "tumor": 0, "normal": 0},
        },
        "KI67": {
            "train": {"slides": 1, "tumor": 1, "normal": 1},
            "validation": {"slides": 1, "tumor": 1, "normal": 2},
            "test": {"slides": 1, "tumor": 0, "normal": 0},
        },
    }


def test_later_labels_leave_the_frozen_set_alone(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    case = make_labelled_case(project, "Case 02")
    first = freeze_dataset(project, lead)
    frozen = rows_of(first)
    label = WeakLabel.objects.get(patch__slide=case.slides.get(stain="HE"), patch__column=0)
    WeakLabel.objects.create(patch=label.patch, reader=label.reader, value="normal", replaces=label)
    second = freeze_dataset(project, lead)
    assert rows_of(first) == frozen
    assert second.number == 2
    assert second.manifest_sha256 != first.manifest_sha256
    assert second.counts["HE"]["validation"] == {"slides": 1, "tumor": 1, "normal": 3}


def test_freezing_twice_gives_the_same_bytes(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    make_labelled_case(project, "Case 02")
    first, second = freeze_dataset(project, lead), freeze_dataset(project, lead)
    assert first.manifest_sha256 == second.manifest_sha256
    assert first.manifest_key != second.manifest_key


def test_unsure_disagreed_and_synthetic_patches_are_left_out(project: Project, lead: User, outsider: User) -> None:
    make_labelled_case(project, "Case 01", "TNUX.", "TN")
    case = make_labelled_case(project, "Case 02", "TNT", "TN")
    slide = case.slides.get(stain="HE")
    WeakLabel.objects.create(patch=slide.patches.get(column=2), reader=outsider, value="normal")
    make_synthetic_slide(slide)
    dataset = freeze_dataset(project, lead)
    assert sum(row.get("kind") == "patch" for row in rows_of(dataset)) == 8
    assert sum(row.get("kind") == "slide" for row in rows_of(dataset)) == 4
    assert "3 labelled patches are not frozen" in dataset.note


def test_the_set_keeps_the_rule_and_each_label_the_rule_that_made_it(
    project: Project, lead: User, outsider: User
) -> None:
    make_labelled_case(project, "Case 01", "TN")
    make_labelled_case(project, "Case 02", "NT")
    change_reading_settings(project, consensus="adjudicated")
    disputed = WeakLabel.objects.order_by("pk")[0]
    other = WeakLabel.objects.create(patch=disputed.patch, reader=outsider, value="normal")
    adjudicate(disputed.patch, "tumor", lead, uuid4(), [disputed.pk, other.pk])
    dataset = freeze_dataset(project, lead)
    header, *rows = rows_of(dataset)
    assert (dataset.consensus, header["consensus"]) == ("adjudicated", "adjudicated")
    rules = {tuple(row["label_ids"]): row.get("rule") for row in rows if row["kind"] == "patch"}
    assert rules.pop((disputed.pk, other.pk)) == "adjudicated"
    assert set(rules.values()) == {None}


def test_the_last_case_that_can_be_spared_validates(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01", "TT", "TN")
    make_labelled_case(project, "Case 02", "TTN", "TN")
    make_labelled_case(project, "Case 03", "NN", "TN")
    # Without Case 03 both stains keep both classes, but its H&E slide has one class: Case 02 judges better.
    assert freeze_plan(project).splits == {"train": ["Case 01", "Case 03"], "validation": ["Case 02"], "test": []}


def test_a_case_that_training_needs_does_not_validate(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01", "TN", "TN")
    make_labelled_case(project, "Case 02", "TT", "NN")
    assert freeze_plan(project).splits == {"train": ["Case 01"], "validation": ["Case 02"], "test": []}


def test_a_lead_names_the_splits(project: Project, lead: User) -> None:
    for number in range(1, 5):
        make_labelled_case(project, f"Case 0{number}")
    splits = {"Case 01": "validation", "Case 02": "test", "Case 04": "left_out"}
    dataset = freeze_dataset(project, lead, splits=splits)
    assert dataset.splits == {"train": ["Case 03"], "validation": ["Case 01"], "test": ["Case 02"]}
    assert dataset.independent_validation
    assert dataset.counts["HE"]["test"] == {"slides": 1, "tumor": 2, "normal": 2}


def test_one_case_needs_a_confirmation(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    refused = refusal(project, lead)
    assert "Only one case (Case 01) is labelled." in refused.message
    assert refused.extra["needs_confirmation"] is True


def test_with_confirmation_patches_of_the_one_case_validate_and_the_set_says_so(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01", "TTTTNTTTT", "TNTN")
    dataset = freeze_dataset(project, lead, allow_dependent_validation=True)
    assert not dataset.independent_validation
    assert dataset.counts["HE"] == {
        "train": {"slides": 1, "tumor": 6, "normal": 1},
        "validation": {"slides": 0, "tumor": 2, "normal": 0},
        "test": {"slides": 0, "tumor": 0, "normal": 0},
    }
    assert "Validation has no normal patch in HE" in dataset.note
    with default_storage.open(dataset.manifest_key) as file:
        read = manifest.parse(file.read())
    assert not read.independent_validation
    assert [patch.x_l0 // 2240 for patch in read.bags_of("HE", "validation")] == [7, 8]


def test_cases_that_cannot_be_spared_are_named(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01", "TT", "TN")
    make_labelled_case(project, "Case 02", "NN", "TN")
    assert "None of the 2 labelled cases can be spared" in refusal(project, lead).message


def test_no_labels(project: Project, lead: User) -> None:
    case = make_case(project, "Case 01")
    make_labelled_slide(case, "HE", "UX.")
    make_slide(case, "KI67")
    assert "There are no labels to freeze: no HE or KI67 patch" in refusal(project, lead).message


def test_one_class_only_names_stain_and_counts(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01", "TTT", "TN")
    make_labelled_case(project, "Case 02", "TT", "TN")
    refused = refusal(project, lead, allow_dependent_validation=True)
    assert "HE has one class only: 5 tumour and 0 normal patches." in refused.message


def test_a_training_split_with_one_class_names_stain_and_counts(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01", "TTT", "TN")
    make_labelled_case(project, "Case 02", "TN", "TN")
    refused = refusal(project, lead, splits={"Case 02": "validation"})
    expected = "one class only in HE: 3 tumour and 0 normal patches (4 and 1 in all cases)"
    assert expected in refused.message


def test_a_pair_that_lacks_one_side(project: Project, lead: User) -> None:
    make_labelled_slide(make_case(project, "Case 01"), "HE", "TN")
    make_labelled_slide(make_case(project, "Case 02"), "HE", "TN")
    refused = refusal(project, lead, allow_dependent_validation=True)
    assert "The project has no KI67 slide, and the pair HE → KI67 needs both." in refused.message


def test_a_stain_without_labels(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01", "TN", "...")
    make_labelled_case(project, "Case 02", "TN", "...")
    refused = refusal(project, lead, allow_dependent_validation=True)
    assert "KI67 has no labelled patch on its 2 slides" in refused.message


def test_a_slide_without_resolution(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    make_labelled_case(project, "Case 02")
    make_slide_without_mpp(make_case(project, "Case 03"), "HE")
    refused = refusal(project, lead)
    assert "The resolution (mpp) of Case 03 · H&E is not known." in refused.message


def test_a_slide_without_resolution_can_be_left_out(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    make_labelled_case(project, "Case 02")
    make_slide_without_mpp(make_case(project, "Case 03"), "HE")
    dataset = freeze_dataset(project, lead, splits={"Case 03": "left_out"})
    assert dataset.splits == {"train": ["Case 01"], "validation": ["Case 02"], "test": []}


def test_unknown_cases_and_splits_are_refused(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    make_labelled_case(project, "Case 02")
    refused = refusal(project, lead, splits={"Case 09": "train", "Case 01": "practice"})
    assert "Case “Case 09” is named for a split" in refused.message
    assert "“practice” is no split" in refused.message


def test_mixed_resolution_is_recorded(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    case = make_labelled_case(project, "Case 02")
    coarse = case.slides.get(stain="KI67")
    type(coarse).objects.filter(pk=coarse.pk).update(mpp=0.5)
    dataset = freeze_dataset(project, lead)
    assert "Resampled to 0.25 µm per pixel: Case 02 · Ki-67 (0.5)." in dataset.note


def test_a_refused_row_leaves_no_file(
    project: Project, lead: User, monkeypatch: pytest.MonkeyPatch, data_folder_of_the_test: Layout
) -> None:
    make_labelled_case(project, "Case 01")
    make_labelled_case(project, "Case 02")

    def refuse(**_fields: Any) -> Dataset:
        raise DatabaseError("no")

    monkeypatch.setattr(Dataset.objects, "create", refuse)
    with pytest.raises(DatabaseError), transaction.atomic():
        freeze_dataset(project, lead)
    assert stored_files(data_folder_of_the_test) == []


def test_the_database_refuses_to_change_or_delete_a_frozen_set(project: Project, lead: User) -> None:
    make_labelled_case(project, "Case 01")
    make_labelled_case(project, "Case 02")
    dataset = freeze_dataset(project, lead)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Dataset.objects.filter(pk=dataset.pk).update(manifest_sha256="0" * 64)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        dataset.delete()
    Dataset.objects.filter(pk=dataset.pk).update(note="a remark may be added")
    dataset.refresh_from_db()
    assert dataset.note == "a remark may be added"
