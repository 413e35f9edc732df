"""A run of kind `cyclegan`: from a manifest and two classifiers to a generator from source to target stain."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.learning import checkpoint, validation
from training.learning.classifier import Classifier
from training.learning.conditioning import class_values
from training.learning.config import CycleGanConfig
from training.learning.cyclegan import CycleGan
from training.learning.cyclegan_loop import Domain, Loop
from training.learning.data import cut, load_patches, slides_for, training_density
from training.learning.errors import ConfigError, ManifestError
from training.learning.evaluation import optical_density_sum
from training.learning.files import write_whole
from training.learning.manifest import Manifest
from training.learning.painting import Floats, Painter, core_within
from training.learning.run import Run
from training.learning.sampling import Sampler
from training.learning.store import held_on
from training.learning.train_mil import warn_of_splits
from training.learning.validation import Fields, RatioJudge

INVERTED = (
    "The colours of epoch {epoch} are inverted: where the source is dark the synthetic picture is light (correlation "
    "{correlation:.2f}). Use warm_steps or identity_weight, or another seed."
)
STILL_INVERTED = "The best epoch is inverted too: this generator is of no use and should not be published."


def train_cyclegan(
    run: Run,
    config: CycleGanConfig,
    manifest: Manifest,
    classifiers: tuple[Classifier | None, Classifier | None],
    slides_root: Path,
    resume: Path | None,
) -> None:
    """Train, write a checkpoint and a preview each epoch, and report the best one by validation.

    `classifiers`: of the source and the target stain; None only without class channel.

    Raises:
        LearningError: the data set does not allow it, a file does not fit, or a loss is no longer a number.
        StopRequested: asked to stop; the state is on disk.
    """
    check_stains(manifest)
    stains = manifest.header.stains[:2]
    group = run.compute.group
    if config.batch_size % group.size:
        raise ConfigError(
            f"batch_size is {config.batch_size}; {group.size} processes share a batch evenly, so it must be a multiple "
            f"of {group.size}."
        )
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    model = CycleGan(config, run.compute)
    metadata = {
        "kind": "cyclegan",
        "config": config.to_dict(),
        "manifest": manifest.sha256,
        "stains": list(stains),
        "target_mpp": manifest.header.target_mpp,
        "instance_px": manifest.header.instance_px,
        "classifiers": [None if classifier is None else classifier.sha256 for classifier in classifiers],
        "independent_validation": manifest.independent_validation,
        "code_version": checkpoint.CODE_VERSION,
    }
    density = None
    if config.source_density == "equal":
        density = training_density(manifest, stains[0], slides_root)
        metadata["source_density"] = None if density is None else list(density)
    saved = run.load_state(
        resume,
        "cyclegan-state",
        **{key: metadata[key] for key in ("code_version", "config", "manifest", "stains", "classifiers")},
    )
    warn_of_splits(run, manifest)

    def progress(done: int, total: int, what: str) -> None:
        run.reporter.progress(done, total + 1, 0, config.epochs, what)
        run.stop.check()

    domains: list[Domain] = []
    for stain, classifier in zip(stains, classifiers, strict=True):
        patches = group.in_turn(
            partial(
                load_patches,
                manifest,
                stain,
                "train",
                slides_root,
                run.store,
                config.patches_per_slide,
                progress,
                density if stain == stains[0] else None,
            )
        )
        classes = classify(classifier, patches.pixels, patches.table["tissue"], config)
        background = patches.table["tissue"] < config.background_share
        sampler = Sampler(background, config.background_draws, classes > 0, config.tumor_draws)
        domains.append(Domain(patches, classes, sampler, held_on(patches.pixels, run.compute.device)))
        if config.class_channel and len(set(np.sign(classes).tolist())) < 2:
            run.reporter.warning(f"The classifier gives all {len(classes)} {stain} patches the same class.")
    fields = group.in_turn(
        partial(
            validation.load_fields,
            manifest,
            slides_root,
            run.store,
            config.validation_fields,
            config.halo_px,
            progress,
            density,
        )
    )
    source_classes, target_classes = (
        classify(classifier, of.patches(), of.tissue.ravel(), config).reshape(-1, 4)
        for of, classifier in zip(fields, classifiers, strict=True)
    )
    judge = None
    if config.selection == "positive_ratio":
        judge = RatioJudge(manifest, slides_root, fields[1], target_classes)

    loop = Loop(run, config, model, domains, rng, metadata | {"kind": "cyclegan-state"})
    if saved is not None:
        loop.restore(saved)
    core = core_within(config.core_px, manifest.header.instance_px)
    for epoch in range(loop.epochs_done + 1, config.epochs + 1):
        losses = loop.train(epoch)
        painter = Painter(model.shown_target.eval(), config.class_channel, core, config.halo_px, 0, 8, run.compute)
        run.reporter.progress(loop.step, loop.total, epoch, config.epochs, "Validating")
        synthetic = validation.paint_fields(painter, fields[0], source_classes)
        figures = validation.judge_fields(synthetic, *fields, source_classes, target_classes, judge)
        figures |= consistency(painter, synthetic, fields[0], source_classes, classifiers[1], config)
        model.shown_target.train()
        if validation.is_inverted(figures):
            run.reporter.warning(INVERTED.format(epoch=epoch, correlation=figures["density_correlation"]))
        values = losses | {f"validation_{key}": value for key, value in figures.items()}
        run.record_epoch(epoch, values, validation.rank(figures, epoch, config.selection), model.weights(), metadata)
        _write_preview(run, epoch, validation.preview(fields[0], synthetic, source_classes))
        loop.epoch_is_over()
        if run.time_is_up(config.max_seconds):
            run.reporter.warning(f"Stopped after epoch {epoch} of {config.epochs}: {config.max_seconds} s have passed.")
            break

    if not run.writes:
        return
    assert run.best is not None
    is_inverted = run.best["metrics"]["validation_density_correlation"] < validation.INVERTED_BELOW
    if is_inverted:
        run.reporter.warning(STILL_INVERTED)
    counts = {
        stain: {"patches": len(domain.patches), "tumor": int((domain.classes > 0).sum())}
        for stain, domain in zip(stains, domains, strict=True)
    }
    run.finish(metadata | {"patches": counts, "inverted": is_inverted, "steps": loop.step})


def check_stains(manifest: Manifest) -> None:
    """Refuse a data set that lacks one side of the stain pair.

    Raises:
        ManifestError: the header names one stain only.
        NotEnoughData: a stain has no slide for training or validation.
    """
    if len(manifest.header.stains) < 2:
        raise ManifestError(
            f"The data set holds the stain {manifest.header.stains[0]} only; a CycleGAN needs a source and a target "
            "stain. Freeze a data set of both."
        )
    for stain in manifest.header.stains[:2]:
        for split in ("train", "validation"):
            slides_for(manifest, stain, split)


def classify(classifier: Classifier | None, pixels: Any, tissue: Floats, config: CycleGanConfig) -> Floats:
    """Return the class of each patch, [N] in [-1, 1]; all 0 without class channel."""
    if classifier is None or not config.class_channel:
        return np.zeros(len(pixels), np.float32)
    probabilities = np.zeros(len(pixels), np.float32)
    asked = np.flatnonzero(tissue >= config.background_share)
    for start in range(0, len(asked), 512):  # a memory-mapped store must not be copied whole
        some = asked[start : start + 512]
        probabilities[some] = classifier.probabilities(pixels[some])
    return class_values(
        probabilities, tissue, classifier.threshold, config.background_share, config.class_plane == "soft"
    )


def consistency(
    painter: Painter,
    synthetic: Any,
    source: Fields,
    classes: Floats,
    classifier: Classifier | None,
    config: CycleGanConfig,
) -> dict[str, float]:
    """Return whether the class shows in the result.

    class_consistency: share of synthetic patches to which the target stain's classifier gives the class they were
    painted with. label_flip: how much darker (summed optical density) patches become when painted as tumour instead
    of as normal tissue.
    """
    if classifier is None or not config.class_channel:
        return {}
    patches = np.concatenate([cut(picture, source.patch_px) for picture in synthetic])
    asked = source.tissue.ravel() >= config.background_share
    if not asked.any():
        return {}
    called = np.where(classifier.probabilities(patches[asked]) >= classifier.threshold, 1, -1)
    some = source.patches()[asked][:16]
    as_tumor, as_normal = (painter.tiles(some, np.full(len(some), sign, np.float32)) for sign in (1, -1))
    darker = optical_density_sum(as_tumor).mean() - optical_density_sum(as_normal).mean()
    return {
        "class_consistency": float((called == np.sign(classes.ravel()[asked])).mean()),
        "label_flip": float(darker),
    }


def _write_preview(run: Run, epoch: int, jpeg: bytes) -> None:
    if not run.writes:
        return
    path = f"previews/epoch-{epoch:04d}.jpg"
    write_whole(run.out / path, jpeg)
    run.reporter.preview(path, epoch)
