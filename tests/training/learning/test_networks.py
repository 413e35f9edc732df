import pytest
import torch
from torch import nn

from training.learning.conditioning import with_class
from training.learning.networks import (
    Discriminator,
    Generator,
    ResidualBlock,
    ResizedConv2d,
    ResNet,
    parameter_count,
)


@pytest.mark.parametrize(
    ("in_channels", "n_blocks", "expected"),
    [(4, 1, 1_940_035), (4, 6, 7_840_835), (4, 9, 11_381_315), (3, 1, 1_936_899), (3, 9, 11_378_179)],
)
def test_the_generator_has_the_parameters_of_table_2(in_channels: int, n_blocks: int, expected: int) -> None:
    assert parameter_count(Generator(in_channels, n_blocks=n_blocks)) == expected


@pytest.mark.parametrize(("in_channels", "expected"), [(4, 1_569_985), (3, 1_566_849)])
def test_the_discriminator_has_the_parameters_of_table_2(in_channels: int, expected: int) -> None:
    assert parameter_count(Discriminator(in_channels)) == expected


def test_the_convolutions_of_the_generator_are_those_of_table_2_in_order() -> None:
    convolutions = [
        (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0], m.padding[0], type(m).__name__)
        for m in Generator(3).modules()
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    ]
    assert convolutions == [
        (3, 64, 7, 1, 3, "Conv2d"),
        (64, 128, 3, 2, 1, "Conv2d"),
        (128, 256, 3, 2, 1, "Conv2d"),
        (256, 256, 3, 1, 1, "Conv2d"),
        (256, 256, 3, 1, 1, "Conv2d"),
        (256, 128, 3, 2, 1, "ConvTranspose2d"),
        (128, 64, 3, 2, 1, "ConvTranspose2d"),
        (64, 3, 7, 1, 3, "Conv2d"),
    ]


def test_the_convolutions_of_the_discriminator_are_those_of_table_2_in_order() -> None:
    convolutions = [
        (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0], m.padding[0])
        for m in Discriminator(3).modules()
        if isinstance(m, nn.Conv2d)
    ]
    assert convolutions == [
        (3, 64, 7, 1, 3),
        (64, 128, 3, 2, 1),
        (128, 256, 3, 2, 1),
        (256, 512, 3, 2, 1),
        (512, 1, 4, 1, 1),
    ]


def test_norms_have_neither_parameters_nor_running_statistics() -> None:
    norms = [m for m in Generator().modules() if isinstance(m, nn.InstanceNorm2d)]
    assert len(norms) == 7
    assert not any(norm.affine or norm.track_running_stats for norm in norms)


def test_other_norms_and_another_upsampling_leave_the_parameters_as_they_are() -> None:
    assert parameter_count(Generator(norm="none", upsampling="resized")) == parameter_count(Generator())
    assert parameter_count(Discriminator(norm="none")) == parameter_count(Discriminator())
    picture = Generator(ngf=4, norm="none", upsampling="resized")(torch.zeros(2, 4, 32, 40))
    assert picture.shape == (2, 3, 32, 40)


def test_a_resized_convolution_sees_every_pixel_twice_each_way() -> None:
    convolution = ResizedConv2d(1, 1, 3, 1, 1, bias=False)
    nn.init.constant_(convolution.weight, 1.0)
    ones = convolution(torch.ones(1, 1, 3, 3))
    assert ones.shape == (1, 1, 6, 6)
    assert (ones[0, 0, 1:-1, 1:-1] == 9).all()  # no checker: every inner pixel gets as much


def _middle(norm: str, glass: bool, sign: float) -> torch.Tensor:
    """Return the middle of a painted patch whose far corner is glass or not."""
    torch.manual_seed(0)
    generator = Generator(4, ngf=8, norm=norm).eval()
    patch = torch.rand(1, 3, 128, 128) - 0.5
    if glass:
        patch[..., :32, :32] = 1.0
    with torch.inference_mode():
        return generator(with_class(patch, torch.tensor([sign])))[..., 56:72, 56:72]


def test_without_norm_a_pixel_knows_its_class_and_nothing_of_what_lies_far_away() -> None:
    assert torch.equal(_middle("none", False, 1.0), _middle("none", True, 1.0))
    assert (_middle("none", False, 1.0) - _middle("none", False, -1.0)).abs().mean() > 0.01


def test_with_instance_norm_what_lies_far_away_changes_a_pixel() -> None:
    assert (_middle("instance", False, 1.0) - _middle("instance", True, 1.0)).abs().mean() > 0.01


def test_a_patch_of_four_channels_becomes_a_picture_of_three_and_one_logit() -> None:
    patch = torch.zeros(2, 4, 224, 224)
    with torch.inference_mode():
        picture = Generator(ngf=2)(patch)
        assert picture.shape == (2, 3, 224, 224)
        assert picture.abs().max() <= 1
        assert Discriminator(ndf=2)(patch).shape == (2, 1)
        assert Discriminator(ndf=2, average=False)(patch).shape == (2, 1, 27, 27)


def test_a_residual_block_adds_to_its_input() -> None:
    block = ResidualBlock(4)
    x = torch.randn(1, 4, 8, 8)
    assert torch.equal(block(x), x + block.body(x))


def test_resnet34_has_its_parameters() -> None:
    assert parameter_count(ResNet()) == 21_285_698
    assert parameter_count(ResNet(classes=1000)) == 21_797_672


def test_resnet34_is_monais_with_the_same_names_and_the_same_output() -> None:
    from monai.networks.nets.resnet import resnet34

    torch.manual_seed(0)
    theirs = resnet34(spatial_dims=2, n_input_channels=3, num_classes=2, conv1_t_stride=2, bias_downsample=False).eval()
    ours = ResNet().eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), theirs(x))


def test_the_features_are_what_the_last_layer_reads() -> None:
    net = ResNet(width=8, stages=(1, 1, 1, 1)).eval()
    x = torch.randn(3, 3, 32, 32)
    assert net.features(x).shape == (3, 64)
    assert torch.equal(net.fc(net.features(x)), net(x))
