import pytest
import torch
from torch import Tensor, nn

from training.learning import convolution
from training.learning.convolution import Conv2d, ConvTranspose2d, InstanceNorm2d
from training.learning.networks import Discriminator, Generator

# A layer's arguments and the picture that it sees: odd sizes, several pictures, no square.
LAYERS: dict[str, tuple[type[nn.Module], type[nn.Module], tuple[int, ...], tuple[int, ...]]] = {
    "7x7 from few channels": (Conv2d, nn.Conv2d, (4, 16, 7, 1, 3), (2, 4, 21, 13)),
    "7x7 to few channels": (Conv2d, nn.Conv2d, (16, 3, 7, 1, 3), (2, 16, 21, 13)),
    "3x3 that halves": (Conv2d, nn.Conv2d, (16, 24, 3, 2, 1), (2, 16, 22, 12)),
    "3x3 that halves an odd size": (Conv2d, nn.Conv2d, (16, 24, 3, 2, 1), (2, 16, 21, 13)),
    "3x3 that doubles": (ConvTranspose2d, nn.ConvTranspose2d, (24, 16, 3, 2, 1, 1), (2, 24, 11, 6)),
    "3x3 that keeps the size": (Conv2d, nn.Conv2d, (16, 24, 3, 1, 1), (2, 16, 10, 13)),
    "3x3 of whole tiles": (Conv2d, nn.Conv2d, (8, 8, 3, 1, 1), (1, 8, 8, 4)),
    "another kernel": (Conv2d, nn.Conv2d, (16, 1, 4, 1, 1), (2, 16, 10, 13)),
    "another number of channels": (Conv2d, nn.Conv2d, (12, 20, 3, 1, 1), (2, 12, 10, 13)),
    "norm": (InstanceNorm2d, nn.InstanceNorm2d, (16,), (3, 16, 10, 13)),
}


def drawn(name: str) -> tuple[nn.Module, nn.Module, Tensor]:
    """Return a layer of ours, torch's with the same weights, and a picture: the same ones each time."""
    kind, torchs, arguments, shape = LAYERS[name]
    torch.manual_seed(0)
    ours, theirs = kind(*arguments), torchs(*arguments)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs, torch.randn(shape)


@pytest.fixture()
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "LARGE", 0)


def passed(layer: nn.Module, x: Tensor) -> list[Tensor]:
    """Return what the layer makes of x, and the gradients of x and the parameters for one made-up way back."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    y = layer(x)
    y.backward(torch.linspace(-1, 1, y.numel()).reshape(y.shape).sin())
    found = [y.detach(), x.grad, *(parameter.grad for parameter in layer.parameters())]
    layer.zero_grad()
    return [tensor for tensor in found if tensor is not None]


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_and_its_gradients_are_those_of_torch(name: str, memory_format: torch.memory_format) -> None:
    ours, theirs, x = drawn(name)

    made, expected = passed(ours, x.contiguous(memory_format=memory_format)), passed(theirs, x)

    assert len(made) == len(expected)
    for one, other in zip(made, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=5e-5 * float(other.abs().max()))


@pytest.mark.parametrize("name", LAYERS)
def test_small_pictures_go_through_torchs_own_layers(name: str) -> None:
    ours, theirs, x = drawn(name)

    assert all(torch.equal(*pair) for pair in zip(passed(ours, x), passed(theirs, x), strict=True))


@pytest.mark.usefixtures("everything_is_large")
def test_in_bfloat16_the_layers_are_torchs_own() -> None:
    ours, theirs, x = drawn("3x3 that keeps the size")

    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        made, expected = ours(x), theirs(x)

    assert made.dtype == torch.bfloat16
    assert torch.equal(made, expected)


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_a_whole_network_and_its_gradients_are_those_of_torchs_layers(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    net = Generator(4, 16, 2) if name == "generator" else Discriminator(4, 16)
    x = torch.rand(2, 4, 40, 32) * 2 - 1
    expected = passed(net, x)
    monkeypatch.setattr(convolution, "LARGE", 0)
    made = passed(net, x)

    for one, other in zip(made, expected, strict=True):
        if one.dim() > 1:  # a bias before a norm changes nothing: its gradient is what rounding leaves of 0
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))


@pytest.mark.usefixtures("everything_is_large")
def test_a_norm_finds_small_deviations_far_from_zero() -> None:
    torch.manual_seed(0)
    x = (torch.randn(1, 16, 40, 30) * 0.01 + torch.linspace(-30, 30, 16)[:, None, None]).contiguous(
        memory_format=torch.channels_last
    )

    y = InstanceNorm2d(16)(x)

    exact = nn.InstanceNorm2d(16)(x.double())
    assert float((y.double() - exact).abs().max()) < 2e-3  # 30 / 0.01 units in the last place
