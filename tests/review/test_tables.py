from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Project, User
from review.bland_altman_plot import plot_of
from review.models import ScoringSettings
from review.selectors import worklist
from review.services import reopen_verdict, save_draft, sign_verdict
from review.tables import comparison
from tests.factories import make_case, make_slide, make_synthetic_slide
from tests.review.conftest import make_score
from viewer.models import Slide

METHOD = {"method": "hdab-nuclei", "dab_threshold": 0.2}


def make_pair(project: Project, real: tuple[int, int], synthetic: tuple[int, int], **fields: Any) -> Slide:
    """A published synthetic slide and its counterpart, both counted: (positive, negative)."""
    case = make_case(project)
    source, counterpart = make_slide(case, "HE"), make_slide(case, "KI67")
    made = make_synthetic_slide(source, published=True)
    make_score(counterpart, *real, parameters=METHOD)
    make_score(made, *synthetic, calibrated_on=counterpart, **{"parameters": METHOD, **fields})
    return made


def test_each_slide_is_compared_and_the_totals_are_mean_of_slides_and_pooled(project: Project, clinician: User) -> None:
    make_pair(project, real=(30, 70), synthetic=(25, 75))
    make_pair(project, real=(10, 890), synthetic=(40, 460))
    table = comparison(project, clinician)
    assert [pair.difference for pair in table.pairs] == pytest.approx([-0.05, 0.08 - 1 / 90])
    assert table.compared == 2
    assert table.mean_of_slides is not None and table.pooled is not None
    assert table.mean_of_slides.real == pytest.approx((0.3 + 1 / 90) / 2)
    assert table.mean_of_slides.synthetic == pytest.approx((0.25 + 0.08) / 2)
    assert table.pooled.real == 40 / 1000
    assert table.pooled.synthetic == 65 / 600
    assert table.pooled.difference == 65 / 600 - 40 / 1000
    assert table.ki67 is True


def test_slides_counted_with_different_parameters_are_not_compared(project: Project, clinician: User) -> None:
    make_pair(project, (1, 9), (2, 8), parameters={**METHOD, "dab_threshold": 0.3})
    table = comparison(project, clinician)
    assert table.pairs[0].why_not_compared == "counted with different parameters"
    assert table.pairs[0].difference is None
    assert (table.compared, table.mean_of_slides, table.pooled) == (0, None, None)


def test_slides_without_counts_without_cells_or_without_counterpart_say_why(project: Project, clinician: User) -> None:
    make_pair(project, (1, 9), (0, 0))
    case = make_case(project)
    make_slide(case, "KI67")
    make_synthetic_slide(make_slide(case, "HE"), published=True)
    make_synthetic_slide(make_slide(make_case(project), "HE"), published=True)
    assert [pair.why_not_compared for pair in comparison(project, clinician).pairs] == [
        "no cells found",
        "not counted yet",
        "no real slide of this stain",
    ]


def test_the_newest_whole_slide_count_of_the_present_bytes_is_taken(project: Project, clinician: User) -> None:
    synthetic = make_pair(project, (30, 70), (25, 75))
    make_score(synthetic, 90, 10, parameters=METHOD, region_l0=[0, 0, 10, 10])
    make_score(synthetic, 90, 10, parameters=METHOD, slide_version="000000000000")
    newest = make_score(synthetic, 20, 80, parameters=METHOD)
    make_score(synthetic, 90, 10, state="failed")
    assert comparison(project, clinician).pairs[0].synthetic_score == newest


def test_the_latest_verdict_stands_beside_the_numbers(project: Project, clinician: User) -> None:
    synthetic = make_pair(project, (30, 70), (25, 75))
    reopen_verdict(sign_verdict(synthetic, clinician, "not_usable", "Blurred."), clinician, "Looked again.")
    latest = sign_verdict(synthetic, clinician, "usable")
    assert comparison(project, clinician).pairs[0].verdict == latest


def test_a_verdict_that_was_taken_up_again_or_is_of_an_earlier_slide_stands_no_more(
    project: Project, clinician: User
) -> None:
    synthetic = make_synthetic_slide(make_slide(make_case(project)), published=True)
    review = sign_verdict(synthetic, clinician, "usable")
    assert comparison(project, clinician).pairs[0].verdict == review
    reopen_verdict(review, clinician, "Looked again.")
    assert comparison(project, clinician).pairs[0].verdict is None
    sign_verdict(synthetic, clinician, "usable")
    Slide.objects.filter(pk=synthetic.pk).update(version="000000000000")
    assert comparison(project, clinician).pairs[0].verdict is None


def test_an_unpublished_slide_is_listed_for_leads_only(project: Project, clinician: User, lead: User) -> None:
    make_synthetic_slide(make_slide(make_case(project), "HE"))
    assert comparison(project, clinician).pairs == []
    assert len(comparison(project, lead).pairs) == 1


def test_the_number_of_queries_does_not_grow_with_the_slides(project: Project, clinician: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            for pair in comparison(project, clinician).pairs:
                _ = (str(pair.synthetic), str(pair.real), pair.difference)
        return len(captured)

    make_pair(project, (1, 9), (2, 8))
    few = queries()
    for _case in range(3):
        make_pair(project, (1, 9), (2, 8))
    assert queries() == few


def test_agreement_is_told_by_limits_icc_and_grade_switches(project: Project, clinician: User) -> None:
    ScoringSettings.objects.create(project=project, grade="gep_net")
    make_pair(project, (21, 79), (19, 81))
    make_pair(project, (10, 90), (12, 88))
    make_pair(project, (50, 50), (48, 52))
    table = comparison(project, clinician)
    assert table.limits is not None and table.icc is not None
    assert table.limits.bias == pytest.approx(-0.02 / 3)
    assert table.limits.low < -0.02 < 0.02 < table.limits.high + 0.02
    assert table.icc > 0.98
    assert [pair.grades for pair in table.switches] == [("G3", "G2")]
    plot = plot_of(table)
    assert plot is not None and len(plot.dots) == 3
    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y, _name in plot.dots)
    assert [name for _x, _y, name in plot.dots] == [pair.synthetic.case.name for pair in table.pairs]


def test_without_a_grade_option_nothing_switches_and_one_pair_has_no_limits(project: Project, clinician: User) -> None:
    make_pair(project, (21, 79), (19, 81))
    table = comparison(project, clinician)
    assert (table.graded, table.switches, table.limits, table.icc, plot_of(table)) == (False, [], None, None, None)


def test_the_worklist_tells_the_reader_how_far_each_slide_is(project: Project, clinician: User, lead: User) -> None:
    signed, reopened, draft, fresh = (make_pair(project, (30, 70), (25, 75)) for _ in range(4))
    sign_verdict(signed, clinician, "usable")
    reopen_verdict(sign_verdict(reopened, clinician, "usable"), clinician, "Looked again.")
    save_draft(draft, clinician, {"comment": "so far"}, None)
    slides = [signed, reopened, draft, fresh]
    assert worklist(slides, clinician) == {signed.pk: "signed", reopened.pk: "reopened", draft.pk: "draft"}
    assert worklist(slides, lead) == {}
