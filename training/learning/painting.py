"""Paint a picture tile by tile with a generator, without seams and in bounded memory.

A tile is a core with a halo on every side; the halo is painted and thrown away, but for a band of `blend_px` around
the core's border in which neighbouring tiles are mixed. Rows come out from the top down, as the pyramid writer wants.
Pixels are uint8 [H, W, 3] RGB.

Differs from the paper: it pastes patches edge to edge. Halo, blend, flowing statistics (normalization.py) and a class
that flows from tile to tile are ours; each can be switched off.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.learning.compute import Compute
from training.learning.conditioning import to_images, to_pixels, with_class
from training.learning.normalization import Flowing, between
from training.learning.store import Pixels

Floats = npt.NDArray[np.float32]
Read = Callable[[int, int, int, int], Pixels]  # x, y, width, height -> uint8 [height, width, 3], white outside
Classes = Callable[[int, list[int]], Floats]  # y and every x of tile centres -> class of each, in [-1, 1]


def core_within(core_px: int, patch_px: int) -> int:
    """Return the core's side, made smaller where it would hold more than one patch: a tile has one class."""
    return min(core_px, patch_px // 4 * 4)


@dataclass(frozen=True)
class _Row:
    """One row of tiles before it is painted. source: [side, columns * core + 2 * halo, 3]; classes: [columns]."""

    source: Pixels
    classes: Floats
    statistics: list[Tensor]
    """At every norm, mean and deviation of each tile, [columns, 2, C]; empty where tiles keep their own."""


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
    flowing_statistics: bool = False
    flowing_class: bool = False

    @cached_property
    def _flowing(self) -> Flowing:
        return Flowing(self.generator)

    def paint(
        self, read: Read, classes: Classes, width: int, height: int, tick: Callable[[], None] = lambda: None
    ) -> Iterator[Pixels]:
        """Yield the picture as strips [h, width, 3] from the top down; `tick` is called after each row of tiles."""
        core, blend, half = self.core_px, self.blend_px, self.blend_px // 2
        rows, columns = -(-height // core), -(-width // core)
        carried = np.zeros((blend, columns * core + blend, 3), np.float32)  # what the next row of tiles is mixed into
        looks_ahead = self.flowing_statistics or self.flowing_class
        following = above = self._row(read, classes, 0, width)
        for row in range(rows):
            first, last = row == 0, row == rows - 1
            current = following if looks_ahead or first else self._row(read, classes, row * core, width)
            following = current if last or not looks_ahead else self._row(read, classes, (row + 1) * core, width)
            # Rows row * core - half … row * core + core + half of the picture, as many columns beyond its left.
            strip = np.empty((core + blend, columns * core + blend, 3), np.uint8)
            ramp, left = self._ramp(first, last)[:, None, None], 0
            for part in self._row_of_tiles([above, current, following]):
                part *= ramp
                band = carried[:, left : left + part.shape[1]]
                part[:blend] += band
                band[:] = part[core:]
                strip[:, left : left + part.shape[1]] = np.rint(part, out=part).clip(0, 255, out=part)
                left += part.shape[1]
            above = replace(current, source=current.source[:0])
            top = half if first else 0
            bottom = min(core, height - row * core + half) if not last else height - row * core + half
            yield strip[top:bottom, half : half + width]
            del strip
            tick()

    def picture(self, read: Read, classes: Classes, width: int, height: int) -> Pixels:
        """Paint a whole picture at once."""
        return np.concatenate(list(self.paint(read, classes, width, height)))

    def _row(self, read: Read, classes: Classes, y: int, width: int) -> _Row:
        """Read a row of tiles, ask for its classes and, where they flow, measure its statistics."""
        core, halo, columns = self.core_px, self.halo_px, -(-width // self.core_px)
        source = read(-halo, y - halo, columns * core + 2 * halo, core + 2 * halo)
        of_column = classes(y + core // 2, [column * core + core // 2 for column in range(columns)])
        row = _Row(source, np.asarray(of_column, np.float32), [])
        if self.flowing_statistics:
            found = [self._measure(self._cut(source, chosen), row.classes[chosen]) for chosen in self._batches(columns)]
            row.statistics.extend(torch.cat(parts) for parts in zip(*found, strict=True))
        return row

    def _batches(self, columns: int) -> list[slice]:
        return [slice(at, min(at + self.batch_size, columns)) for at in range(0, columns, self.batch_size)]

    def _cut(self, source: Pixels, chosen: slice) -> Pixels:
        core, side = self.core_px, self.core_px + 2 * self.halo_px
        return np.stack([source[:, at * core : at * core + side] for at in range(chosen.start, chosen.stop)])

    def _row_of_tiles(self, rows: list[_Row]) -> Iterator[Floats]:
        """Paint the middle one of three rows of tiles and mix them from left to right.

        Yields parts [core + blend, w, 3] side by side, one for each batch: in floats, a whole row of a wide slide
        would take hundreds of megabytes.
        """
        core, halo, blend, half = self.core_px, self.halo_px, self.blend_px, self.blend_px // 2
        columns = len(rows[1].classes)
        kept = slice(halo - half, halo + core + half)
        carried = np.zeros((core + blend, blend, 3), np.float32)  # what the next batch is mixed into
        for chosen in self._batches(columns):
            tiles = self._cut(rows[1].source, chosen)
            if self.flowing_statistics or self.flowing_class:
                painted = self._flow(tiles, rows, chosen)[:, kept, kept]
            else:
                painted = self.tiles(tiles, rows[1].classes[chosen])[:, kept, kept]
            part = np.zeros((core + blend, len(tiles) * core + blend, 3), np.float32)
            part[:, :blend] = carried
            for place, tile in enumerate(painted):
                column = chosen.start + place
                ramp = self._ramp(column == 0, column == columns - 1)
                part[:, place * core : place * core + core + blend] += tile * ramp[:, None]
            carried = part[:, len(tiles) * core :].copy()
            yield part if chosen.stop == columns else part[:, : len(tiles) * core]

    @torch.inference_mode()
    def tiles(self, tiles: Pixels, classes: Floats) -> Pixels:
        """Paint tiles, uint8 [B, side, side, 3], each of its class, [B]."""
        with self.compute.memory_errors(f"{len(tiles)} tiles at a time"), self.compute.autocast():
            painted = self.generator(self._input(tiles, torch.from_numpy(np.asarray(classes, np.float32))))
        return to_pixels(painted)

    def _input(self, tiles: Pixels, classes: Tensor) -> Tensor:
        """Return what the generator sees; classes: [B], or a plane a tile, [B, side, side]."""
        images = to_images(tiles).to(self.compute.device)
        return with_class(images, classes.to(self.compute.device) if self.conditional else None)

    @torch.inference_mode()
    def _measure(self, tiles: Pixels, classes: Floats) -> list[Tensor]:
        with self.compute.memory_errors(f"{len(tiles)} tiles at a time"), self.compute.autocast():
            return self._flowing.measure(self._input(tiles, torch.from_numpy(classes)))

    @torch.inference_mode()
    def _flow(self, tiles: Pixels, rows: list[_Row], chosen: slice) -> Pixels:
        """Paint tiles of the middle row with what flows from their neighbours."""
        around = np.arange(chosen.start, chosen.stop)[:, None] + [-1, 0, 1]
        around = around.clip(0, len(rows[1].classes) - 1)  # [B, 3]
        share = self.core_px / tiles.shape[1]
        planes = torch.from_numpy(rows[1].classes[chosen])
        if self.flowing_class:
            known = torch.from_numpy(np.stack([row.classes[around] for row in rows], axis=1))  # [B, 3, 3]
            weights = between(tiles.shape[1], share, known.device)
            planes = torch.einsum("byx,hy,wx->bhw", known, weights, weights)
        with self.compute.memory_errors(f"{len(tiles)} tiles at a time"), self.compute.autocast():
            images = self._input(tiles, planes)
            if not self.flowing_statistics:
                return to_pixels(self.generator(images))
            columns = torch.from_numpy(around)
            tables = [
                torch.stack([of_row[columns] for of_row in norm], dim=1).permute(0, 3, 4, 1, 2)
                for norm in zip(*(row.statistics for row in rows), strict=True)
            ]  # [B, 3 rows, 3 columns, 2, C] -> [B, 2, C, 3, 3]
            return to_pixels(self._flowing.paint(images, tables, share))

    def _ramp(self, first: bool, last: bool) -> Floats:
        """Return the weight of each row (or column) of a kept tile; neighbours' weights add up to 1."""
        ramp = np.ones(self.core_px + self.blend_px, np.float32)
        rise = (np.arange(self.blend_px, dtype=np.float32) + 0.5) / max(self.blend_px, 1)
        if not first:
            ramp[: self.blend_px] = rise
        if not last:
            ramp[self.core_px :] = rise[::-1]
        return ramp
