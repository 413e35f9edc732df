"""In which order patches are shown, and which earlier synthetic ones are shown again."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Index = npt.NDArray[np.int64]


class Sampler:
    """Goes through the patches of one stain in random order, again and again.

    A kind of patch that is given a share gets that share of the draws, whatever its number; what is left is drawn
    alike. A share of -1 is none. Where a kind has no patch, or there is no other, its share is ignored.
    """

    def __init__(
        self,
        is_background: npt.NDArray[np.bool_],
        background_draws: float = -1.0,
        is_tumor: npt.NDArray[np.bool_] | None = None,
        tumor_draws: float = -1.0,
    ) -> None:
        """Draw from len(is_background) patches. Background is never tumour."""
        is_tumor = np.zeros_like(is_background) if is_tumor is None else is_tumor & ~is_background
        rest = np.ones_like(is_background)
        self._decks: list[Index] = []
        self._shares: list[float] = []
        for members, share in ((is_background, background_draws), (is_tumor, tumor_draws)):
            if share >= 0 and members.any() and not members.all():
                self._decks.append(np.flatnonzero(members))
                self._shares.append(share)
                rest &= ~members
        if rest.any():
            self._decks.append(np.flatnonzero(rest))
            self._shares.append(1 - sum(self._shares))
        self._orders = [np.empty(0, np.int64) for _ in self._decks]
        self._places = [0 for _ in self._decks]

    def draw(self, rng: np.random.Generator) -> int:
        """Return the next patch."""
        deck = 0
        if len(self._decks) > 1:
            bounds = np.cumsum(self._shares)
            deck = min(int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right")), len(self._decks) - 1)
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
