"""A run of kind `score`: what a classifier says of large patches of a slide, instance by instance.

patches.json is a list of {"id", "x_l0", "y_l0", "size_l0"}. predictions.jsonl holds a line for each patch:

    {"patch": id, "probability": of its most tumour-like instance, "best_x_l0", "best_y_l0",
     "instance_probabilities": row by row, [[…], …], 0 to 254 for 0 to 1, 255 where there is too little tissue}

A patch without tissue has probability 0 and its own corner as the best place.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from training.learning.classifier import Classifier
from training.learning.config import ScoreConfig
from training.learning.data import bag_instances, instance_corners
from training.learning.errors import ManifestError
from training.learning.files import write_whole
from training.learning.manifest import PatchRow
from training.learning.run import Run, Ticker
from viewer.imaging.colour import Colour
from viewer.imaging.foreground import tissue_mask
from viewer.imaging.geometry import patch_side_l0
from viewer.imaging.slides import SlideReader, open_slide

NOT_SCORED = 255


def score_slide(
    run: Run,
    config: ScoreConfig,
    slide: Path,
    mpp: float,
    classifier: Classifier,
    patches_path: Path,
    colour: Colour = "native",
) -> None:
    """Write OUT/predictions.jsonl and OUT/report.json. `colour`: how the slide's pixels are read.

    Raises:
        ManifestError: patches.json is damaged, or names a patch off the slide or of another size.
        StopRequested: asked to stop; nothing is written.
    """
    with open_slide(slide, colour) as reader:
        rows = read_patches(patches_path, reader, patch_side_l0(classifier.patch_px, classifier.target_mpp, mpp))
        mask = tissue_mask(reader)
        per_side = classifier.patch_px // classifier.instance_px
        ticker = Ticker(run, max(1, len(rows)), 1, epoch=1, message="Scoring patches")
        lines = []
        for patch_id, patch in rows:
            pixels, kept = bag_instances(
                reader, mask, patch, classifier.patch_px, classifier.instance_px, config.background_share
            )
            probabilities = np.zeros(len(pixels), np.float32)
            probabilities[kept] = classifier.probabilities(pixels[kept], config.batch_size)
            best = int(np.argmax(probabilities)) if kept.any() else 0
            x_l0, y_l0, _ = instance_corners(patch, per_side)[best]
            coded = np.where(kept, np.rint(probabilities * 254), NOT_SCORED).astype(int).reshape(per_side, per_side)
            line = {
                "patch": patch_id,
                "probability": round(float(probabilities[best]), 6),
                "best_x_l0": x_l0,
                "best_y_l0": y_l0,
                "instance_probabilities": coded.tolist(),
            }
            lines.append(json.dumps(line) + "\n")
            ticker()
    write_whole(run.out / "predictions.jsonl", "".join(lines).encode())
    run.finish(
        {
            "kind": "score",
            "config": config.to_dict(),
            "stain": classifier.stain,
            "classifier": classifier.sha256,
            "threshold": classifier.threshold,
            "patches": len(rows),
        }
    )


def read_patches(path: Path, reader: SlideReader, size_l0: int) -> list[tuple[Any, PatchRow]]:
    """Return the ids and places in patches.json; every patch must lie on the slide and have about `size_l0`."""
    try:
        entries = json.loads(path.read_bytes())
        rows = [
            (entry["id"], PatchRow("slide", int(entry["x_l0"]), int(entry["y_l0"]), int(entry["size_l0"]), "normal"))
            for entry in entries
        ]
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise ManifestError(
            f"{path.name} cannot be read ({broken}); expected a list of {{id, x_l0, y_l0, size_l0}}."
        ) from None
    for patch_id, patch in rows:
        right, bottom = patch.x_l0 + patch.size_l0, patch.y_l0 + patch.size_l0
        if min(patch.x_l0, patch.y_l0) < 0 or right > reader.width_l0 or bottom > reader.height_l0:
            raise ManifestError(
                f"Patch {patch_id} does not lie on the slide of {reader.width_l0} × {reader.height_l0} pixels."
            )
        if abs(patch.size_l0 - size_l0) > 1:
            raise ManifestError(
                f"Patch {patch_id} is {patch.size_l0} pixels wide; the classifier was trained on patches that are "
                f"{size_l0} pixels of this slide. Lay the patches out with the same settings."
            )
    return rows
