import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from training.learning.compute import Compute
from training.learning.config import CycleGanConfig
from training.learning.cyclegan import (
    Batch,
    CycleGan,
    cycle_loss,
    discriminator_loss,
    generator_loss,
    learning_rate_factor,
)

SMALL = CycleGanConfig(ngf=4, ndf=4, learning_rate_g=1e-3, learning_rate_d=1e-3)
LOGITS = torch.tensor([[0.0], [2.0]])


def _batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 2, 3, 32, 32, generator=generator) * 2 - 1
    return Batch(images[0], images[1], torch.tensor([1.0, -1.0]), torch.tensor([-1.0, 1.0]))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_generators_are_judged_by_the_squared_error_of_the_logit() -> None:
    assert generator_loss(LOGITS, "logit").item() == pytest.approx((1 + 1) / 2)
    assert generator_loss(LOGITS, "lsgan").item() == pytest.approx((1 + 1) / 2)


def test_the_literal_reading_takes_the_squared_error_of_the_probability() -> None:
    assert generator_loss(LOGITS, "sigmoid").item() == pytest.approx((0.25 + (1 - _sigmoid(2)) ** 2) / 2)


def test_discriminators_are_judged_by_binary_cross_entropy() -> None:
    real, fake = torch.tensor([[2.0]]), torch.tensor([[1.0]])
    expected = 0.5 * (-math.log(_sigmoid(2)) - math.log(1 - _sigmoid(1)))
    assert discriminator_loss(real, fake, "logit").item() == pytest.approx(expected)
    assert discriminator_loss(real, fake, "sigmoid").item() == pytest.approx(expected)
    assert discriminator_loss(real, fake, "lsgan").item() == pytest.approx(0.5 * (1 + 1))


def test_the_cycle_loss_is_l1_unless_told_otherwise() -> None:
    back, original = torch.tensor([1.0, 0.0]), torch.tensor([0.5, 2.0])
    assert cycle_loss(back, original, "l1").item() == pytest.approx(1.25)
    assert cycle_loss(back, original, "mse").item() == pytest.approx((0.25 + 4) / 2)


def test_the_learning_rate_stays_then_falls_in_a_line() -> None:
    assert [learning_rate_factor(step, 10, 1.0) for step in (0, 9)] == [1.0, 1.0]
    assert [learning_rate_factor(step, 10, 0.6) for step in (0, 5, 6, 8, 9)] == pytest.approx([1, 1, 1, 0.5, 0.25])
    assert learning_rate_factor(0, 10, 0.0) == 1.0


def test_the_loss_of_the_generators_is_adversarial_plus_ten_times_cycle(cpu: Compute) -> None:
    torch.manual_seed(0)
    losses = CycleGan(SMALL, cpu).step(_batch(), 1.0, np.random.default_rng(0))
    expected = losses["adversarial"] + 10 * losses["cycle"]
    assert losses["generator"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert 0 <= losses["discriminator_accuracy"] <= 1


def test_a_step_trains_all_four_networks_and_the_rate_scales_it(cpu: Compute) -> None:
    torch.manual_seed(0)
    model = CycleGan(SMALL, cpu)
    nets = [model.g_target, model.g_source, model.d_target, model.d_source]
    before = [[p.clone() for p in net.parameters()] for net in nets]
    model.step(_batch(), 0.0, np.random.default_rng(0))
    for net, old in zip(nets, before, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(net.parameters(), old, strict=True))
    model.step(_batch(), 1.0, np.random.default_rng(0))
    for net, old in zip(nets, before, strict=True):
        assert not all(torch.equal(a, b) for a, b in zip(net.parameters(), old, strict=True))


def test_class_planes_reach_generators_and_discriminators_as_configured(cpu: Compute) -> None:
    def channels(config: CycleGanConfig) -> tuple[int, int]:
        model = CycleGan(config, cpu)
        return next(model.g_target.parameters()).shape[1], next(model.d_target.parameters()).shape[1]

    assert channels(SMALL) == (4, 4)
    assert channels(replace(SMALL, d_conditional=False)) == (4, 3)
    assert channels(replace(SMALL, class_channel=False)) == (3, 3)


def test_the_ablation_without_class_trains(cpu: Compute) -> None:
    batch = replace(_batch(), source_class=None, target_class=None)
    losses = CycleGan(replace(SMALL, class_channel=False), cpu).step(batch, 1.0, np.random.default_rng(0))
    assert all(bool(loss.isfinite()) for loss in losses.values())


def test_the_identity_loss_adds_its_share(cpu: Compute) -> None:
    def total(config: CycleGanConfig) -> tuple[float, float]:
        torch.manual_seed(0)
        losses = CycleGan(config, cpu).step(_batch(), 1.0, np.random.default_rng(0))
        return losses["generator"].item(), (losses["adversarial"] + 10 * losses["cycle"]).item()

    with_identity, without = total(replace(SMALL, identity_weight=0.5))
    assert with_identity > without + 1


def test_the_warm_start_teaches_the_generators_to_return_their_input(cpu: Compute) -> None:
    torch.manual_seed(0)
    model = CycleGan(SMALL, cpu)
    losses = [model.warm_step(_batch())["warm"].item() for _ in range(40)]
    assert losses[-1] < 0.8 * losses[0]


def test_the_averaged_generators_follow_slowly_and_are_what_is_saved(cpu: Compute) -> None:
    torch.manual_seed(0)
    model = CycleGan(replace(SMALL, ema_decay=0.75), cpu)
    first = model.g_target[0].weight.clone()  # type: ignore[index]
    model.step(_batch(), 1.0, np.random.default_rng(0))
    trained = model.g_target[0].weight  # type: ignore[index]
    shown = model.weights()["generator.0.weight"]
    torch.testing.assert_close(shown, 0.75 * first + 0.25 * trained)
    assert CycleGan(SMALL, cpu).weights().keys() == model.weights().keys()


def test_a_state_is_taken_over_exactly(cpu: Compute) -> None:
    config = replace(SMALL, ema_decay=0.9, pool_size=3)
    torch.manual_seed(0)
    one, rng = CycleGan(config, cpu), np.random.default_rng(0)
    one.warm_step(_batch())
    for _ in range(3):
        one.step(_batch(), 1.0, rng)
    other = CycleGan(config, cpu)
    other.restore({name: tensor.clone() for name, tensor in one.state().items()})
    for model in (one, other):
        rng = np.random.default_rng(7)
        for _ in range(3):
            model.step(_batch(), 0.5, rng)
    assert all(torch.equal(one.state()[name], other.state()[name]) for name in one.state())
    assert one.state().keys() == other.state().keys()
