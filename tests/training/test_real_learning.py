"""The runner and the real learning core understand each other."""

from pathlib import Path

import pytest

from accounts.models import Project, User
from annotation.models import GridSettings, PatchPrediction, WeakLabel
from annotation.services import ensure_grid
from tests.factories import make_case
from tests.training.builders import reader_of
from training import launch
from training.models import Run
from training.services import create_run, freeze_dataset
from viewer.imaging.phantom import TissueBlock, write_section
from viewer.launch import import_slides
from viewer.models import Slide

SIZE_PX = 672


@pytest.fixture
def drawn(project: Project, lead: User, tmp_path: Path) -> Project:
    """Two cases of drawn tissue, nine patches each, labelled at random: nothing is to be learnt."""
    GridSettings.objects.create(project=project, patch_px=224, instance_px=112, target_mpp=0.5)
    for number in (1, 2):
        make_case(project, f"Case 0{number}")
        block = TissueBlock(size_px=SIZE_PX, mpp=0.5, seed=number)
        for stain in ("HE", "KI67"):
            path = tmp_path / f"{number}-{stain}.tif"
            write_section(block, stain, "HE" if stain == "HE" else "HDAB", path)
            import_slides(paths=[path], project=project, case_name=f"Case 0{number}", stain=stain, mpp=None, by=lead)
    for slide in Slide.objects.all():
        ensure_grid(slide)
        for index, patch in enumerate(slide.patches.filter(offered=True)):
            value = "tumor" if index % 2 else "normal"
            WeakLabel.objects.create(patch=patch, reader=reader_of(project), value=value)
    return project


@pytest.mark.django_db(transaction=True)
def test_a_classifier_is_learnt_and_scores_a_slide(drawn: Project, lead: User) -> None:
    dataset = freeze_dataset(drawn, lead)
    classifier = create_run(drawn, "mil", lead, dataset=dataset, stain="HE", preset="tiny", config={"epochs": 1})
    launch.launch_run(classifier)
    classifier.refresh_from_db()
    assert classifier.status == Run.Status.SUCCEEDED, (classifier.message, classifier.log_tail)
    assert classifier.checkpoints.get().is_best
    assert classifier.metrics.count() == 1

    slide = Slide.objects.get(case__name="Case 01", stain="HE")
    score = create_run(drawn, "score", lead, slide=slide, source_classifier_run=classifier, preset="tiny")
    launch.launch_run(score)
    score.refresh_from_db()
    assert score.status == Run.Status.SUCCEEDED, (score.message, score.log_tail)
    assert PatchPrediction.objects.filter(patch__slide=slide).count() == slide.patches.filter(offered=True).count()
