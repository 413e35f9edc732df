import numpy as np
import torch

from training.learning.sampling import ImagePool, Sampler


def test_every_patch_is_shown_once_before_any_is_shown_again() -> None:
    rng = np.random.default_rng(0)
    sampler = Sampler(np.zeros(5, bool), -1.0)
    for _ in range(3):
        assert sorted(sampler.draw(rng) for _ in range(5)) == [0, 1, 2, 3, 4]


def test_a_share_of_the_draws_goes_to_background() -> None:
    rng = np.random.default_rng(0)
    background = np.array([True] * 90 + [False] * 10)
    drawn = np.array([Sampler(background, 0.0).draw(rng) for _ in range(50)])
    assert (drawn >= 90).all()
    sampler = Sampler(background, 0.25)
    drawn = np.array([sampler.draw(rng) for _ in range(4000)])
    assert 0.22 < (drawn < 90).mean() < 0.28


def test_a_share_of_the_draws_goes_to_tumour() -> None:
    rng = np.random.default_rng(0)
    patch = np.arange(100)
    sampler = Sampler(patch < 50, 0.1, patch >= 95, 0.6)
    drawn = np.array([sampler.draw(rng) for _ in range(4000)])
    assert 0.08 < (drawn < 50).mean() < 0.12
    assert 0.57 < (drawn >= 95).mean() < 0.63
    assert set(drawn) == set(range(100))


def test_a_share_of_tumour_is_ignored_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    sampler = Sampler(np.array([True, False, False]), 0.25, np.zeros(3, bool), 0.6)
    drawn = np.array([sampler.draw(rng) for _ in range(4000)])
    assert 0.22 < (drawn == 0).mean() < 0.28


def test_where_all_is_tissue_the_share_is_ignored() -> None:
    sampler = Sampler(np.zeros(3, bool), 0.5)
    assert sorted(sampler.draw(np.random.default_rng(0)) for _ in range(3)) == [0, 1, 2]


def test_a_sampler_goes_on_exactly_where_it_was() -> None:
    background = np.array([True, False] * 4)
    one, other = Sampler(background, 0.3), Sampler(background, 0.3)
    rng = np.random.default_rng(1)
    for _ in range(5):
        one.draw(rng)
    other.restore({name: tensor.clone() for name, tensor in one.state("a.").items()}, "a.")
    twin = np.random.default_rng(2)
    rng = np.random.default_rng(2)
    assert [one.draw(rng) for _ in range(20)] == [other.draw(twin) for _ in range(20)]


def test_the_pool_gives_back_new_images_until_it_is_full_and_then_mixes_in_earlier_ones() -> None:
    rng = np.random.default_rng(0)
    pool = ImagePool(3)
    shown = [pool.exchange(torch.full((1, 1, 1, 1), float(n)), rng).item() for n in range(60)]
    assert shown[:3] == [0, 1, 2]
    assert len(pool.images) == 3
    earlier = sum(image < n for n, image in enumerate(shown[3:], start=3))
    assert 15 < earlier < 45
    assert len(shown) - len(set(shown)) <= 3  # only the first three go out new and come back once


def test_a_pool_of_zero_keeps_nothing() -> None:
    images = torch.rand(2, 1, 1, 1)
    assert ImagePool(0).exchange(images, np.random.default_rng(0)) is images


def test_a_pool_is_restored_in_order() -> None:
    pool, other = ImagePool(12), ImagePool(12)
    pool.exchange(torch.arange(11.0).view(11, 1, 1, 1), np.random.default_rng(0))
    other.restore(pool.state("pool."), "pool.", torch.device("cpu"))
    assert [image.item() for image in other.images] == list(range(11))
