"""Instance normalisation with statistics that flow from tile to tile, so that tiles of one slide join.

Instance normalisation takes mean and deviation from the picture it is given: a tile beside a lumen is normalised
differently from its neighbour, and the border shows. Here every tile is first run once to measure its statistics at
each norm; it is then painted with statistics that are interpolated, pixel by pixel, between its own at its middle and
those of its eight neighbours at theirs (after Ho et al. 2022, "Ultra-High-Resolution Unpaired Stain Transformation via
Kernelized Instance Normalization", and its successor, dense normalisation). The generator needs no further training.
"""

import copy

import torch
from torch import Tensor, nn

EPSILON = 1e-5


class TableNorm(nn.Module):
    """An instance norm that measures, or normalises with a table of statistics given from outside."""

    def __init__(self) -> None:
        """Start by measuring."""
        super().__init__()
        self.measured: Tensor | None = None  # [B, 2, C]: mean and deviation of the tiles just seen
        self.table: Tensor | None = None  # [B, 2, C, 3, 3]: those of each tile and its neighbours
        self.core_share = 1.0  # the distance of two tiles' middles, as a share of a tile's side

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [B, C, H, W]."""
        if self.table is None:
            found = [
                torch.native_batch_norm(tile, None, None, None, None, True, 0.0, EPSILON) for tile in x.float()[:, None]
            ]
            normed = torch.cat([tile for tile, _, _ in found])
            mean, deviation = (torch.stack(parts) for parts in zip(*((m, 1 / d) for _, m, d in found), strict=True))
            self.measured = torch.stack([mean, deviation], dim=1)
        else:
            rows, columns = (between(side, self.core_share, x.device) for side in x.shape[2:])
            # One tile at a time, and rows before columns: the maps of a batch would not fit into a processor's cache.
            tiles = []
            for tile, table in zip(x.float().permute(0, 2, 3, 1), self.table, strict=True):
                down = torch.einsum("scyx,hy->shxc", table, rows)  # [2, H, 3, C]
                mean, deviation = (columns @ down).unbind()  # [W, 3] x [2, H, 3, C] -> [2, H, W, C]
                tiles.append(torch.sub(tile, mean, out=mean).div_(deviation))
            normed = torch.stack(tiles).permute(0, 3, 1, 2)
        return normed.to(x.dtype)


def between(side: int, core_share: float, device: torch.device) -> Tensor:
    """Return the weights of a tile's neighbours at each of its pixels, [side, 3]: before, own, after; they add up to 1.

    At its middle a tile is itself; at a neighbour's middle, and beyond, it is that neighbour.
    """
    place = ((torch.arange(side, device=device) + 0.5) / side - 0.5) / core_share
    place = place.clamp(-1, 1)[:, None]
    return (1 - (place - torch.tensor([-1.0, 0.0, 1.0], device=device)).abs()).clamp(min=0)


class Flowing:
    """A copy of a generator whose norms measure and take tables. The generator itself is left as it is."""

    def __init__(self, generator: nn.Module) -> None:
        """Copy the generator and replace its norms."""
        self.net = copy.deepcopy(generator)
        self.norms: list[TableNorm] = []
        self._replace(self.net)

    def _replace(self, module: nn.Module) -> None:
        for name, child in module.named_children():
            if isinstance(child, nn.InstanceNorm2d):
                norm = TableNorm()
                setattr(module, name, norm)
                self.norms.append(norm)
            else:
                self._replace(child)

    def measure(self, x: Tensor) -> list[Tensor]:
        """Return the statistics of tiles [B, C, H, W] at every norm, [B, 2, C] each."""
        for norm in self.norms:
            norm.table = None
        self.net(x)
        return [norm.measured for norm in self.norms if norm.measured is not None]

    def paint(self, x: Tensor, tables: list[Tensor], core_share: float) -> Tensor:
        """Paint tiles with the statistics of themselves and their neighbours, [B, 2, C, 3, 3] at every norm."""
        for norm, table in zip(self.norms, tables, strict=True):
            norm.table, norm.core_share = table, core_share
        painted: Tensor = self.net(x)
        return painted
