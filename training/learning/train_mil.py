"""A run of kind `mil`: from a manifest to a classifier of one stain."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from training.learning import checkpoint
from training.learning.classifier import build_network, tumor_probabilities
from training.learning.config import MilConfig
from training.learning.data import Bags, load_bags
from training.learning.errors import CheckpointError, ManifestError, NotEnoughData, TrainingDiverged
from training.learning.folding import for_scoring
from training.learning.manifest import LABELS, Manifest
from training.learning.mil import draw_instances, judge, rank, select_instances, train_on_picks
from training.learning.networks import ResNet
from training.learning.run import Run, Ticker
from training.learning.store import held_on
from training.learning.weights import copy_of, is_number

NOT_INDEPENDENT = (
    "No independent validation: patches of the same case are trained on and validated on, so the validation figures "
    "are too good. Label another case to put this right."
)

VALIDATION_IS_EVALUATION = (
    "Validation equals evaluation: a case that chooses the best epoch is also held out to judge it, so its figures "
    "will be too good. Freeze a data set whose held-out cases are no validation cases."
)


def warn_of_splits(run: Run, manifest: Manifest) -> None:
    """Say loudly what a split by case would have kept apart."""
    if not manifest.independent_validation:
        run.reporter.warning(NOT_INDEPENDENT)
    if manifest.validation_is_evaluation:
        run.reporter.warning(VALIDATION_IS_EVALUATION)


def train_mil(
    run: Run, config: MilConfig, manifest: Manifest, stain: str, slides_root: Path, resume: Path | None
) -> None:
    """Train, write a checkpoint each epoch, and report the best one by validation.

    Raises:
        LearningError: the data set does not allow it, a file does not fit, or the loss is no longer a number.
        StopRequested: asked to stop; the state of the last whole epoch is on disk.
    """
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    net = build_network(config)
    if config.init_weights:
        load_imagenet_weights(net, Path(config.init_weights))
    elif config == MilConfig():
        run.reporter.warning("No init_weights are given: ResNet34 starts from random weights, not from ImageNet's.")
    net.to(run.compute.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy_of(net) if config.ema_decay else None
    optimizer = torch.optim.Adam(net.parameters(), config.learning_rate, weight_decay=config.weight_decay)

    metadata = {
        "kind": "mil",
        "config": config.to_dict(),
        "manifest": manifest.sha256,
        "stain": stain,
        "target_mpp": manifest.header.target_mpp,
        "patch_px": manifest.header.patch_px,
        "instance_px": manifest.header.instance_px,
        "independent_validation": manifest.independent_validation,
        "code_version": checkpoint.CODE_VERSION,
    }
    state_kind = metadata | {"kind": "mil-state"}
    check_bags(manifest, stain)
    saved = run.load_state(
        resume, "mil-state", **{key: metadata[key] for key in ("code_version", "config", "manifest", "stain")}
    )
    epochs_done = 0
    if saved is not None:
        epochs_done = _restore(saved, net, averaged, optimizer, rng)

    train, validation = run.compute.group.in_turn(
        lambda: [_load(run, config, manifest, stain, split, slides_root) for split in ("train", "validation")]
    )
    warn_of_splits(run, manifest)
    if len(set(validation.labels.tolist())) < 2:
        run.reporter.warning(
            f"All {len(validation.labels)} validation patches are {LABELS[validation.labels[0]]}: the best epoch is "
            "chosen by the errors of one class. Label patches of both classes in a validation case."
        )

    drawn_count = len(draw_instances(train.bag, config.instances_per_bag, np.random.default_rng()))
    steps = _steps(drawn_count, len(train.labels) * config.picks_per_bag, len(validation.bag), config)
    ticker = Ticker(run, steps * config.epochs, config.epochs, step=steps * epochs_done)
    for epoch in range(epochs_done + 1, config.epochs + 1):
        ticker.epoch, ticker.step = epoch, steps * (epoch - 1)
        losses = []
        for _ in range(config.rounds_per_epoch):
            ticker.message = f"Scoring {drawn_count} instances"
            drawn = draw_instances(train.bag, config.instances_per_bag, rng)
            scores = _score(run, averaged or net, train, drawn, config, ticker)
            picks = drawn[select_instances(scores, train.bag[drawn], config.picks_per_bag)]

            ticker.message = f"Training on {len(picks)} picks"
            labels = train.labels[train.bag[picks]]
            losses.append(
                train_on_picks(
                    net, averaged, optimizer, train.pixels, picks, labels, config, run.compute, rng, tick=ticker
                )
            )
            for trained in (net, averaged):
                if trained is not None:
                    run.compute.group.follow(trained)  # equal already, but for GPUs that add in another order
        loss = sum(losses) / len(losses)
        if not is_number(loss):
            raise TrainingDiverged(
                f"The loss of epoch {epoch} is {loss}; the epochs before it are kept. Lower learning_rate (now "
                f"{config.learning_rate}), or train in fp32."
            )

        ticker.message = "Validating"
        scores = _score(run, averaged or net, validation, np.arange(len(validation.bag)), config, ticker)
        figures = judge(scores, validation.bag, validation.labels, config)
        values = {"train_loss": loss} | {f"validation_{key}": value for key, value in figures.items()}
        tensors = checkpoint.weights_of(averaged or net, "classifier.")
        run.record_epoch(epoch, values, rank(figures, config), tensors, metadata | {"threshold": figures["threshold"]})
        _save_state(run, state_kind, epoch, net, averaged, optimizer, rng)
        if run.time_is_up(config.max_seconds):
            run.reporter.warning(f"Stopped after epoch {epoch} of {config.epochs}: {config.max_seconds} s have passed.")
            break

    run.finish(
        metadata
        | {
            "bags": {split: _counts(bags) for split, bags in (("train", train), ("validation", validation))},
            "parameters": sum(parameter.numel() for parameter in net.parameters()),
        }
    )


def check_bags(manifest: Manifest, stain: str) -> None:
    """Refuse a data set without this stain or without patches of both classes to train on.

    Raises:
        ManifestError: the manifest does not know the stain.
        NotEnoughData: no labelled patch, or patches of one class only.
    """
    if stain not in manifest.header.stains:
        raise ManifestError(f"The data set has no stain {stain!r}; it holds {', '.join(manifest.header.stains)}.")
    for split in ("train", "validation"):
        labels = {patch.label for patch in manifest.bags_of(stain, split)}
        if not labels:
            raise NotEnoughData(
                f"The data set has no labelled {stain} patch for {split}. Label patches of a case, and freeze again."
            )
        if split == "train" and len(labels) < 2:
            (only,) = labels
            raise NotEnoughData(
                f"All {stain} patches to train on are labelled {only}; a classifier needs both {' and '.join(LABELS)}. "
                "Label patches of the other class, and freeze again."
            )


def load_imagenet_weights(net: ResNet, path: Path) -> None:
    """Start from a file with torchvision's names; all tensors but the last layer's must be there and fit."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as broken:
        raise CheckpointError(f"init_weights {path.name} cannot be read as safetensors ({broken}).") from None
    last = {key: value for key, value in net.state_dict().items() if key.startswith("fc.")}
    kept = {key: value for key, value in tensors.items() if not key.startswith("fc.")} | last
    for key in net.state_dict():
        if key.endswith("num_batches_tracked"):  # files made before torch 0.4.1 lack it
            kept.setdefault(key, torch.tensor(0))
    checkpoint.load_weights(net, kept, "", path.name)


def _load(run: Run, config: MilConfig, manifest: Manifest, stain: str, split: str, slides_root: Path) -> Bags:
    def progress(done: int, total: int, what: str) -> None:
        run.reporter.progress(done, total + 1, 0, config.epochs, f"{what} ({split})")
        run.stop.check()

    bags = load_bags(
        manifest, stain, split, slides_root, run.store, config.background_share, config.input_reduction, progress
    )
    held = held_on(np.asarray(bags.pixels), run.compute.device)
    return bags if held is None else replace(bags, pixels=held)


def _score(
    run: Run, net: ResNet, bags: Bags, index: Any, config: MilConfig, ticker: Ticker
) -> np.ndarray[Any, np.dtype[np.float32]]:
    group = run.compute.group
    mine = tumor_probabilities(
        for_scoring(net),
        bags.pixels,
        index[group.share(len(index))],
        config.normalization,
        config.score_batch_size,
        run.compute,
        ticker,
    )
    return group.gather_shares(mine, len(index), run.compute.device)


def _steps(drawn: int, picks: int, validation: int, config: MilConfig) -> int:
    """Return the number of batches of an epoch, give or take a short last one."""
    round_steps = -(-drawn // config.score_batch_size) - (-picks // config.batch_size)
    return config.rounds_per_epoch * round_steps - (-validation // config.score_batch_size)


def _counts(bags: Bags) -> dict[str, int]:
    tumor = int(bags.labels.sum())
    return {"tumor": tumor, "normal": len(bags.labels) - tumor, "instances": len(bags.bag)}


def _save_state(
    run: Run,
    metadata: dict[str, Any],
    epoch: int,
    net: torch.nn.Module,
    averaged: torch.nn.Module | None,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
) -> None:
    randomness, random_tensors = checkpoint.random_states(rng)
    tensors = checkpoint.weights_of(net, "net.") | checkpoint.optimizer_tensors(optimizer, "optimizer.")
    if averaged is not None:
        tensors |= checkpoint.weights_of(averaged, "averaged.")
    run.save_state(tensors | random_tensors, metadata | {"epoch": epoch, "random": randomness})


def _restore(
    saved: tuple[dict[str, Any], dict[str, Tensor]],
    net: torch.nn.Module,
    averaged: torch.nn.Module | None,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
) -> int:
    """Put everything back and return the number of epochs that are done."""
    metadata, tensors = saved
    checkpoint.load_weights(net, tensors, "net.", "The state")
    if averaged is not None:
        checkpoint.load_weights(averaged, tensors, "averaged.", "The state")
    try:
        checkpoint.load_optimizer(optimizer, tensors, "optimizer.")
        checkpoint.restore_random_states(rng, metadata["random"], tensors)
        return int(metadata["epoch"])
    except (KeyError, TypeError, ValueError) as broken:
        raise CheckpointError(f"The state is incomplete ({broken}); start the run again without --resume.") from None
