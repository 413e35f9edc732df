import csv
import io
from collections.abc import Callable
from uuid import uuid4

import pytest
import simplejpeg
from django.utils.translation import override
from pypdf import PdfReader

from accounts.models import User
from review.models import Alignment, ScoringSettings
from review.report_facts import csv_rows, report_facts
from review.report_pdf import report_pdf
from review.report_pictures import overviews, window_pictures
from review.selectors import finished_score
from review.services import edit_cell, reopen_verdict, sign_verdict
from tests.conftest import SiteClient
from tests.review.conftest import Pair, make_score, store_cells
from viewer import storage
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


def pages_of(pdf: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def text_of(pdf: bytes) -> str:
    return " ".join(pages_of(pdf))


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
        ("True", "window", "machine", "2", "2"),
        ("True", "window", "reader", "1", "3"),
    ]
    assert {row["note"] for row in rows} == {"research use only – synthetic"}
    verdicts = {(row["verdict"], row["reasons"], row["confidence"], row["pins"], row["comment"]) for row in rows}
    assert verdicts == {("minor_flaws", "colour", "4", "1", "Pale at the edge.")}


def test_a_spreadsheet_finds_no_formula_in_what_people_wrote(clinician: User, counted_pair: Pair) -> None:
    sign_verdict(counted_pair.synthetic, clinician, "usable", "=HYPERLINK(1)")
    rows = csv_rows(report_facts(counted_pair.synthetic, clinician))
    assert {row[rows[0].index("comment")] for row in rows[1:]} == {"'=HYPERLINK(1)"}


def test_a_report_keeps_the_numbers_that_the_verdict_rests_on(clinician: User, signed: Pair) -> None:
    before = csv_rows(report_facts(signed.synthetic, clinician))
    store_cells(make_score(signed.synthetic), [(100.0, 100.0, True), (120.0, 110.0, True)])
    facts = report_facts(signed.synthetic, clinician)
    assert csv_rows(facts) == before
    assert "Counted again since the verdict was signed" in facts.counts[1].notes[-1]


def test_a_verdict_on_a_slide_that_was_replaced_is_told_as_such(clinician: User, signed: Pair) -> None:
    Slide.objects.filter(pk=signed.synthetic.pk).update(version="000000000000")
    facts = report_facts(Slide.objects.get(pk=signed.synthetic.pk), clinician)
    assert (facts.review, [count.name for count in facts.counts]) == (None, ["Real"])
    assert "on an earlier version of the slide" in text_of(report_pdf(facts))


def test_the_pdf_says_what_was_seen_counted_and_signed_on_every_page(clinician: User, signed: Pair) -> None:
    text = text_of(report_pdf(report_facts(signed.synthetic, clinician)))
    for told in (
        "minor flaws, signed by clinician on",
        "Confidence 4 of 5",
        "Reasons: colour or stain strength",
        "1 · lost structure (10, 20)",
        "Pale at the edge.",
        "readers, 1 edits",
        "33.33 %",
        "50 µm wide, its middle at 115, 125",
        "hdab-nuclei, version –",
        "generator " + signed.synthetic.generator_sha256[:12],
        "DRAWN TISSUE",
    ):
        assert told in text, told
    pages = pages_of(report_pdf(report_facts(signed.synthetic, clinician)))
    assert [page.count("SYNTHETIC · research use only – synthetic") for page in pages] == [1] * len(pages)


def test_long_comments_and_many_pins_run_over_pages_that_all_say_what_they_are(
    clinician: User, counted_pair: Pair
) -> None:
    pins = [{"x": 10.0 + n, "y": 20.0, "kind": "lost", "note": "n" * 300} for n in range(200)]
    sign_verdict(counted_pair.synthetic, clinician, "not_usable", "No spaces: " + "x" * 9900, pins=pins)
    pages = pages_of(report_pdf(report_facts(counted_pair.synthetic, clinician)))
    assert len(pages) > 5
    assert all("SYNTHETIC · research use only – synthetic" in page for page in pages)
    assert any("200 · lost structure" in page for page in pages)


def test_the_report_shows_slides_and_window_marked(clinician: User, signed: Pair) -> None:
    facts = report_facts(signed.synthetic, clinician)
    whole, window = overviews(facts), window_pictures(facts)
    captions = ["H&E, source", "Ki-67, real", "Ki-67, SYNTHETIC"]
    assert [picture.caption for picture in whole] == [picture.caption for picture in window] == captions
    assert [picture.synthetic for picture in whole] == [False, False, True]
    assert simplejpeg.decode_jpeg(window[1].jpeg).shape == (480, 480, 3)
    first, second = (report_pdf(facts, whole, window) for _ in range(2))
    assert first == second and len(first) > len(report_pdf(facts)) + 20_000


def test_a_report_does_without_a_picture_whose_file_is_gone(clinician: User, signed: Pair) -> None:
    storage.delete(signed.real.key)
    facts = report_facts(signed.synthetic, clinician)
    assert [picture.jpeg is None for picture in overviews(facts)] == [False, True, False]
    assert "no picture" in text_of(report_pdf(facts, overviews(facts), window_pictures(facts)))


def test_the_pdf_is_made_again_byte_for_byte_from_the_stored_data(clinician: User, signed: Pair) -> None:
    first, second = (report_pdf(report_facts(signed.synthetic, clinician)) for _ in range(2))
    assert first == second
    assert first.startswith(b"%PDF")


def test_a_new_fact_makes_another_report(clinician: User, signed: Pair) -> None:
    before = report_pdf(report_facts(signed.synthetic, clinician))
    review = report_facts(signed.synthetic, clinician).review
    assert review is not None
    reopen_verdict(review, clinician, "Looked again.")
    facts = report_facts(signed.synthetic, clinician)
    assert (facts.review, facts.earlier) == (None, [review])
    assert report_pdf(facts) != before


def test_the_report_is_a_file_whose_name_says_synthetic(client_of: ClientOf, clinician: User, signed: Pair) -> None:
    answer = client_of(clinician).get(f"/review/{signed.synthetic.pk}/report.pdf")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="slide-{signed.synthetic.pk}-SYNTHETIC-report.pdf"'
    )
    assert len(answer.content) > 5000


def test_names_in_any_letters_do_not_stop_a_report(clinician: User, signed: Pair) -> None:
    case = signed.synthetic.case
    case.name = "病例 Żółć Ωмега 한글 \N{EGYPTIAN HIEROGLYPH A001} <b>&"
    case.save()
    with override("en"):
        text = text_of(report_pdf(report_facts(Slide.objects.get(pk=signed.synthetic.pk), clinician)))
    assert "Żółć Ωмега" in text and "<b>&" in text


def test_a_slide_that_nobody_has_counted_has_a_report_too(clinician: User, lone_synthetic: Slide) -> None:
    facts = report_facts(lone_synthetic, clinician)
    assert (facts.counts, facts.review, facts.window) == ([], None, None)
    assert len(csv_rows(facts)) == 1
    assert report_pdf(facts).startswith(b"%PDF")


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
