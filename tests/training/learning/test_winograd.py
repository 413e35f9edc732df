import numba
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.learning import winograd
from training.learning.channels_last import pixels_of
from training.learning.layer_kernels import moments
from training.learning.winograd_kernels import pixels_to_planes, planes_to_pixels


def drawn(*shape: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return pictures of a shape, a kernel from their channels to 24, and its bias: the same ones each time."""
    torch.manual_seed(0)
    x = torch.randn(shape).to(memory_format=torch.channels_last)
    return x, torch.randn(24, shape[1], 3, 3) / (3 * shape[1] ** 0.5), torch.randn(24)


@pytest.mark.parametrize("band", [1.0, 3e5, 1e9])
@pytest.mark.parametrize("shape", [(3, 16, 10, 13), (2, 8, 8, 4), (1, 16, 1, 2)])
def test_pictures_are_convolved_as_by_torch_in_bands_of_any_size(
    band: float, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "BAND", band)
    x, kernel, bias = drawn(*shape)

    made = winograd.convolved(x, winograd.prepared(kernel), bias)

    torch.testing.assert_close(made, F.conv2d(x, kernel, bias, padding=1), rtol=1e-4, atol=1e-5)


def test_a_skip_is_added_and_the_sum_rectified() -> None:
    x, kernel, bias = drawn(2, 24, 10, 13)

    made = winograd.convolved(x, winograd.prepared(kernel), bias, added=x, rectified=True)

    expected = F.relu(F.conv2d(x, kernel, bias, padding=1) + x)
    assert 0.3 < float((expected == 0).float().mean()) < 0.7
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-5)


def test_the_transforms_find_the_same_bits_with_any_number_of_threads() -> None:
    x = pixels_of(drawn(2, 16, 21, 13)[0])
    found = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):  # type: ignore[attr-defined]
        numba.set_num_threads(threads)
        planes, back = torch.empty(36, 2 * 6 * 4, 16), torch.zeros(x.shape)
        pixels_to_planes(x.numpy(), planes.numpy(), 0)
        planes_to_pixels(planes.numpy(), back.numpy())
        flat = x.flatten(1, 2).numpy()
        found.append([planes.numpy(), back.numpy(), moments(flat, flat, flat[:, 0], flat[:, 1])])

    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def test_it_is_used_for_large_pictures_of_many_channels_in_float32_only() -> None:
    layer = nn.Conv2d(64, 64, 3, 1, 1)
    large = torch.zeros(1, 64, 56, 56)

    assert winograd.is_fast(large, layer)
    assert not winograd.is_fast(large[:, :, :28], layer)
    assert not winograd.is_fast(large.bfloat16(), layer)
    with torch.autocast("cpu", torch.bfloat16):
        assert not winograd.is_fast(large, layer)
    for other in (
        nn.Conv2d(64, 64, 3, 2, 1),
        nn.Conv2d(64, 64, 3, 1, 0),
        nn.Conv2d(64, 64, 1),
        nn.Conv2d(64, 8, 3, 1, 1),
    ):
        assert not winograd.is_fast(large, other)
