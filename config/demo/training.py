"""Queue the demo's one training chain, from frozen labels to scores."""

from django.db import transaction

from accounts.models import Project, User
from config.tasks import score_demo_pair
from training.launch import launch_chain, publish_step
from training.models import Run
from training.services import freeze_dataset
from viewer.models import Slide


@transaction.atomic
def launch_demo_chain(project: Project, slide: Slide, by: User, scored_by: User) -> list[Run]:
    """Freeze the labels and queue one message that carries the whole chain: train, synthesise, publish, count."""
    freeze_dataset(project, by)
    return launch_chain(
        project,
        by,
        preset="cpu",
        slide=slide,
        then=[
            publish_step(by),
            lambda run: score_demo_pair.si(source_pk=run.slide_id, by_pk=scored_by.pk),
        ],
    )
