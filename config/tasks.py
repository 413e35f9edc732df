"""Links that the demo's chain needs across rooms."""

from celery import shared_task

from accounts.models import User
from config.demo.example import sign_example
from review import services as review_services
from review import tasks as review_tasks
from review.models import CellScore
from review.selectors import real_counterpart
from training.models import Run
from training.selectors import product_of


@shared_task(acks_late=True, reject_on_worker_lost=True)
def score_demo_pair(*, run_pk: int, by_pk: int) -> None:
    """Count the real slide beside what a synthesis painted, then the painted one, then align them, all in this link.

    Does nothing where the synthesis made no slide, or where the count was done by an earlier delivery.
    """
    run = Run.objects.get(pk=run_pk)
    synthetic = product_of(run)
    if synthetic is None or CellScore.objects.filter(slide=synthetic, state=CellScore.State.DONE).exists():
        return
    by = User.objects.get(pk=by_pk)
    real = real_counterpart(synthetic)
    # The real slide first: its white point and thresholds are applied to the synthetic one unchanged.
    for slide in filter(None, (real, synthetic)):
        score = review_services.create_score(slide, by)
        review_tasks.score_slide.apply(kwargs={"score_pk": score.pk})
    if real is not None:
        review_tasks.align.apply(kwargs={"fixed_pk": run.slide_id, "moving_pk": real.pk})


@shared_task(acks_late=True, reject_on_worker_lost=True)
def sign_demo_example(*, run_pk: int, by_pk: int) -> None:
    """Sign the demo's example on what a synthesis painted; a repeat finds it signed."""
    synthetic = product_of(Run.objects.get(pk=run_pk))
    if synthetic is not None:
        sign_example(synthetic, User.objects.get(pk=by_pk))
