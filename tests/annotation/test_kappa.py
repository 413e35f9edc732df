"""Against figures worked out elsewhere."""

import pytest

from annotation.kappa import Reading, cohen, fleiss, same_number_of_readers

# Cohen's textbook table: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no; kappa is 0.4.
PAIRS = [("tumor", "tumor")] * 20 + [("tumor", "normal")] * 5 + [("normal", "tumor")] * 10 + [("normal", "normal")] * 15


def test_cohens_kappa_of_the_textbook_table_with_its_interval() -> None:
    found = cohen([Reading(1, pair) for pair in PAIRS])
    assert found.kappa == pytest.approx(0.4)
    assert (found.patches, found.agreed, found.drawn) == (50, 35, "patch")
    assert 0.10 < found.low < 0.25
    assert 0.55 < found.high < 0.70


def test_the_interval_is_wider_when_whole_slides_agree_or_not() -> None:
    patchwise = cohen([Reading(1, pair) for pair in PAIRS])
    slidewise = cohen([Reading(number // 4, pair) for number, pair in enumerate(PAIRS)])
    assert slidewise.drawn == "slide"
    assert slidewise.kappa == patchwise.kappa
    assert slidewise.high - slidewise.low > patchwise.high - patchwise.low


def test_fleiss_kappa_of_a_table_worked_out_by_hand() -> None:
    # Two patches, three readers: agreement 1 and 1/3; shares 4/6 and 2/6; P = 2/3, Pe = 20/36, kappa = 0.25.
    found = fleiss([Reading(1, ("tumor", "tumor", "tumor")), Reading(1, ("tumor", "normal", "normal"))])
    assert found.kappa == pytest.approx(0.25)


def test_where_everybody_always_says_the_same_there_is_no_kappa() -> None:
    found = cohen([Reading(1, ("tumor", "tumor"))] * 9)
    assert (found.kappa, found.low, found.high, found.agreed) == (None, None, None, 9)


def test_one_patch_has_no_kappa() -> None:
    assert cohen([Reading(1, ("tumor", "normal"))]).kappa is None


def test_fleiss_takes_the_patches_that_the_usual_number_of_readers_labelled() -> None:
    three, two = Reading(1, ("tumor",) * 3), Reading(1, ("tumor",) * 2)
    assert same_number_of_readers([three, two, three]) == [three, three]
    assert same_number_of_readers([Reading(1, ("tumor",))]) == []
