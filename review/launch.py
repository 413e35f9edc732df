"""Send counts and alignments to the workers. The only file of this room that enqueues."""

from functools import partial
from typing import Any

from celery import chain
from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from accounts.models import Project, User
from review import selectors, services, tasks
from review.models import CellScore, Study
from viewer.models import Slide


@transaction.atomic
def score_slide(slide: Slide, by: User | None, region: list[int] | None = None) -> CellScore:
    """Count one slide, or [x, y, width, height] of it in level-0 pixels."""
    score = services.create_score(slide, by, region)
    tasks.score_slide.delay_on_commit(score_pk=score.pk)
    return score


@transaction.atomic
def score_pair(synthetic: Slide, by: User | None) -> tuple[CellScore | None, CellScore]:
    """Count the real slide of the pair, then the synthetic one with the same parameters, then align the sections.

    Returns the real and the synthetic score; no real score where the case has no such slide.
    """
    real = selectors.real_counterpart(synthetic)
    real_score = services.create_score(real, by) if real else None
    synthetic_score = services.create_score(synthetic, by)
    steps = [tasks.score_slide.si(score_pk=score.pk) for score in (real_score, synthetic_score) if score]
    if real is not None:
        steps.append(tasks.align.si(fixed_pk=synthetic.derived_from_id, moving_pk=real.pk))
    transaction.on_commit(partial(chain(*steps).apply_async))
    return real_score, synthetic_score


@transaction.atomic
def make_study(project: Project, by: User, name: str, **options: Any) -> Study:
    """Ask for a blinded study; a worker cuts its fields."""
    study = services.create_study(project, by, name, **options)
    tasks.fill_study.delay_on_commit(study_pk=study.pk)
    return study


def align_sections(source: Slide, real: Slide) -> None:
    """Align the source slide with the real one of the target stain; asked again within a minute, nothing is sent."""
    if not cache.add(f"review-align-{source.pk}-{real.pk}", True, timeout=settings.RUN_SILENCE_SECONDS):
        return
    # Robust: the page that asks for it must open without a broker too.
    transaction.on_commit(partial(tasks.align.delay, fixed_pk=source.pk, moving_pk=real.pk), robust=True)
