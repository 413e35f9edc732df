"""Doorways for the worker."""

from typing import Any

from celery import shared_task
from django.conf import settings

from viewer import services
from viewer.selectors import import_is_running


@shared_task(bind=True, acks_late=True, reject_on_worker_lost=True, max_retries=None)
def import_slide(self: Any, *, import_pk: int) -> None:
    """Import it; a delivery that finds another worker alive asks again later, since that one may just have died."""
    if services.import_slide(import_pk) is None and import_is_running(import_pk):
        raise self.retry(countdown=settings.RUN_SILENCE_SECONDS)
