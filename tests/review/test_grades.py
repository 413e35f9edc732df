import pytest

from review.grades import grade_ki67
from viewer.imaging.cells import wilson_interval


@pytest.mark.parametrize(
    ("positive", "cells", "grade"),
    [
        (0, 1000, "G1"),
        (29, 1000, "G1"),
        (2999, 100_000, "G1"),
        (30, 1000, "G2"),
        (3, 100, "G2"),
        (200, 1000, "G2"),
        (20, 100, "G2"),
        (20_001, 100_000, "G3"),
        (1000, 1000, "G3"),
    ],
)
def test_the_cut_offs_are_taken_on_the_unrounded_ratio(positive: int, cells: int, grade: str) -> None:
    assert grade_ki67(positive / cells).grade == grade


def test_an_interval_that_spans_a_cut_off_is_noted() -> None:
    grade = grade_ki67(0.03, wilson_interval(15, 500), 500)
    assert grade == ("G2", "The 95 % interval (1.8–4.9 %) spans the 3 % cut-off.")


def test_an_interval_within_one_grade_needs_no_note() -> None:
    assert grade_ki67(0.1, wilson_interval(100, 1000), 1000) == ("G2", "")


def test_an_interval_that_spans_both_cut_offs_names_both() -> None:
    note = grade_ki67(0.1, (0.02, 0.4)).note
    assert "spans the 3 % cut-off" in note and "spans the 20 % cut-off" in note


def test_an_interval_that_ends_on_the_upper_cut_off_does_not_span_it() -> None:
    assert grade_ki67(0.15, (0.1, 0.2)).note == ""
    assert grade_ki67(0.25, (0.2, 0.3)).note != ""
    assert grade_ki67(0.05, (0.03, 0.1)).note == ""


def test_too_few_cells_are_noted() -> None:
    assert grade_ki67(0.1, (0.05, 0.15), 499).note == "499 cells; at least 500 are asked for."
