"""After kill -9 of the whole stack: let its work go on at once, instead of when its silence is noticed."""

from datetime import timedelta

from django.db.models.functions import Now

from review.models import CellScore
from training.models import Run
from viewer.models import SlideImport

LONG_AGO = timedelta(days=1)


def forget_heartbeats() -> int:
    """Make whatever is marked as running claimable, as if it had been silent for long; return how many.

    Only while no worker lives.
    """
    silent = {"heartbeat_at": Now() - LONG_AGO}
    return (
        SlideImport.objects.filter(state=SlideImport.State.RUNNING).update(**silent)
        + Run.objects.filter(status=Run.Status.RUNNING).update(**silent)
        + CellScore.objects.filter(state=CellScore.State.RUNNING).update(**silent)
    )
