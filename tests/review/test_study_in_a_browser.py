"""A blinded study in a real browser: a lead cuts the fields, a clinician reads them to the end, the lead closes it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from review import tasks
from review.models import Study, StudyAnswer
from tests.review.conftest import Pair
from viewer import readers

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PageOf = Callable[[User], Page]


@pytest.fixture(autouse=True)
def no_reader_stays_open() -> Iterator[None]:
    yield
    readers.close_all()


def test_a_study_is_made_read_blind_closed_and_its_results_shown(
    page_of: PageOf, live_server: Any, pair: Pair, lead: User, clinician: User
) -> None:
    project = f"{live_server.url}/projects/{pair.source.project.slug}/studies/"
    leads = page_of(lead)
    leads.goto(project)
    for name, value in {"name": "Can you tell?", "fields_per_kind": "3", "repeats": "1", "field_um": "100"}.items():
        leads.locator(f"[name={name}]").fill(value)
    leads.get_by_role("button", name="Cut the fields").click()
    study = Study.objects.get()
    tasks.fill_study(study_pk=study.pk)

    page = page_of(clinician)
    page.goto(project)
    page.get_by_role("link", name="Read").click()
    page.wait_for_selector("body[data-ready='1']")
    expect(page.locator("#study-results")).to_have_count(0)
    total = study.fields.count()
    for number in range(1, total + 1):
        expect(page.locator("#study-progress")).to_contain_text(f"Field {number} of {total}")
        page.wait_for_function("document.querySelector('#study-picture').naturalWidth === 512")
        page.keyboard.press("s")
        with page.expect_response("**/answers/") as kept:
            page.keyboard.press("4")
        assert (kept.value.status, kept.value.json()) == (201, {"left": total - number})
        if number == 2:
            # What is answered stays answered, and the order stays.
            page.reload()
    expect(page.locator("#study-done")).to_contain_text("All fields are answered")
    answers = StudyAnswer.objects.all()
    assert {(answer.reader, answer.confidence, answer.says_synthetic) for answer in answers} == {(clinician, 4, True)}
    assert all(answer.milliseconds is not None for answer in answers)

    # The pages share one browser: whoever signed in last is signed in.
    leads = page_of(lead)
    leads.goto(f"{live_server.url}/studies/{study.pk}/")
    leads.get_by_role("button", name="Close the study").click()
    expect(leads.locator("#study-results")).to_be_visible()
    page = page_of(clinician)
    page.goto(f"{live_server.url}/studies/{study.pk}/")
    synthetic = study.fields.filter(synthetic=True).count()
    row = page.locator("#study-results tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(f"{synthetic} / {total}")
    expect(row).to_contain_text(f"0 / {synthetic}")
    expect(page.locator("#study-desk")).to_have_count(0)
