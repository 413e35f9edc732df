"""Send runs to the workers. The only file of this room that enqueues."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from celery import chain, current_app
from celery.canvas import Signature
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from accounts.models import Project, User
from training import selectors, services, tasks
from training.models import Dataset, Run
from viewer.models import Slide

QUEUE = "gpu"
ASK_WORKERS_SECONDS = 0.7
REMEMBER_WORKERS_SECONDS = 10

logger = logging.getLogger(__name__)

NextStep = Callable[[Run], Signature]


def launch_run(run: Run, then: Sequence[NextStep] = ()) -> Run:
    """Send a queued run to the workers once the transaction that made it is through. then: as for `launch_chain`."""
    _enqueue([run], [step(run) for step in then])
    return run


@transaction.atomic
def launch_chain(
    project: Project,
    by: User,
    preset: str,
    slide: Slide,
    then: Sequence[NextStep] = (),
    dataset: Dataset | None = None,
    configs: dict[str, dict[str, Any]] | None = None,
) -> list[Run]:
    """Make and send both classifiers, the CycleGAN and the synthesis of `slide` as one chain.

    then: further links, each made from the synthesis run, for example `publish_step(by)`. They must be immutable
        signatures of tasks that do no harm when delivered twice, or after a run that failed.
    """
    runs = services.create_chain(project, by, preset, slide, dataset=dataset, configs=configs)
    _enqueue(runs, [step(runs.synthesis) for step in then])
    return list(runs)


def publish_step(by: User) -> NextStep:
    """Return the link that publishes what the synthesis run of a chain made."""
    return lambda run: tasks.publish_synthetic.si(run_pk=run.pk, by_pk=by.pk)


@transaction.atomic
def resume_run(run: Run) -> Run:
    """Send a run again that failed, was cancelled or fell silent, and what was skipped because of it."""
    _enqueue(services.requeue_run(run))
    run.refresh_from_db()
    return run


def run_payload(run: Run) -> dict[str, Any]:
    """Return what the page and the API show of a run, with a note where it waits for a worker in vain."""
    return selectors.run_payload(run) | {"note": waiting_note(run)}


def waiting_note(run: Run) -> str:
    """Say why nothing happens to a queued run; empty when a worker will take it."""
    if run.status != Run.Status.QUEUED:
        return ""
    workers = worker_names()
    if workers is None:
        return _("The broker does not answer. The run is kept; once it answers again, press Resume.")
    if not workers:
        return _("No worker takes training runs now (queue gpu). Start one; the run waits for it.")
    return ""


def worker_names() -> list[str] | None:
    """Return the workers that take runs; None when the broker can't be asked. Remembered for some seconds."""
    if settings.CELERY_TASK_ALWAYS_EAGER:
        return ["eager"]
    known: list[str] | None = cache.get("training.workers", default=())
    if known == ():
        known = _ask_for_workers()
        cache.set("training.workers", known, REMEMBER_WORKERS_SECONDS)
    return known


def _ask_for_workers() -> list[str] | None:
    try:
        queues = current_app.control.inspect(timeout=ASK_WORKERS_SECONDS).active_queues() or {}
    except (OperationalError, OSError):
        logger.warning("The broker can't be asked for its workers.", exc_info=True)
        return None
    return sorted(name for name, taken in queues.items() if any(queue["name"] == QUEUE for queue in taken))


def _enqueue(runs: Iterable[Run], then: Sequence[Signature] = ()) -> None:
    """Send one message, which carries the whole chain. Should the broker be out of reach, the runs stay queued."""
    links = [*(tasks.execute_run.si(run_pk=run.pk) for run in runs), *then]

    def send() -> None:
        chain(*links).apply_async()

    transaction.on_commit(send, robust=True)
