"""Hand what a run made to the rooms that own it: a slide to the viewer, predictions to the annotation room."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from annotation import services as annotation_services
from training.models import Checkpoint, Run
from training.runner.workspace import Workspace
from viewer import services as viewer_services


def deliver(run: Run, workspace: Workspace, report: dict[str, Any]) -> dict[str, Any]:
    """Hand over the product and return the report with what became of it. A repeat finds the first product."""
    match run.kind:
        case Run.Kind.SYNTHESIS:
            assert run.slide is not None
            slide = viewer_services.register_synthetic_slide(
                source=run.slide,
                path=workspace.out / "synthetic.tif",
                mpp=float(report.get("mpp") or run.slide.mpp or 0),  # painted at the generator's resolution
                generator_sha256=workspace.inputs["generator"],
                stain=run.target_stain,
                by=run.created_by,
            )
            return report | {"slide": slide.pk}
        case Run.Kind.SCORE:
            assert run.slide is not None
            predictions = _predictions(workspace.out / "predictions.jsonl")
            sha256 = workspace.inputs["source_classifier"]
            kept = annotation_services.record_predictions(run.slide, sha256, predictions, _name_of(run, sha256))
            return report | {"patches": kept}
    return report


def _name_of(run: Run, sha256: str) -> str:
    """Return what readers know the classifier by: "Run 12 · MIL classifier HE · epoch 7"."""
    used = Checkpoint.objects.filter(run=run.source_classifier_run, sha256=sha256).first()
    return f"{run.source_classifier_run} · " + (_("epoch %(epoch)s") % {"epoch": used.epoch} if used else sha256[:8])


def _predictions(path: Path) -> Iterator[annotation_services.Prediction]:
    with path.open() as lines:
        for line in lines:
            row = json.loads(line)
            yield annotation_services.Prediction(
                patch_id=row["patch"],
                probability=row["probability"],
                best_x_l0=row["best_x_l0"],
                best_y_l0=row["best_y_l0"],
                instance_probabilities=bytes(chain.from_iterable(row["instance_probabilities"])),
            )
