import pytest
import torch

from training.learning.networks import Generator
from training.learning.normalization import Flowing, TableNorm, between

CPU = torch.device("cpu")


def test_a_tile_is_itself_at_its_middle_and_its_neighbour_at_the_neighbours_middle() -> None:
    weights = between(101, 0.4, CPU)
    assert weights[50].tolist() == [0, 1, 0]
    assert weights[0].tolist() == [1, 0, 0] and weights[100].tolist() == [0, 0, 1]
    assert torch.allclose(weights.sum(dim=1), torch.ones(101))


def test_two_tiles_agree_at_their_common_border() -> None:
    # The last pixel of one core and the first of the next: own and neighbour are half each, from both sides.
    weights = between(200, 0.5, CPU)
    right, left = weights[149], weights[50]
    assert right.tolist() == pytest.approx([0, 0.505, 0.495], abs=1e-3)
    assert left.tolist() == pytest.approx([0.495, 0.505, 0], abs=1e-3)


def test_without_a_table_it_is_instance_normalisation_and_keeps_what_it_measured() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 8, 8) * 4 + 1
    norm = TableNorm()
    torch.testing.assert_close(norm(x), torch.nn.InstanceNorm2d(3)(x), atol=1e-5, rtol=1e-5)
    assert norm.measured is not None
    torch.testing.assert_close(norm.measured[:, 0], x.mean(dim=(2, 3)))


def test_tiles_among_equals_are_painted_as_they_are_alone() -> None:
    torch.manual_seed(0)
    generator = Generator(4, ngf=4).eval()
    x = torch.randn(2, 4, 32, 32)
    with torch.inference_mode():
        flowing = Flowing(generator)
        tables = [found[..., None, None].expand(-1, -1, -1, 3, 3) for found in flowing.measure(x)]
        torch.testing.assert_close(flowing.paint(x, tables, 0.5), generator(x), atol=1e-5, rtol=1e-4)


def test_the_generator_itself_keeps_its_norms() -> None:
    generator = Generator(4, ngf=4, n_blocks=2)
    flowing = Flowing(generator)
    assert len(flowing.norms) == 9
    assert sum(isinstance(module, torch.nn.InstanceNorm2d) for module in generator.modules()) == 9
