"""In which order patches are shown, and which earlier synthetic ones are shown again."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Index = npt.NDArray[np.int64]


class Sampler:
    """Goes through the patches of one stain in random order, again and again.

    With `background_draws` of 0 or more, that share of the draws goes to background patches, whatever their number.
    """

    def __init__(self, is_background: npt.NDArray[np.bool_], background_draws: float) -> None:
        """Draw from len(is_background) patches."""
        everything = np.arange(len(is_background), dtype=np.int64)
        self._share = background_draws
        decks = [everything]
        if background_draws >= 0 and is_background.any() and not is_background.all():
            decks = [everything[~is_background], everything[is_background]]
        self._decks = decks
        self._orders = [np.empty(0, np.int64) for _ in decks]
        self._places = [0 for _ in decks]

    def draw(self, rng: np.random.Generator) -> int:
        """Return the next patch."""
        deck = int(rng.random() < self._share) if len(self._decks) == 2 else 0
        if self._places[deck] == len(self._orders[deck]):
            self._orders[deck] = rng.permutation(self._decks[deck])
            self._places[deck] = 0
        self._places[deck] += 1
        return int(self._orders[deck][self._places[deck] - 1])

    def state(self, prefix: str) -> dict[str, Tensor]:
        """Return the position, for the resume state."""
        named = zip(self._orders, self._places, strict=True)
        state: dict[str, Tensor] = {}
        for deck, (order, place) in enumerate(named):
            state[f"{prefix}{deck}.order"] = torch.from_numpy(order.copy())
            state[f"{prefix}{deck}.place"] = torch.tensor(place)
        return state

    def restore(self, tensors: Mapping[str, Tensor], prefix: str) -> None:
        """Go on from a position."""
        for deck in range(len(self._decks)):
            self._orders[deck] = tensors[f"{prefix}{deck}.order"].numpy().copy()
            self._places[deck] = int(tensors[f"{prefix}{deck}.place"])


class ImagePool:
    """Earlier synthetic patches, so that a discriminator does not forget them (Shrivastava et al. 2017; CycleGAN).

    Each patch that comes in goes out itself or, half of the time once the pool is full, takes the place of an earlier
    one that goes out instead.
    """

    def __init__(self, size: int) -> None:
        """Keep `size` patches; 0 keeps none."""
        self.size = size
        self.images: list[Tensor] = []

    def exchange(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Return as many patches as come in, [B, C, H, W]."""
        if self.size == 0:
            return images
        out = []
        for image in images.detach():
            if len(self.images) < self.size:
                self.images.append(image)
            elif rng.random() < 0.5:
                place = int(rng.integers(self.size))
                image, self.images[place] = self.images[place], image
            out.append(image)
        return torch.stack(out)

    def state(self, prefix: str) -> dict[str, Tensor]:
        """Return the patches, for the resume state."""
        return {f"{prefix}{number}": image for number, image in enumerate(self.images)}

    def restore(self, tensors: Mapping[str, Tensor], prefix: str, device: torch.device) -> None:
        """Put the patches back in their places."""
        count = sum(key.startswith(prefix) for key in tensors)
        self.images = [tensors[f"{prefix}{number}"].to(device) for number in range(count)]
