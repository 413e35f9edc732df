import csv
import io
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.utils.translation import override

from accounts.models import User
from review.models import Alignment, ScoringSettings
from review.report_facts import csv_rows, report_facts
from review.report_pdf import report_pdf
from review.selectors import finished_score
from review.services import edit_cell, reopen_verdict, sign_verdict
from tests.conftest import SiteClient
from tests.review.conftest import Pair
from viewer.models import Slide

ClientOf = Callable[[User], SiteClient]


@pytest.fixture
def signed(counted_pair: Pair, clinician: User) -> Pair:
    """One cell flipped on the synthetic slide, a window chosen, a verdict signed."""
    ScoringSettings.objects.create(project=counted_pair.source.project, grade="gep_net", least_cells=4)
    score = finished_score(counted_pair.synthetic)
    assert score is not None
    edit_cell(score, clinician, uuid4(), "flip", cell_index=0)
    sign_verdict(
        counted_pair.synthetic,
        clinician,
        "minor_flaws",
        "Pale at the edge.",
        reasons=["colour"],
        confidence=4,
        pins=[{"x": 10.0, "y": 20.0, "kind": "lost", "note": ""}],
        window={"x": 115.0, "y": 125.0, "side_um": 50.0},
    )
    return counted_pair


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_the_table_holds_machine_and_reader_of_slides_and_window(
    client_of: ClientOf, clinician: User, signed: Pair
) -> None:
    answer = client_of(clinician).get(f"/review/{signed.synthetic.pk}/numbers.csv")
    assert "SYNTHETIC" in answer.headers["Content-Disposition"]
    rows = rows_of(answer.content)
    told = [(row["synthetic"], row["scope"][:6], row["counted_by"], row["positive"], row["negative"]) for row in rows]
    assert told == [
        ("False", "whole ", "machine", "3", "3"),
        ("True", "whole ", "machine", "3", "3"),
        ("True", "whole ", "reader", "2", "4"),
        ("False", "window", "machine", "2", "2"),
        ("False", "window", "reader", "2", "2"),
        ("True", "window", "machine", "2", "2"),
        ("True", "window", "reader", "1", "3"),
    ]
    assert {row["note"] for row in rows} == {"research use only – synthetic"}
    assert {row["verdict"] for row in rows} == {"minor_flaws"}


def test_the_pdf_is_made_again_byte_for_byte_from_the_stored_data(clinician: User, signed: Pair) -> None:
    first, second = (report_pdf(report_facts(signed.synthetic, clinician), []) for _ in range(2))
    assert first == second
    assert first.startswith(b"%PDF")


def test_a_new_fact_makes_another_report(clinician: User, signed: Pair) -> None:
    before = report_pdf(report_facts(signed.synthetic, clinician), [])
    review = report_facts(signed.synthetic, clinician).review
    assert review is not None
    reopen_verdict(review, clinician, "Looked again.")
    facts = report_facts(signed.synthetic, clinician)
    assert (facts.review, facts.earlier) == (None, [review])
    assert report_pdf(facts, []) != before


def test_the_report_is_a_file_whose_name_says_synthetic(client_of: ClientOf, clinician: User, signed: Pair) -> None:
    answer = client_of(clinician).get(f"/review/{signed.synthetic.pk}/report.pdf")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="slide-{signed.synthetic.pk}-SYNTHETIC-report.pdf"'
    )
    assert len(answer.content) > 5000


def test_names_that_the_fonts_cannot_draw_do_not_stop_a_report(clinician: User, signed: Pair) -> None:
    case = signed.synthetic.case
    case.name = "病例 <b>&"
    case.save()
    with override("en"):
        assert report_pdf(report_facts(Slide.objects.get(pk=signed.synthetic.pk), clinician), []).startswith(b"%PDF")


def test_a_slide_that_nobody_has_counted_has_a_report_too(clinician: User, lone_synthetic: Slide) -> None:
    facts = report_facts(lone_synthetic, clinician)
    assert (facts.counts, facts.review, facts.window) == ([], None, None)
    assert len(csv_rows(facts)) == 1
    assert report_pdf(facts, []).startswith(b"%PDF")


@pytest.mark.parametrize("file", ["report.pdf", "numbers.csv", "strips.png"])
def test_outsiders_and_real_slides_get_no_report(
    client_of: ClientOf, outsider: User, clinician: User, signed: Pair, file: str
) -> None:
    assert client_of(outsider).get(f"/review/{signed.synthetic.pk}/{file}").status_code == 404
    assert client_of(clinician).get(f"/review/{signed.real.pk}/{file}").status_code == 404


def test_strips_that_cannot_be_made_say_why(client_of: ClientOf, clinician: User, signed: Pair) -> None:
    answer = client_of(clinician).get(f"/review/{signed.synthetic.pk}/strips.png")
    assert answer.status_code == 409
    assert "No place of 224 µm holds 30 cells on both slides." in answer.content.decode()
    Alignment.objects.all().delete()
    answer = client_of(clinician).get(f"/review/{signed.synthetic.pk}/strips.png")
    assert "align the sections first" in answer.content.decode()
