"""Untrained networks and their checkpoints for the tests of the learning core."""

from pathlib import Path

import torch

from tests.training.learning.drawing import INSTANCE_PX, MPP, PATCH_PX
from training.learning import checkpoint
from training.learning.classifier import Classifier, build_network
from training.learning.compute import Compute
from training.learning.config import CycleGanConfig, MilConfig
from training.learning.networks import Generator

MIL = MilConfig(width=8, stages=(1, 1, 1, 1))
GAN = CycleGanConfig(ngf=4, ndf=4)


def classifier_of(stain: str, compute: Compute) -> Classifier:
    torch.manual_seed(0)
    net = build_network(MIL).eval()
    return Classifier(net, MIL, stain, MPP, PATCH_PX, INSTANCE_PX, 0.5, "c" * 64, compute)


def save_classifier(path: Path, stain: str = "HE", **changes: object) -> checkpoint.Saved:
    torch.manual_seed(0)
    metadata = {
        "kind": "mil",
        "config": MIL.to_dict(),
        "stain": stain,
        "target_mpp": MPP,
        "patch_px": PATCH_PX,
        "instance_px": INSTANCE_PX,
        "threshold": 0.5,
    }
    return checkpoint.save(path, checkpoint.weights_of(build_network(MIL), "classifier."), metadata | changes)


def save_generator(path: Path, classifier_sha256: str | None, **changes: object) -> checkpoint.Saved:
    torch.manual_seed(0)
    metadata = {
        "kind": "cyclegan",
        "config": GAN.to_dict(),
        "stains": ["HE", "KI67"],
        "target_mpp": MPP,
        "instance_px": INSTANCE_PX,
        "classifiers": [classifier_sha256, None],
        "epoch": 7,
    }
    net = Generator(4, GAN.ngf, GAN.n_blocks)
    return checkpoint.save(path, checkpoint.weights_of(net, "generator."), metadata | changes)
