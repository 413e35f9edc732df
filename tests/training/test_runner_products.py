"""What runs are made from and what they leave: checkpoints in, slides and predictions out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.models import Project, User
from annotation.models import PatchPrediction, Scoring, SlideGrid
from tests.factories import make_case, make_patch, make_slide
from tests.training.builders import (
    make_done_generator,
    make_done_run,
    make_mil_run,
)
from tests.training.running import executed
from training.models import Run
from training.services import create_run

pytestmark = pytest.mark.django_db(transaction=True)

StandIn = Callable[[str], Path]


def test_a_generator_is_given_both_classifiers(project: Project, lead: User, learning: StandIn) -> None:
    he, ki67 = make_done_run(project, lead, "HE"), make_done_run(project, lead, "KI67")
    run = create_run(
        project,
        "cyclegan",
        lead,
        dataset=project.datasets.get(),
        source_classifier_run=he,
        target_classifier_run=ki67,
        preset="tiny",
    )
    learning("""
        say("finished", report={name: Path(arguments[f"--{name}-classifier"]).read_text()
                                for name in ("source", "target")})
    """)
    executed(run)
    assert run.report == {
        "source": f"weights of run {he.pk}, epoch 1",
        "target": f"weights of run {ki67.pk}, epoch 1",
    }
    assert run.inputs["target_classifier"] == ki67.checkpoints.get().sha256


def test_a_synthesis_becomes_an_unpublished_slide_once(
    project: Project, lead: User, learning: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, source = make_done_generator(project, lead), make_slide(make_case(project), "HE")
    default_storage.save(source.key, ContentFile(b"slide"))
    asked: list[dict[str, Any]] = []

    def register(**values: Any) -> Any:
        asked.append(values | {"content": values["path"].read_bytes()})
        return source

    monkeypatch.setattr("viewer.services.register_synthetic_slide", register)
    run = create_run(project, "synthesis", lead, generator_run=generator, slide=source, preset="tiny")
    learning("""
        assert Path(arguments["--slide"]).read_text() == "slide" and arguments["--mpp"] == "0.25"
        weights = [Path(arguments[name]).read_bytes() for name in ("--generator", "--classifier")]
        write("synthetic.tif", b"".join(weights))
        say("finished", report={"tiles": 9, "mpp": 0.5})
    """)
    executed(run)
    assert run.report == {"tiles": 9, "mpp": 0.5, "slide": source.pk}
    (registered,) = asked
    assert registered["source"] == source
    assert registered["generator_sha256"] == generator.checkpoints.get().sha256
    assert (registered["stain"], registered["mpp"]) == ("KI67", 0.5)
    weights = f"weights of run {generator.pk}, epoch 1weights of run {generator.source_classifier_run_id}, epoch 1"
    assert registered["content"].decode() == weights


def test_a_score_becomes_predictions(project: Project, lead: User, learning: StandIn) -> None:
    classifier, slide = make_done_run(project, lead, "HE"), make_slide(make_case(project), "HE")
    default_storage.save(slide.key, ContentFile(b"slide"))
    patch = make_patch(slide, 1)
    make_patch(slide, 2, offered=False)
    SlideGrid.objects.create(
        slide=slide, target_mpp=0.25, size_l0=2240, columns=3, rows=1, otsu_threshold=20.0, resampled=False
    )
    run = create_run(project, "score", lead, source_classifier_run=classifier, slide=slide, preset="tiny")
    learning("""
        rows = json.loads(Path(arguments["--patches"]).read_text())
        with (out / "predictions.jsonl").open("w") as file:
            for row in rows:
                best = {"probability": 0.75, "best_x_l0": row["x_l0"] + 224, "best_y_l0": row["y_l0"]}
                codes = {"instance_probabilities": [[0, 190], [255, 7]]}
                file.write(json.dumps({"patch": row["id"]} | best | codes) + "\\n")
        say("finished", report={})
    """)
    executed(run)
    assert run.report == {"patches": 1}
    assert Scoring.objects.get().name.startswith(f"Run {classifier.pk} · MIL classifier HE · epoch ")
    prediction = PatchPrediction.objects.get()
    assert (prediction.patch, prediction.probability, prediction.best_x_l0) == (patch, 0.75, 2464)
    assert bytes(prediction.instance_probabilities) == bytes([0, 190, 255, 7])
    assert prediction.checkpoint_sha256 == classifier.checkpoints.get().sha256


def test_a_predecessor_without_checkpoint_is_said(project: Project, lead: User, learning: StandIn) -> None:
    classifier = make_mil_run(project, lead, status=Run.Status.SUCCEEDED)
    slide = make_slide(make_case(project), "HE")
    run = create_run(project, "score", lead, source_classifier_run=classifier, slide=slide, preset="tiny")
    learning("")
    executed(run)
    assert run.status == Run.Status.FAILED
    assert "left no checkpoint to work from" in run.message
