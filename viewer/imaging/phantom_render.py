"""Draw a window of a section: fields and nuclei first, then stain and light per pixel (`phantom_kernels`).

Slow fields are read on a lattice that is aligned to absolute coordinates, textures are periodic in absolute
coordinates, and a halo of drawn surroundings is cut off, so windows join without a seam.
"""

from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from . import phantom_kernels as kernels
from .phantom_fields import LATTICE_PX, MARGIN_PX, Field, ramp, wrapped
from .phantom_kernels import SLOW_PX
from .phantom_nuclei import LYMPHOID, Kind
from .reader import Picture
from .stain import DAB, EOSIN, HAEMATOXYLIN, unit

if TYPE_CHECKING:
    from .phantom import TissueBlock

Stain = Literal["HE", "HDAB"]

# Fixed-point bits of OpenCV's drawing functions.
SHIFT = 4
FIXED = 1 << SHIFT
# How far the texture of the second section is shifted: same statistics, other grain.
OTHER_SECTION_PX = 137
# Decadic density per unit of stain, in natural logarithms.
DENSITY = 1.25 * np.log(10)
VECTORS = np.stack([unit(vector) for vector in (HAEMATOXYLIN, EOSIN, DAB)]) * DENSITY
# The lamp through glass: white, a little bluish.
LAMP = np.array([242.5, 241.8, 243.0])
OPTICS_SIGMA_PX = 0.55
TEXTURES = ("chromatin", "fine", "cytoplasm", "fibre", "grain")
LONGEST_STROMA = 1.9
LARGEST_RADIUS = 12.0
# Half micrometres: two windows could disagree about the nearest nucleus beyond the halo.
BORDER_REACH = 36


class SectionPainter:
    """Paints windows of one section of a block."""

    def __init__(self, block: "TissueBlock", cut: Literal["HE", "KI67"]) -> None:
        """Choose the section."""
        self.block, self.cut = block, cut
        self.section = block.section(cut)
        self.scale = block.scale
        self.halo = SLOW_PX * round((24 + 48 * self.scale) / SLOW_PX)
        self.texture_shift = 0 if cut == "HE" else OTHER_SECTION_PX

    def paint(self, stain: Stain, y0: int, x0: int, height: int, width: int) -> Picture:
        """Draw a window, `uint8 [height, width, 3] RGB`."""
        top, left = y0 - self.halo, x0 - self.halo
        high, wide = height + 2 * self.halo, width + 2 * self.halo
        light = kernels.section_light(
            top,
            left,
            self._slow_fields(top, left, high, wide),
            self.block.textures,
            self._nuclear_layers(top, left, high, wide),
            self.texture_shift,
            stain == "HE",
            self.block.counterstain,
            self.block.dab_strength,
            VECTORS,
            LAMP,
        )
        light = cv2.GaussianBlur(light, (0, 0), OPTICS_SIGMA_PX)[self.halo : -self.halo, self.halo : -self.halo]
        return np.asarray(kernels.camera(light, y0, x0, self.block.textures, self.texture_shift), np.uint8)

    def _slow_fields(self, y0: int, x0: int, height: int, width: int) -> Field:
        """Read the fields that `section_light` wants on its lattice, `float32 [5, rows, columns]`."""
        block, fields = self.block, self.block.fields
        x, y = np.meshgrid(
            (np.arange(width // SLOW_PX + 3, dtype=np.float32) + x0 // SLOW_PX) * SLOW_PX,
            (np.arange(height // SLOW_PX + 3, dtype=np.float32) + y0 // SLOW_PX) * SLOW_PX,
        )
        if self.cut == "KI67":
            x, y = block.to_block(x, y)
        at_x, at_y = (x + MARGIN_PX) / LATTICE_PX, (y + MARGIN_PX) / LATTICE_PX
        swirl_x, swirl_y = (fields.sample_maps(field, at_x, at_y) for field in (fields.swirl_x, fields.swirl_y))
        return np.stack(
            [
                fields.sample_maps(fields.tissue, at_x, at_y),
                fields.sample_maps(fields.tumor, at_x, at_y),
                ramp(wrapped(block.lymphoid, x * 0.25, y * 0.25) - np.float32(LYMPHOID), 8),
                x + swirl_y * 1.4 + 0.08 * self.texture_shift,
                y + swirl_x * 1.8,
            ]
        ).astype(np.float32)

    def _nuclear_layers(self, y0: int, x0: int, height: int, width: int) -> Field:
        """Draw bodies, rims, nucleoli, outlines, DAB and cell borders of all nuclei in reach, `float32 [6, H, W]`."""
        section, scale = self.section, self.scale
        reach = LARGEST_RADIUS * LONGEST_STROMA * scale + 4
        near = section.near(x0 + width / 2, y0 + height / 2, float(np.hypot(height, width)) / 2 + reach)
        points = section.points[near] - [x0, y0]
        inside = ((points > -reach) & (points < np.array([width, height]) + reach)).all(axis=1)
        near, points = near[inside], points[inside]
        nuclei, disc = section.nuclei.take(near), section.disc[near]

        layers = np.zeros((6, height, width), np.float32)
        body, rim, nucleoli, nucleus, dab, borders = layers
        long_axis = disc * np.where(nuclei.kind == Kind.STROMA, LONGEST_STROMA, 1.0)
        axes = np.column_stack([long_axis * FIXED, np.maximum(disc * nuclei.aspect, 2) * FIXED]).astype(int).tolist()
        turn = self.block.rotation_deg if self.cut == "KI67" else 0.0
        angles = (np.rad2deg(nuclei.angle_rad) + turn).tolist()
        centres = np.floor(points * FIXED).astype(int)
        spots = (centres + nuclei.nucleolus_shift).tolist()
        strengths, dabs, has_spot = nuclei.haematoxylin.tolist(), nuclei.dab.tolist(), nuclei.has_nucleolus.tolist()
        spot_radius = int(1.7 * scale * FIXED)
        for i, centre in enumerate(centres.tolist()):
            cv2.ellipse(body, centre, axes[i], angles[i], 0, 360, strengths[i], -1, cv2.LINE_8, SHIFT)
            cv2.ellipse(rim, centre, axes[i], angles[i], 0, 360, strengths[i], 1, cv2.LINE_8, SHIFT)
            if dabs[i] > 0:
                cv2.ellipse(dab, centre, axes[i], angles[i], 0, 360, dabs[i], -1, cv2.LINE_8, SHIFT)
            if has_spot[i]:
                cv2.circle(nucleoli, spots[i], spot_radius, 1.0, -1, cv2.LINE_8, SHIFT)
        np.greater(body, 0, out=nucleus, casting="unsafe")
        self._draw_borders(borders, points[nuclei.kind == Kind.TUMOR])
        for layer, sigma in zip(layers, (0.9, 0.8, 0.8, 0.9, 1.0, 1.0), strict=True):
            cv2.GaussianBlur(layer, (0, 0), sigma * scale, dst=layer)
        return layers

    def _draw_borders(self, borders: Field, tumor_points: NDArray[np.float64]) -> None:
        """Draw the lines half-way between neighbouring tumour nuclei."""
        height, width = borders.shape
        columns, rows = np.floor(tumor_points).astype(int).T
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        if not inside.any():
            return
        seeds = np.full((height, width), 255, np.uint8)
        seeds[rows[inside], columns[inside]] = 0
        distance, label = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        borders[1:, 1:] = (label[1:, 1:] != label[:-1, 1:]) | (label[1:, 1:] != label[1:, :-1])
        borders[distance > BORDER_REACH * self.scale] = 0
