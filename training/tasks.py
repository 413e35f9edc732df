"""Doorways for the workers: primary key in, claim, run, record."""

import logging
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import InterfaceError, OperationalError

from accounts.access import Act, may
from accounts.models import User
from training import runner, selectors, services
from training.models import Run

logger = logging.getLogger(__name__)


@shared_task(
    bind=True,
    acks_late=True,
    reject_on_worker_lost=True,
    max_retries=None,
    # A database that is away for long: the message is sent again, with the rest of its chain.
    autoretry_for=(OperationalError, InterfaceError),
    default_retry_delay=60,
)
def execute_run(self: Any, *, run_pk: int) -> None:
    """Execute a run. Safe to deliver any number of times, alone or as a link of a chain.

    A message carries the rest of its chain, and the broker may deliver it twice: when its worker dies, and when a
    run outlasts the broker's patience. What then happens to this link and to the links behind it:

    - The run is running and its worker was heard lately: ask again later, since that worker may just have died. The
      rest of the chain waits with this message.
    - The run is over: return, so that the chain goes on. The worker that ended it may have died before it handed on
      the rest; had it not, the rest is now on its way twice, and each link of it meets this same rule: the second
      delivery of a run waits while it runs and passes when it is over, so every run is executed once.
    - A run that it builds on is not over (links overtook each other): ask again later.
    - A run that it builds on ended without success: it is skipped, and so is what builds on it.

    A failed run does not raise: the links behind it must come by to be skipped, and nothing would retry it.
    """
    if services.skip_run(run_pk):
        return
    if selectors.waits_for(run_pk) is not None:
        raise self.retry(countdown=settings.RUN_SILENCE_SECONDS)
    run = services.claim_run(run_pk, worker=self.request.hostname or "")
    if run is None:
        if selectors.is_running(run_pk):
            raise self.retry(countdown=settings.RUN_SILENCE_SECONDS)
        return
    outcome = runner.execute(run, services.RunLedger(run))
    if outcome is not None and not services.record_outcome(run, outcome):
        logger.warning("Run %s was claimed again; the outcome of attempt %s is dropped.", run.pk, run.attempt)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def publish_synthetic(*, run_pk: int, by_pk: int) -> None:
    """Publish what a synthesis run made, in the name of a person who may; nothing where the run made nothing."""
    run, by = Run.objects.select_related("project").get(pk=run_pk), User.objects.get(pk=by_pk)
    if may(by, Act.PUBLISH, run.project):
        services.publish_product(run, by)
