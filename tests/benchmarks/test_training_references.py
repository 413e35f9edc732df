import torch

from benchmarks.training_references import EagerCycleGan, PatchGan
from training.learning.networks import parameter_count


def test_the_classic_discriminator_is_the_one_of_70_px_patches() -> None:
    assert parameter_count(PatchGan()) == 2_764_737
    with torch.inference_mode():
        assert PatchGan()(torch.zeros(1, 3, 224, 224)).shape == (1, 1, 26, 26)


def test_the_references_train_the_networks_that_they_say() -> None:
    ours, classic = EagerCycleGan(classic=False), EagerCycleGan(classic=True)
    assert [parameter_count(net) for net in (ours.g_ab, ours.d_a)] == [1_940_035, 1_569_985]
    assert [parameter_count(net) for net in (classic.g_ab, classic.d_a)] == [11_378_179, 2_764_737]


def test_a_step_of_a_reference_changes_all_four_networks() -> None:
    reference = EagerCycleGan(classic=False)
    nets = (reference.g_ab, reference.g_ba, reference.d_a, reference.d_b)
    before = [next(net.parameters()).clone() for net in nets]
    reference.step(*torch.rand(2, 1, 3, 32, 32).mul(2).sub(1).unbind())
    assert not any(torch.equal(old, next(net.parameters())) for old, net in zip(before, nets, strict=True))
