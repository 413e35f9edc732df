"""Deliveries: the first, the late, the doubled, and those after a failure."""

from typing import Any

import pytest
from django.conf import settings

from accounts.models import Project, User
from tests.factories import make_case, make_slide, make_synthetic_slide
from tests.training.builders import change, make_dataset, make_done_generator, make_mil_run, make_running
from training import launch, runner, tasks
from training.models import Publication, Run
from training.outcome import Outcome
from training.services import Chain, create_chain, create_run


class AskedAgain(Exception):
    """Stands in for Celery's Retry."""


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Runs that were executed, in order; each succeeds unless it is in `failing`."""
    done: list[int] = []

    def execute(run: Run, _ledger: Any) -> Outcome:
        done.append(run.pk)
        failed = run.config.get("seed") == 13
        return Outcome(Run.Status.FAILED, "unlucky") if failed else Outcome(Run.Status.SUCCEEDED)

    monkeypatch.setattr(runner, "execute", execute)
    return done


@pytest.fixture
def countdowns(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each delivery that asked again wants to wait."""
    asked: list[float] = []

    def retry(countdown: float) -> None:
        asked.append(countdown)
        raise AskedAgain

    monkeypatch.setattr(tasks.execute_run, "retry", retry)
    return asked


@pytest.fixture
def chain(project: Project, lead: User) -> Chain:
    make_dataset(project, lead)
    return create_chain(project, lead, "tiny", make_slide(make_case(project), "HE"))


def deliver(run: Run) -> None:
    tasks.execute_run.apply(kwargs={"run_pk": run.pk}, throw=True)


def statuses(chain: Chain) -> list[str]:
    return [Run.objects.get(pk=run.pk).status for run in chain]


def test_a_delivery_executes_the_run(project: Project, lead: User, executed: list[int]) -> None:
    run = make_mil_run(project, lead)
    deliver(run)
    run.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED
    assert executed == [run.pk]


def test_a_second_delivery_of_a_finished_run_passes(project: Project, lead: User, executed: list[int]) -> None:
    run = make_mil_run(project, lead)
    deliver(run)
    deliver(run)
    assert executed == [run.pk]


def test_a_second_delivery_of_a_running_run_asks_again(
    project: Project, lead: User, executed: list[int], countdowns: list[float]
) -> None:
    run = make_running(make_mil_run(project, lead))
    with pytest.raises(AskedAgain):
        deliver(run)
    assert countdowns == [settings.RUN_SILENCE_SECONDS]
    assert executed == []


def test_a_delivery_takes_over_from_a_dead_worker(project: Project, lead: User, executed: list[int]) -> None:
    run = make_running(make_mil_run(project, lead), heard_seconds_ago=settings.RUN_SILENCE_SECONDS + 1)
    deliver(run)
    run.refresh_from_db()
    assert (run.status, run.attempt) == (Run.Status.SUCCEEDED, 2)


def test_a_link_that_overtook_the_one_before_asks_again(
    chain: Chain, executed: list[int], countdowns: list[float]
) -> None:
    with pytest.raises(AskedAgain):
        deliver(chain.generator)
    assert executed == []
    assert statuses(chain) == ["queued"] * 4


def test_links_behind_a_failure_are_skipped(chain: Chain, executed: list[int]) -> None:
    change(chain.target_classifier, config=chain.target_classifier.config | {"seed": 13})
    for run in chain:
        deliver(run)
    assert statuses(chain) == ["succeeded", "failed", "skipped", "skipped"]
    assert executed == [chain.source_classifier.pk, chain.target_classifier.pk]


def test_a_chain_that_is_delivered_twice_runs_once(chain: Chain, executed: list[int]) -> None:
    for run in (*chain, *chain):
        deliver(run)
    assert executed == [run.pk for run in chain]
    assert statuses(chain) == ["succeeded"] * 4


@pytest.mark.django_db(transaction=True)
def test_a_launched_chain_goes_to_its_end_and_publishes(
    project: Project, lead: User, executed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_dataset(project, lead)
    slide = make_slide(make_case(project), "HE")
    synthetic = make_synthetic_slide(slide)
    monkeypatch.setattr("training.services.publishing.product_of", lambda _run: synthetic)
    runs = launch.launch_chain(project, lead, "tiny", slide, then=[launch.publish_step(lead)])
    assert executed == [run.pk for run in runs]
    assert Publication.objects.get().published_by == lead


@pytest.mark.django_db(transaction=True)
def test_a_failed_chain_publishes_nothing(project: Project, lead: User, executed: list[int]) -> None:
    make_dataset(project, lead)
    slide = make_slide(make_case(project), "HE")
    configs = {"cyclegan": {"seed": 13}}
    runs = launch.launch_chain(project, lead, "tiny", slide, then=[launch.publish_step(lead)], configs=configs)
    assert [Run.objects.get(pk=run.pk).status for run in runs] == ["succeeded", "succeeded", "failed", "skipped"]
    assert not Publication.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_resuming_goes_on_to_the_end_of_the_chain(project: Project, lead: User, executed: list[int]) -> None:
    make_dataset(project, lead)
    slide = make_slide(make_case(project), "HE")
    runs = launch.launch_chain(project, lead, "tiny", slide, configs={"cyclegan": {"seed": 13}})
    change(runs[2], config=runs[2].config | {"seed": 0})
    launch.resume_run(runs[2])
    assert {Run.objects.get(pk=run.pk).status for run in runs} == {Run.Status.SUCCEEDED}
    assert executed == [run.pk for run in runs[:3]] + [run.pk for run in runs[2:]]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_when_the_transaction_is_undone(project: Project, lead: User, executed: list[int]) -> None:
    with pytest.raises(Exception, match="no frozen data set"):
        launch.launch_chain(project, lead, "tiny", make_slide(make_case(project), "HE"))
    assert executed == []


@pytest.mark.django_db(transaction=True)
def test_a_broker_out_of_reach_leaves_the_run_queued(
    project: Project, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_arguments: Any, **_options: Any) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(launch, "chain", lambda *_links: type("Chain", (), {"apply_async": unreachable}))
    run = launch.launch_run(make_mil_run(project, lead))
    run.refresh_from_db()
    assert run.status == Run.Status.QUEUED


def test_publishing_is_not_done_for_who_may_not(project: Project, lead: User, clinician: User) -> None:
    slide = make_slide(make_case(project), "HE")
    generator = make_done_generator(project, lead)
    run = create_run(project, "synthesis", lead, generator_run=generator, slide=slide)
    synthetic = make_synthetic_slide(slide)
    change(run, status=Run.Status.SUCCEEDED, inputs={"generator": synthetic.generator_sha256})
    tasks.publish_synthetic.apply(kwargs={"run_pk": run.pk, "by_pk": clinician.pk}, throw=True)
    assert not Publication.objects.exists()
    tasks.publish_synthetic.apply(kwargs={"run_pk": run.pk, "by_pk": lead.pk}, throw=True)
    assert Publication.objects.get().slide == synthetic


@pytest.mark.parametrize(
    ("workers", "note"),
    [(None, "The broker does not answer."), ([], "No worker takes training runs now (queue gpu)."), (["gpu@a"], "")],
)
def test_a_queued_run_says_why_nothing_happens(
    project: Project, lead: User, monkeypatch: pytest.MonkeyPatch, workers: list[str] | None, note: str
) -> None:
    monkeypatch.setattr(launch, "worker_names", lambda: workers)
    run = make_mil_run(project, lead)
    assert launch.waiting_note(run).startswith(note)
    assert bool(launch.waiting_note(run)) == bool(note)
    assert launch.waiting_note(change(run, status=Run.Status.SUCCEEDED)) == ""
