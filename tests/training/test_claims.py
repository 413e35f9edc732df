"""Who owns a run, under every accident."""

import threading
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from accounts.errors import Conflict
from accounts.models import Project, User
from tests.factories import make_case, make_slide
from tests.training.builders import change, make_dataset, make_mil_run, make_running
from training.models import MAX_ATTEMPTS, Run
from training.outcome import Outcome
from training.selectors import is_running
from training.services import (
    Chain,
    RunLedger,
    claim_run,
    create_chain,
    record_outcome,
    request_cancel,
    requeue_run,
    skip_run,
)

SUCCESS = Outcome(Run.Status.SUCCEEDED, report={"ok": True})
FAILURE = Outcome(Run.Status.FAILED, "The disk is full.")
TOO_LONG = settings.RUN_SILENCE_SECONDS + 5


@pytest.fixture
def run(project: Project, lead: User) -> Run:
    return make_mil_run(project, lead)


@pytest.fixture
def chain(project: Project, lead: User) -> Chain:
    make_dataset(project, lead)
    return create_chain(project, lead, "tiny", make_slide(make_case(project), "HE"))


def statuses(chain: Chain) -> list[str]:
    return [Run.objects.get(pk=run.pk).status for run in chain]


def claimed(run: Run) -> Run:
    taken = claim_run(run.pk, "gpu@one")
    assert taken is not None
    return taken


def test_a_queued_run_is_claimed_once(run: Run) -> None:
    first, second = claim_run(run.pk, "gpu@one"), claim_run(run.pk, "gpu@two")
    assert first is not None
    assert second is None
    assert (first.status, first.attempt, first.worker) == (Run.Status.RUNNING, 1, "gpu@one")
    assert is_running(run.pk)


@pytest.mark.django_db(transaction=True)
def test_of_two_threads_one_gets_the_run(project: Project, lead: User) -> None:
    run = make_mil_run(project, lead)
    for round_number in range(1, 6):
        change(run, status=Run.Status.QUEUED, attempt=0)
        taken: list[Run | None] = []
        together(lambda taken=taken: taken.append(claim_run(run.pk)), threads=2)  # type: ignore[misc]
        assert sorted(one is None for one in taken) == [False, True], f"round {round_number}"
    run.refresh_from_db()
    assert run.attempt == 1


def together(work: Callable[[], None], threads: int) -> None:
    """Do the same in several threads at the same moment."""
    start = threading.Barrier(threads)

    def one() -> None:
        try:
            start.wait()
            work()
        finally:
            connection.close()

    running = [threading.Thread(target=one) for _number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def test_a_silent_run_changes_hands(run: Run) -> None:
    make_running(run, heard_seconds_ago=TOO_LONG, worker="gpu@dead")
    taken = claimed(run)
    assert (taken.attempt, taken.worker) == (2, "gpu@one")
    assert is_running(run.pk)


def test_a_run_that_was_heard_stays_where_it_is(run: Run) -> None:
    make_running(run, heard_seconds_ago=settings.RUN_SILENCE_SECONDS - 5)
    assert claim_run(run.pk) is None


@pytest.mark.parametrize("status", [Run.Status.SUCCEEDED, Run.Status.FAILED, Run.Status.CANCELLED, Run.Status.SKIPPED])
def test_a_run_that_is_over_is_not_claimed(run: Run, status: Run.Status) -> None:
    change(run, status=status)
    assert claim_run(run.pk) is None
    run.refresh_from_db()
    assert run.status == status


def test_a_run_whose_workers_keep_dying_is_given_up(run: Run) -> None:
    make_running(run, heard_seconds_ago=TOO_LONG, attempt=MAX_ATTEMPTS)
    assert claim_run(run.pk) is None
    run.refresh_from_db()
    assert run.status == Run.Status.FAILED
    assert "Its worker died or lost its machine 3 times in a row." in run.message


def test_resuming_grants_as_many_attempts_again(run: Run) -> None:
    change(run, status=Run.Status.FAILED, attempt=MAX_ATTEMPTS)
    requeue_run(run)
    assert claimed(run).attempt == MAX_ATTEMPTS + 1
    run.refresh_from_db()
    assert run.attempt_limit == 2 * MAX_ATTEMPTS


def test_only_the_newest_attempt_may_write(run: Run) -> None:
    stale = claimed(run)
    make_running(run, heard_seconds_ago=TOO_LONG)
    fresh = claimed(run)
    assert record_outcome(stale, FAILURE) is False
    assert Run.objects.get(pk=run.pk).status == Run.Status.RUNNING
    assert record_outcome(fresh, SUCCESS) is True
    assert record_outcome(stale, FAILURE) is False
    assert Run.objects.get(pk=run.pk).status == Run.Status.SUCCEEDED


def test_a_heartbeat_keeps_a_run(run: Run) -> None:
    taken = claimed(run)
    make_running(run, heard_seconds_ago=TOO_LONG)
    RunLedger(taken).heartbeat()
    assert claim_run(run.pk) is None


def test_a_queued_run_is_cancelled_at_once(run: Run, lead: User) -> None:
    cancelled = request_cancel(run, lead)
    assert cancelled.status == Run.Status.CANCELLED
    assert cancelled.message == "Cancelled by lead."
    assert claim_run(run.pk) is None


def test_a_silent_run_is_cancelled_at_once_and_its_worker_told_when_it_comes_back(run: Run, lead: User) -> None:
    slow = claimed(run)
    make_running(run, heard_seconds_ago=TOO_LONG)
    assert request_cancel(run, lead).status == Run.Status.CANCELLED
    assert RunLedger(slow).heartbeat().name == "LET_GO"
    assert record_outcome(slow, SUCCESS) is False


def test_the_worker_of_a_running_run_is_asked_to_stop(run: Run, lead: User) -> None:
    taken = claimed(run)
    asked = request_cancel(run, lead)
    assert asked.status == Run.Status.RUNNING
    assert RunLedger(taken).heartbeat().name == "CANCEL"
    record_outcome(taken, Outcome(Run.Status.CANCELLED))
    run.refresh_from_db()
    assert (run.status, run.message) == (Run.Status.CANCELLED, "Cancelled by lead.")


def test_a_run_to_be_cancelled_whose_worker_died_is_cancelled_not_repeated(run: Run, lead: User) -> None:
    claimed(run)
    request_cancel(run, lead)
    make_running(run, heard_seconds_ago=TOO_LONG, cancel_requested_at=run.created_at)
    assert claim_run(run.pk) is None
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED


def test_what_is_over_is_not_cancelled(run: Run, lead: User) -> None:
    change(run, status=Run.Status.SUCCEEDED)
    with pytest.raises(Conflict, match="is succeeded: there is nothing to cancel"):
        request_cancel(run, lead)
    run.refresh_from_db()
    assert run.cancel_requested_at is None


def test_a_failure_skips_what_builds_on_it(chain: Chain) -> None:
    record_outcome(claimed(chain.source_classifier), FAILURE)
    assert statuses(chain) == ["failed", "queued", "skipped", "skipped"]
    generator = Run.objects.get(pk=chain.generator.pk)
    assert "is failed. Resume that run; this one follows." in generator.message


def test_a_cancellation_skips_what_builds_on_it(chain: Chain, lead: User) -> None:
    request_cancel(chain.generator, lead)
    assert statuses(chain) == ["queued", "queued", "cancelled", "skipped"]


def test_a_run_is_skipped_when_its_turn_comes_after_a_failure(chain: Chain) -> None:
    change(chain.target_classifier, status=Run.Status.FAILED)
    assert skip_run(chain.generator.pk) is True
    assert statuses(chain) == ["queued", "failed", "skipped", "skipped"]
    assert skip_run(chain.source_classifier.pk) is False


def test_resuming_brings_back_what_was_skipped(chain: Chain) -> None:
    record_outcome(claimed(chain.target_classifier), FAILURE)
    record_outcome(claimed(chain.source_classifier), SUCCESS)
    ready = requeue_run(chain.target_classifier)
    assert [run.pk for run in ready] == [chain.target_classifier.pk, chain.generator.pk, chain.synthesis.pk]
    assert statuses(chain) == ["succeeded", "queued", "queued", "queued"]
    assert {run.message for run in ready} == {""}


def test_a_skipped_run_sends_its_lead_to_the_cause(chain: Chain) -> None:
    record_outcome(claimed(chain.source_classifier), FAILURE)
    with pytest.raises(Conflict, match="Resume that one; this one follows"):
        requeue_run(chain.generator)
    assert statuses(chain) == ["failed", "queued", "skipped", "skipped"]


def test_a_run_with_a_living_worker_is_not_resumed(run: Run) -> None:
    claimed(run)
    with pytest.raises(Conflict, match="is running: there is nothing to resume"):
        requeue_run(run)
    assert Run.objects.get(pk=run.pk).status == Run.Status.RUNNING


def test_the_full_state_is_removed_after_success_only(run: Run) -> None:
    key = f"runs/{run.uuid}/state/attempt-1-0001"
    default_storage.save(f"{key}/state.safetensors", ContentFile(b"all"))
    taken = claimed(run)
    RunLedger(taken).resume_state(3, key, ["state.safetensors"])
    record_outcome(taken, FAILURE)
    assert default_storage.exists(f"{key}/state.safetensors")
    requeue_run(run)
    again = claimed(run)
    assert again.resume_state["epoch"] == 3


@pytest.mark.django_db(transaction=True)
def test_success_removes_the_full_state(project: Project, lead: User) -> None:
    run = make_mil_run(project, lead)
    key = f"runs/{run.uuid}/state/attempt-1-0001"
    default_storage.save(f"{key}/state.safetensors", ContentFile(b"all"))
    taken = claimed(run)
    RunLedger(taken).resume_state(3, key, ["state.safetensors"])
    record_outcome(taken, SUCCESS)
    run.refresh_from_db()
    assert run.resume_state == {}
    assert not default_storage.exists(f"{key}/state.safetensors")
