from typing import Any

import pytest
from django.db import IntegrityError

from accounts.errors import ApplicationError
from accounts.models import Project, User
from review.error_budget import COUNTER_ERROR
from review.models import CellScore, DrawnTruth
from review.selectors import review_payload
from review.services import keep_drawn_truth
from review.tables import comparison
from tests.factories import make_case, make_slide, make_synthetic_slide
from tests.review.conftest import make_score
from viewer.models import Slide

METHOD = {"method": "hdab-nuclei", "dab_threshold": 0.2}


def counted(project: Project, real: tuple[int, int], synthetic: tuple[int, int], **fields: Any) -> Slide:
    case = make_case(project)
    source, counterpart = make_slide(case, "HE", drawn=True), make_slide(case, "KI67", drawn=True)
    made = make_synthetic_slide(source, published=True)
    make_score(counterpart, *real, parameters=METHOD)
    make_score(made, *synthetic, parameters=METHOD, **fields)
    return made


def test_of_drawn_tissue_sections_counter_and_synthesis_add_up_to_the_difference(
    project: Project, clinician: User
) -> None:
    made = counted(project, real=(22, 78), synthetic=(30, 70))
    assert made.derived_from is not None
    keep_drawn_truth(made.derived_from, 25, 75)
    keep_drawn_truth(Slide.objects.get(case=made.case_id, stain="KI67", origin="real"), 20, 80)
    (pair,) = comparison(project, clinician).pairs
    assert pair.budget is not None and pair.budget.known is not None
    known = pair.budget.known
    assert (known.sections, known.counter, known.synthesis) == pytest.approx((0.05, -0.02, 0.05))
    assert known.sections + known.counter + known.synthesis == pytest.approx(pair.difference)
    shown = review_payload(made, clinician)["budget"]
    assert shown["known"] == {"sections": known.sections, "counter": known.counter, "synthesis": known.synthesis}
    assert shown["note"].startswith("Drawn tissue: ")


def test_of_a_real_pair_what_chance_and_counter_leave_is_nobody_s_in_particular(
    project: Project, clinician: User
) -> None:
    counted(project, (30, 70), (60, 40), interval_low=0.5, interval_high=0.7)
    counted(project, (30, 70), (31, 69))
    large, small = (pair.budget for pair in comparison(project, clinician).pairs)
    assert large is not None and small is not None and large.known is None
    assert large.chance == pytest.approx((0.1**2 + 0.1**2) ** 0.5)
    assert large.unexplained == pytest.approx(0.3 - large.chance - COUNTER_ERROR)
    assert "cannot be told" in large.note
    assert (small.unexplained, small.note) == (0.0, "No larger than chance among cells and the counter's own error.")


def test_the_truth_of_one_section_alone_tells_nothing(project: Project, clinician: User) -> None:
    made = counted(project, (22, 78), (30, 70))
    assert made.derived_from is not None
    keep_drawn_truth(made.derived_from, 25, 75)
    (pair,) = comparison(project, clinician).pairs
    assert pair.budget is not None and pair.budget.known is None


def test_without_cells_or_with_other_parameters_there_is_no_budget(project: Project, clinician: User) -> None:
    empty, other = counted(project, (22, 78), (0, 0)), counted(project, (22, 78), (30, 70))
    CellScore.objects.filter(slide=other).update(parameters={**METHOD, "dab_threshold": 0.3})
    for slide in (empty, other):
        assert review_payload(slide, clinician)["budget"] is None


def test_only_a_drawn_section_has_a_truth_and_it_never_changes(project: Project) -> None:
    slide = make_slide(make_case(project), "KI67", drawn=True)
    keep_drawn_truth(slide, 20, 80)
    keep_drawn_truth(slide, 99, 1)
    assert DrawnTruth.objects.get(slide=slide).ratio == 0.2
    with pytest.raises(ApplicationError, match="no drawn section"):
        keep_drawn_truth(make_slide(make_case(project), "KI67"), 20, 80)
    with pytest.raises(IntegrityError):
        DrawnTruth.objects.create(slide=make_slide(make_case(project), "KI67", drawn=True), positive=0, negative=0)
