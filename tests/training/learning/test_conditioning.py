import numpy as np
import torch

from training.learning.conditioning import class_values, to_images, to_pixels, with_class

PROBABILITIES = np.array([0.2, 0.5, 0.9, 0.9], np.float32)
TISSUE = np.array([1.0, 1.0, 1.0, 0.04], np.float32)


def test_the_class_is_a_constant_fourth_plane() -> None:
    images = torch.rand(2, 3, 4, 5)
    seen = with_class(images, torch.tensor([-1.0, 1.0]))
    assert seen.shape == (2, 4, 4, 5)
    assert torch.equal(seen[:, :3], images)
    assert torch.equal(seen[0, 3], torch.full((4, 5), -1.0))
    assert torch.equal(seen[1, 3], torch.ones(4, 5))


def test_without_class_the_images_stay_as_they_are() -> None:
    images = torch.rand(1, 3, 4, 4)
    assert with_class(images, None) is images


def test_the_hard_class_is_plus_one_from_the_threshold_and_background_is_normal() -> None:
    assert class_values(PROBABILITIES, TISSUE, 0.5, 0.05).tolist() == [-1, 1, 1, -1]


def test_the_soft_class_is_twice_the_probability_minus_one() -> None:
    soft = class_values(PROBABILITIES, TISSUE, 0.5, 0.05, soft=True)
    np.testing.assert_allclose(soft, [-0.6, 0, 0.8, -1], atol=1e-6)


def test_every_grey_level_survives_the_way_to_the_network_and_back() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    images = to_images(pixels)
    assert images.shape == (1, 3, 16, 16)
    assert (images.min(), images.max()) == (-1, 1)
    assert np.array_equal(to_pixels(images), pixels)
