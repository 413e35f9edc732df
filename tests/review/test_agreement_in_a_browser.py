"""The page of Tables 3 and 4 in a real browser: every pair, the totals, the plot, nothing cut off."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Project, User
from review.models import CellScore, ScoringSettings
from review.services import keep_drawn_truth
from tests.factories import make_case, make_slide, make_synthetic_slide
from tests.review.conftest import make_score

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

METHOD = {"method": "hdab-nuclei", "dab_threshold": 0.2}
# Positive and negative cells, real and synthetic; the truth of both sections where the tissue was drawn.
COUNTS = [
    ((2_210, 7_790), (2_480, 7_520), None),
    ((310, 9_690), (262, 9_738), ((300, 9_700), (305, 9_695))),
    ((1_950, 8_050), (2_210, 7_790), None),
    ((4_120, 5_880), (3_930, 6_070), ((4_100, 5_900), (4_180, 5_820))),
    ((880, 9_120), (1_320, 8_680), None),
]


def make_pairs(project: Project) -> None:
    ScoringSettings.objects.create(project=project, grade=ScoringSettings.Grade.GEP_NET)
    for number, (real, synthetic, truths) in enumerate(COUNTS, start=1):
        case = make_case(project, f"Case {number:02}")
        source, other = (make_slide(case, stain, drawn=truths is not None) for stain in ("HE", "KI67"))
        made = make_synthetic_slide(source, published=True)
        for slide, counts in ((other, real), (made, synthetic)):
            score = make_score(slide, *counts, parameters=METHOD)
            assert score.ratio is not None
            ends = {"interval_low": score.ratio - 0.008, "interval_high": score.ratio + 0.008}
            CellScore.objects.filter(pk=score.pk).update(**ends)
        for slide, counts in zip((source, other), truths or (), strict=False):
            keep_drawn_truth(slide, *counts)
    make_synthetic_slide(make_slide(make_case(project, "Case without a real section"), "HE"), published=True)


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (2560, 1440)])
def test_the_agreement_of_a_project_is_read_on_one_page(
    page_of: Callable[[User], Page], live_server: Any, project: Project, clinician: User, width: int, height: int
) -> None:
    make_pairs(project)
    page = page_of(clinician)
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{live_server.url}/projects/{project.slug}/review/")
    page.wait_for_function("document.body.dataset.ready")
    rows = page.locator(".review-table tbody tr")
    expect(rows).to_have_count(6)
    expect(rows.nth(0)).to_contain_text("22.1 %")
    expect(rows.nth(0)).to_contain_text("chance among cells ±1.1 %, counter ±0.5 %, sections or synthesis")
    expect(rows.nth(1)).to_contain_text("of it sections")
    expect(rows.nth(5)).to_contain_text("no real slide of this stain")
    expect(page.locator("tfoot")).to_contain_text("Mean of 5 slides")
    expect(page.locator(".agreement")).to_contain_text("2 slides change their grade")
    expect(page.locator(".bland-altman circle")).to_have_count(5)
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) == 0
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"agreement-{width}.png", full_page=True)
