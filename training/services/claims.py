"""Who owns a run: claims, cancellation, outcomes. All by compare-and-set, by the database's clock."""

from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import Conflict
from accounts.models import User
from training.models import MAX_ATTEMPTS, Run
from training.outcome import Outcome
from viewer import storage


@transaction.atomic
def claim_run(run_pk: int, worker: str = "") -> Run | None:
    """Take a run that is queued, or whose worker fell silent; None: it is somebody else's, or over.

    A silent run that was to be cancelled is cancelled now, one whose workers died too often is failed now.
    """
    _settle_abandoned(run_pk)
    claimed = (
        Run.objects.claimable()
        .filter(pk=run_pk, attempt__lt=F("attempt_limit"), cancel_requested_at=None)
        .update(
            status=Run.Status.RUNNING,
            attempt=F("attempt") + 1,
            worker=worker,
            started_at=Now(),
            heartbeat_at=Now(),
            finished_at=None,
            progress={},
            message="",
            log_tail="",
        )
    )
    if claimed != 1:
        return None
    related = ("project", "dataset", "slide__case", "source_classifier_run", "target_classifier_run", "generator_run")
    return Run.objects.select_related(*related).get(pk=run_pk)


@transaction.atomic
def skip_run(run_pk: int) -> bool:
    """Skip a queued run if a run that it builds on ended without success; tell whether it was skipped."""
    run = Run.objects.select_related("source_classifier_run", "target_classifier_run", "generator_run").get(pk=run_pk)
    hopeless = [other for other in run.predecessors() if other.is_over and other.status != Run.Status.SUCCEEDED]
    if not hopeless:
        return False
    return _skip(run_pk, hopeless[0])


@transaction.atomic
def record_outcome(run: Run, outcome: Outcome) -> bool:
    """Write how an attempt ended, unless another attempt has begun since; tell whether it was written."""
    values: dict[str, Any] = {"status": outcome.status, "log_tail": outcome.log_tail, "report": outcome.report}
    if outcome.status != Run.Status.CANCELLED:  # a cancelled run keeps the name of who cancelled it
        values["message"] = outcome.message
    own = Run.objects.filter(pk=run.pk, attempt=run.attempt, status=Run.Status.RUNNING)
    written = own.update(**values, finished_at=Now())
    if written == 1 and outcome.status == Run.Status.SUCCEEDED:
        _forget_resume_state(run)
    elif written == 1:
        _skip_what_builds_on(run.pk)
    return written == 1


@transaction.atomic
def request_cancel(run: Run, by: User) -> Run:
    """Cancel a run that nobody works on; ask the worker of one that is being worked on to stop.

    Raises:
        Conflict: it is over already.
    """
    message = _("Cancelled by %(user)s.") % {"user": by.get_username()}
    cancelled = (
        Run.objects.claimable()
        .filter(pk=run.pk)
        .update(status=Run.Status.CANCELLED, message=message, cancel_requested_at=Now(), finished_at=Now())
    )
    if cancelled == 1:
        _skip_what_builds_on(run.pk)
    else:
        asked = Run.objects.heard().filter(pk=run.pk).update(cancel_requested_at=Now(), message=message)
        if asked != 1:
            run.refresh_from_db()
            raise Conflict(
                _("%(run)s is %(status)s: there is nothing to cancel.")
                % {"run": run, "status": run.get_status_display()}
            )
    run.refresh_from_db()
    return run


@transaction.atomic
def requeue_run(run: Run) -> list[Run]:
    """Make a run that is over without success, or that nobody works on, ready to be claimed again.

    What was skipped because of it is made ready too. Returns the runs to enqueue, in order; each goes on from
    the last full state that it saved.

    Raises:
        Conflict: its worker is alive, it succeeded, or a run that it builds on has not succeeded.
    """
    run = Run.objects.select_for_update().get(pk=run.pk)
    if run.status == Run.Status.SUCCEEDED or Run.objects.heard().filter(pk=run.pk).exists():
        raise Conflict(
            _("%(run)s is %(status)s: there is nothing to resume.") % {"run": run, "status": run.get_status_display()}
        )
    for other in run.predecessors():
        if other.is_over and other.status != Run.Status.SUCCEEDED:
            raise Conflict(
                _("%(run)s builds on %(other)s, which is %(status)s. Resume that one; this one follows.")
                % {"run": run, "other": other, "status": other.get_status_display()}
            )
    ready = [run.pk, *_skipped_or_queued_after(run.pk)]
    Run.objects.filter(pk__in=ready).update(
        status=Run.Status.QUEUED,
        attempt_limit=F("attempt") + MAX_ATTEMPTS,
        cancel_requested_at=None,
        finished_at=None,
        progress={},
        message="",
    )
    return list(Run.objects.filter(pk__in=ready).order_by("pk"))


def _settle_abandoned(run_pk: int) -> None:
    silent = Run.objects.silent().filter(pk=run_pk)
    cancelled = silent.exclude(cancel_requested_at=None).update(status=Run.Status.CANCELLED, finished_at=Now())
    worn_out = silent.filter(attempt__gte=F("attempt_limit"))
    failed = worn_out.update(
        status=Run.Status.FAILED,
        finished_at=Now(),
        message=ngettext(
            "Its worker died or lost its machine %(number)s time in a row. Look at the worker's log and memory, then "
            "resume the run.",
            "Its worker died or lost its machine %(number)s times in a row. Look at the worker's log and memory, then "
            "resume the run.",
            MAX_ATTEMPTS,
        )
        % {"number": MAX_ATTEMPTS},
    )
    if cancelled or failed:
        _skip_what_builds_on(run_pk)


def _forget_resume_state(run: Run) -> None:
    """Remove the full state of a run that needs it no longer; it may be several times the size of the weights."""
    state = Run.objects.values_list("resume_state", flat=True).get(pk=run.pk)
    if state:
        Run.objects.filter(pk=run.pk).update(resume_state={})
        transaction.on_commit(lambda: storage.sweep(state["key"]), robust=True)


def _built_on(run_pk: int) -> Q:
    return Q(source_classifier_run=run_pk) | Q(target_classifier_run=run_pk) | Q(generator_run=run_pk)


def _skip_what_builds_on(run_pk: int) -> None:
    cause = Run.objects.get(pk=run_pk)
    for follower in Run.objects.filter(_built_on(run_pk), status=Run.Status.QUEUED).values_list("pk", flat=True):
        _skip(follower, cause)


def _skip(run_pk: int, cause: Run) -> bool:
    message = _("Skipped: %(cause)s, which it builds on, is %(status)s. Resume that run; this one follows.") % {
        "cause": cause,
        "status": cause.get_status_display(),
    }
    skipped = Run.objects.filter(pk=run_pk, status=Run.Status.QUEUED).update(
        status=Run.Status.SKIPPED, message=message, finished_at=Now()
    )
    if skipped == 1:
        _skip_what_builds_on(run_pk)
    return skipped == 1


def _skipped_or_queued_after(run_pk: int) -> list[int]:
    waiting = [Run.Status.SKIPPED, Run.Status.QUEUED]
    found: list[int] = []
    for follower in Run.objects.filter(_built_on(run_pk), status__in=waiting).values_list("pk", flat=True):
        found += [follower, *_skipped_or_queued_after(follower)]
    return sorted(set(found))
