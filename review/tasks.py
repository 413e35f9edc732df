"""Doorways for the workers of the queue `cpu`: primary key in, claim, count, record."""

import logging
from functools import partial
from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from review import runner, selectors, services
from review.models import Study
from viewer import storage
from viewer.imaging.errors import ImagingError
from viewer.models import Slide

logger = logging.getLogger(__name__)


@shared_task(bind=True, acks_late=True, reject_on_worker_lost=True, max_retries=None)
def score_slide(self: Any, *, score_pk: int) -> None:
    """Count; a delivery that finds a fresh heartbeat asks again later, the worker behind it may just have died.

    A failure is recorded, not raised: the next count of the chain must still have its turn.
    """
    score = services.claim_score(score_pk)
    if score is None:
        if selectors.is_being_counted(score_pk):
            raise self.retry(countdown=settings.RUN_SILENCE_SECONDS)
        return
    try:
        count = runner.count_cells(score, partial(services.record_progress, score))
        cells_key = runner.store_cells(score, count)
    except services.ClaimLost:
        logger.warning("Score %s was taken over by another worker.", score_pk)
    except (ImagingError, ApplicationError) as error:
        services.record_failure(score, str(error))
    except Exception:
        logger.exception("Score %s stopped.", score_pk)
        services.record_failure(
            score, _("The count stopped on a fault of the program; the worker's log has the details.")
        )
    else:
        if not services.record_counts(score, count, cells_key):
            storage.delete(cells_key)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def align(*, fixed_pk: int, moving_pk: int) -> None:
    """Align two sections; a repeat finds the first answer."""
    slides = Slide.objects.in_bulk([fixed_pk, moving_pk])
    if len(slides) == 2:
        services.align_pair(slides[fixed_pk], slides[moving_pk])


@shared_task(acks_late=True, reject_on_worker_lost=True)
def fill_study(*, study_pk: int) -> None:
    """Cut the fields of a blinded study; a repeat finds them there."""
    study = Study.objects.select_related("project").filter(pk=study_pk).first()
    if study is not None:
        services.fill_study(study)
