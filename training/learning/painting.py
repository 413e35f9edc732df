"""Paint a picture tile by tile with a generator, without seams and in bounded memory.

A tile is a core with a halo on every side; the halo is painted and thrown away, but for a band of `blend_px` around
the core's border in which neighbouring tiles are mixed. Rows come out from the top down, as the pyramid writer wants.
Pixels are uint8 [H, W, 3] RGB. Xu et al. 2020 paste patches edge to edge: `Differs from the paper:` in halo and blend.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from training.learning.compute import Compute
from training.learning.conditioning import to_images, to_pixels, with_class
from training.learning.store import Pixels

Floats = npt.NDArray[np.float32]
Read = Callable[[int, int, int, int], Pixels]  # x, y, width, height -> uint8 [height, width, 3], white outside
Classes = Callable[[int, list[int]], Floats]  # y and every x of tile centres -> class of each, in [-1, 1]


def core_within(core_px: int, patch_px: int) -> int:
    """Return the core's side, made smaller where it would hold more than one patch: a tile has one class."""
    return min(core_px, patch_px // 4 * 4)


@dataclass(frozen=True)
class Painter:
    """A generator with the tiling it paints with."""

    generator: nn.Module
    conditional: bool
    core_px: int
    halo_px: int
    blend_px: int
    batch_size: int
    compute: Compute

    def paint(
        self, read: Read, classes: Classes, width: int, height: int, tick: Callable[[], None] = lambda: None
    ) -> Iterator[Pixels]:
        """Yield the picture as strips [h, width, 3] from the top down; `tick` is called after each row of tiles."""
        core, blend, half = self.core_px, self.blend_px, self.blend_px // 2
        rows = -(-height // core)
        carried = np.zeros((blend, width, 3), np.float32)  # the band that the next row of tiles is mixed into
        for row in range(rows):
            first, last = row == 0, row == rows - 1
            # Rows row * core - half … row * core + core + half of the picture.
            strip = self._row_of_tiles(read, classes, row * core, width) * self._ramp(first, last)[:, None, None]
            strip[:blend] += carried
            carried = strip[core:].copy()
            top = half if first else 0
            bottom = min(core, height - row * core + half) if not last else height - row * core + half
            yield np.rint(strip[top:bottom]).clip(0, 255).astype(np.uint8)
            tick()

    def picture(self, read: Read, classes: Classes, width: int, height: int) -> Pixels:
        """Paint a whole picture at once."""
        return np.concatenate(list(self.paint(read, classes, width, height)))

    def _row_of_tiles(self, read: Read, classes: Classes, y: int, width: int) -> Floats:
        """Paint one row of tiles and mix them from left to right: float32 [core + blend, width, 3]."""
        core, halo, blend, half = self.core_px, self.halo_px, self.blend_px, self.blend_px // 2
        side, columns = core + 2 * halo, -(-width // core)
        source = read(-halo, y - halo, columns * core + 2 * halo, side)
        of_column = classes(y + core // 2, [column * core + core // 2 for column in range(columns)])
        strip = np.zeros((core + blend, columns * core + blend, 3), np.float32)
        kept = slice(halo - half, halo + core + half)
        for start in range(0, columns, self.batch_size):
            chosen = range(start, min(start + self.batch_size, columns))
            tiles = np.stack([source[:, column * core : column * core + side] for column in chosen])
            painted = self.tiles(tiles, of_column[chosen.start : chosen.stop])[:, kept, kept]
            for column, tile in zip(chosen, painted, strict=True):
                ramp = self._ramp(column == 0, column == columns - 1)
                strip[:, column * core : column * core + core + blend] += tile * ramp[:, None]
        return strip[:, half : half + width]

    @torch.inference_mode()
    def tiles(self, tiles: Pixels, classes: Floats) -> Pixels:
        """Paint tiles, uint8 [B, side, side, 3], each of its class, [B]."""
        images = to_images(tiles).to(self.compute.device)
        planes = torch.from_numpy(np.asarray(classes, np.float32)).to(self.compute.device) if self.conditional else None
        with self.compute.memory_errors(f"{len(tiles)} tiles at a time"), self.compute.autocast():
            painted = self.generator(with_class(images, planes))
        return to_pixels(painted)

    def _ramp(self, first: bool, last: bool) -> Floats:
        """Return the weight of each row (or column) of a kept tile; neighbours' weights add up to 1."""
        ramp = np.ones(self.core_px + self.blend_px, np.float32)
        rise = (np.arange(self.blend_px, dtype=np.float32) + 0.5) / max(self.blend_px, 1)
        if not first:
            ramp[: self.blend_px] = rise
        if not last:
            ramp[self.core_px :] = rise[::-1]
        return ramp
