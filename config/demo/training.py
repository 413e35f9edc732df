"""Queue the demo's runs: a synthesis with the model that is shipped, and one training from labels to scores."""

from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Project, User
from config.tasks import score_demo_pair, sign_demo_example
from training.launch import NextStep, launch_chain, launch_run, publish_step
from training.models import Run
from training.services import create_run, freeze_dataset, import_model
from viewer.models import Slide

MODEL = Path(__file__).parent / "model"
# Flowing statistics hide the borders of tiles better and take twice as long.
SYNTHESIS = {"norm_statistics": "tile"}


@transaction.atomic
def show_shipped_model(project: Project, slide: Slide, by: User, scored_by: User) -> Run:
    """Bring in the model that this release ships and queue a synthesis: published, counted, signed as an example.

    The shipped Ki-67 classifier looks at the real slide after it, so that tumour alone can be counted too.
    """
    generator = import_model(
        project,
        by,
        source_classifier=MODEL / "classifier-HE.safetensors",
        target_classifier=MODEL / "classifier-KI67.safetensors",
        generator=MODEL / "generator.safetensors",
        note=_("Shipped with the demo; trained on its three labelled cases. See config/demo/model/README.md."),
    )
    run = create_run(
        project, Run.Kind.SYNTHESIS, by, slide=slide, generator_run=generator, preset="cpu", config=SYNTHESIS
    )
    launch_run(run, then=[*_publish_and_count(by, scored_by), _sign_as_example(scored_by)])
    real = Slide.objects.filter(case=slide.case_id, stain=project.target_stain, origin=Slide.Origin.REAL).first()
    if real is not None:
        classifier = generator.target_classifier_run
        launch_run(create_run(project, Run.Kind.SCORE, by, slide=real, source_classifier_run=classifier, preset="cpu"))
    return run


@transaction.atomic
def launch_demo_chain(project: Project, slide: Slide, by: User, scored_by: User) -> list[Run]:
    """Freeze the labels and queue one message that carries the whole chain: train, synthesise, publish, count."""
    freeze_dataset(project, by)
    then = _publish_and_count(by, scored_by)
    return launch_chain(project, by, preset="cpu", slide=slide, then=then, configs={"synthesis": SYNTHESIS})


def _publish_and_count(by: User, scored_by: User) -> list[NextStep]:
    return [publish_step(by), lambda run: score_demo_pair.si(run_pk=run.pk, by_pk=scored_by.pk)]


def _sign_as_example(by: User) -> NextStep:
    return lambda run: sign_demo_example.si(run_pk=run.pk, by_pk=by.pk)
