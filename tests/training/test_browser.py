"""The lead's pages in a real browser: what the scripts add."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from playwright.sync_api import Page, expect

from accounts.models import Project, User
from tests.training.builders import change, make_checkpoint, make_dataset, make_mil_run, make_running
from training import launch
from training.models import Run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PageOf = Callable[[User], Page]

# The smallest picture that a browser shows.
DOT = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")


def test_a_key_that_is_not_the_papers_is_marked_while_it_is_typed(
    page_of: PageOf, live_server: Any, project: Project, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "_enqueue", lambda *_arguments: None)
    make_dataset(project, lead)
    page = page_of(lead)
    page.goto(f"{live_server.url}/admin/training/run/launch/mil/")
    expect(page.locator("[data-changed]")).to_have_text("as in the paper")
    page.locator("[name=mil-epochs]").fill("3")
    page.locator("[name=mil-learning_rate]").fill("1e-4")
    expect(page.locator("[data-changed]")).to_have_text("1 key differs from the paper")
    expect(page.locator(".config-row.differs code")).to_have_text("epochs")
    page.get_by_role("button", name="Launch").click()
    expect(page).to_have_url(re.compile(r"/admin/training/run/\d+/change/"))
    expect(page.locator("#run-pill")).to_have_text("Queued")
    assert Run.objects.get().config["epochs"] == 3


def test_the_page_of_a_run_follows_it_to_its_end(
    page_of: PageOf, live_server: Any, project: Project, lead: User
) -> None:
    progress = {"step": 1, "total": 4, "epoch": 1, "epochs": 2, "message": "scoring", "seconds_left": 300}
    run = make_running(make_mil_run(project, lead), worker="gpu@one", progress=progress, log_tail="12:00:00 started")
    run.metrics.create(attempt=1, epoch=1, values={"loss": 0.5, "balanced_error": 0.25})
    make_checkpoint(run)
    change(run, previews={"1": default_storage.save("runs/x/previews/1.jpg", ContentFile(DOT))})
    page = page_of(lead)
    page.goto(f"{live_server.url}/admin/training/run/{run.pk}/change/")
    expect(page.locator("#run-pill")).to_contain_text("Running on gpu@one")
    expect(page.locator(".run-step-on")).to_contain_text("epoch 1 of 2 · about 5 min left")
    expect(page.locator("#run-checkpoints .best")).to_contain_text("1 ★ best")
    expect(page.locator("#chart-losses canvas")).to_be_visible()
    expect(page.locator("#chart-validation")).to_contain_text("balanced_error")
    expect(page.locator("#preview-image")).to_have_js_property("complete", True)
    assert page.locator("#preview-image").evaluate("image => image.naturalWidth") == 1
    expect(page.locator("#run-log")).to_have_text("12:00:00 started")

    run.metrics.create(attempt=1, epoch=2, values={"loss": 0.25, "balanced_error": 0.125})
    change(run, status=Run.Status.FAILED, message="No space is left. Free some, then resume the run.")
    expect(page.locator("#run-pill")).to_have_text("Failed", timeout=10_000)
    expect(page.locator("#run-message")).to_have_text("No space is left. Free some, then resume the run.")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(page.locator("#chart-validation")).to_contain_text("0.125")


@pytest.mark.parametrize("address", ["", "training/run/", "training/dataset/", "training/dataset/freeze/"])
def test_every_page_keeps_the_content_policy(
    page_of: PageOf, live_server: Any, project: Project, lead: User, address: str
) -> None:
    make_mil_run(project, lead)
    page = page_of(lead)
    answer = page.goto(f"{live_server.url}/admin/{address}")
    assert answer is not None
    assert answer.status == 200
