"""Draw a window of a section: stain amounts per pixel, then light by Beer and Lambert.

Slowly varying fields are read on a lattice that is aligned to absolute coordinates, textures are periodic in absolute
coordinates, and a halo of drawn surroundings is cut off, so windows join without a seam.
"""

from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .phantom_fields import LATTICE_PX, MARGIN_PX, TEXTURE_PX, Field, ramp
from .phantom_nuclei import LYMPHOID, Kind
from .reader import Picture
from .stain import DAB, EOSIN, HAEMATOXYLIN, unit

if TYPE_CHECKING:
    from .phantom import TissueBlock

Stain = Literal["HE", "HDAB"]

# Fixed-point bits of OpenCV's drawing functions.
SHIFT = 4
FIXED = 1 << SHIFT
# The slow fields are read every fourth pixel.
SLOW_PX = 4
# How far the texture of the second section is shifted: same statistics, other grain.
OTHER_SECTION_PX = 137
# Density units per unit of stain, and natural instead of decimal logarithms.
DENSITY = 1.25 * np.log(10)
# The lamp through glass: white, a little bluish.
LIGHT = np.array([242.5, 241.8, 243.0], np.float32)
LONGEST_STROMA = 1.9


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
        halo = self.halo
        window = _Window(self, y0 - halo, x0 - halo, height + 2 * halo, width + 2 * halo)
        amounts = window.haematoxylin_eosin() if stain == "HE" else window.haematoxylin_dab()
        vectors = np.stack([unit(v) for v in (HAEMATOXYLIN, EOSIN, DAB)]) * DENSITY
        density = cv2.transform(cv2.merge([np.maximum(amount, 0) for amount in amounts]), vectors.T.astype(np.float32))
        light = cv2.exp(-np.minimum(density, 7)) * LIGHT
        picture = np.asarray(cv2.GaussianBlur(light, (0, 0), 0.55), np.float32)[halo:-halo, halo:-halo]
        picture = picture + window.sensor_noise()[halo:-halo, halo:-halo]
        return np.asarray(np.clip(picture + 0.5, 0, 255), np.uint8)


class _Window:
    """One window with its halo: the tissue's fields, its textures and its nuclei, drawn once."""

    def __init__(self, painter: SectionPainter, y0: int, x0: int, height: int, width: int) -> None:
        self.painter, self.block = painter, painter.block
        self.y0, self.x0, self.height, self.width = y0, x0, height, width
        self._read_fields()
        self._draw_nuclei()

    def _texture(self, name: str, phase: int = 0) -> Field:
        shift = self.painter.texture_shift
        rows = (np.arange(self.height) + self.y0 + shift + 211 * phase) % TEXTURE_PX
        columns = (np.arange(self.width) + self.x0 + 3 * shift + 89 * phase) % TEXTURE_PX
        return self.block.textures[name][np.ix_(rows, columns)]

    def _read_fields(self) -> None:
        """Read the slow fields every few pixels, at absolute places, and enlarge them."""
        block, fields = self.block, self.block.fields
        first_row, first_column = self.y0 // SLOW_PX, self.x0 // SLOW_PX
        rows, columns = self.height // SLOW_PX + 3, self.width // SLOW_PX + 3
        x, y = np.meshgrid(
            (np.arange(columns, dtype=np.float32) + first_column) * SLOW_PX,
            (np.arange(rows, dtype=np.float32) + first_row) * SLOW_PX,
        )
        if self.painter.cut == "KI67":
            x, y = block.to_block(x, y)
        at_x, at_y = (x + MARGIN_PX) / LATTICE_PX, (y + MARGIN_PX) / LATTICE_PX
        across = (np.arange(self.width, dtype=np.float32) + self.x0) / SLOW_PX - first_column
        down = (np.arange(self.height, dtype=np.float32) + self.y0) / SLOW_PX - first_row
        # Fixed-point maps make the enlargement two to three times faster.
        maps = cv2.convertMaps(*np.meshgrid(across, down), cv2.CV_16SC2)

        def enlarged(slow: Field) -> Field:
            return np.asarray(cv2.remap(slow, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)

        self.cytoplasm = self._texture("cytoplasm")
        tissue = enlarged(fields.sample_maps(fields.tissue, at_x, at_y))
        tumor = enlarged(fields.sample_maps(fields.tumor, at_x, at_y))
        self.tissue = ramp(tissue + np.float32(0.04) * self.cytoplasm, 30)
        self.nest = ramp(tumor + np.float32(0.05) * self.cytoplasm, 22)
        self.stroma = 1 - self.nest
        lymphoid = ramp(_wrapped(block.textures["lymphoid"], x * 0.25, y * 0.25) - np.float32(LYMPHOID), 8)
        self.aggregate = enlarged(lymphoid) * self.stroma
        swirl_x = fields.sample_maps(fields.swirl_x, at_x, at_y)
        swirl_y = fields.sample_maps(fields.swirl_y, at_x, at_y)
        fibre_x = enlarged(x + swirl_y * np.float32(1.4) + np.float32(0.08 * self.painter.texture_shift))
        fibre_y = enlarged(y + swirl_x * np.float32(1.8))
        self.fibre = _wrapped(block.textures["fibre"], fibre_x, fibre_y)

    def _draw_nuclei(self) -> None:
        """Draw discs, rims, DAB and nucleoli of all nuclei that reach into the window."""
        section, scale = self.painter.section, self.painter.scale
        reach = 12 * LONGEST_STROMA * scale + 4
        centre_x, centre_y = self.x0 + self.width / 2, self.y0 + self.height / 2
        near = section.near(centre_x, centre_y, float(np.hypot(self.height, self.width)) / 2 + reach)
        points = section.points[near] - [self.x0, self.y0]
        inside = ((points > -reach) & (points < np.array([self.width, self.height]) + reach)).all(axis=1)
        near, points = near[inside], points[inside]
        nuclei, disc = section.nuclei.take(near), section.disc[near]

        shape = (self.height, self.width)
        body, rim, dab, nucleoli = (np.zeros(shape, np.float32) for _ in range(4))
        long_axis = disc * np.where(nuclei.kind == Kind.STROMA, LONGEST_STROMA, 1.0)
        axes = np.column_stack([long_axis * FIXED, np.maximum(disc * nuclei.aspect, 2) * FIXED]).astype(int).tolist()
        turn = self.block.rotation_deg if self.painter.cut == "KI67" else 0.0
        angles = (np.rad2deg(nuclei.angle_rad) + turn).tolist()
        centres = np.floor(points * FIXED).astype(int)
        spots = (centres + nuclei.nucleolus_shift).tolist()
        strengths, dabs, with_spot = nuclei.haematoxylin.tolist(), nuclei.dab.tolist(), nuclei.has_nucleolus.tolist()
        spot_radius = int(1.7 * scale * FIXED)
        for i, place in enumerate(centres.tolist()):
            outline = (place, axes[i], angles[i], 0, 360)
            cv2.ellipse(body, *outline, strengths[i], -1, cv2.LINE_8, SHIFT)
            cv2.ellipse(rim, *outline, strengths[i], 1, cv2.LINE_8, SHIFT)
            if dabs[i] > 0:
                cv2.ellipse(dab, *outline, dabs[i], -1, cv2.LINE_8, SHIFT)
            if with_spot[i]:
                cv2.circle(nucleoli, spots[i], spot_radius, 1.0, -1, cv2.LINE_8, SHIFT)
        self.is_nucleus = _blurred((body > 0).astype(np.float32), 0.9 * scale)
        self.dab = _blurred(dab, 1.0 * scale)
        self.chromatin, self.grain = self._texture("chromatin", 2), self._texture("grain", 3)
        mottle = np.clip(0.46 + 0.17 * self.chromatin + 0.06 * self.grain, 0.12, 1.1)
        self.nuclear = (
            _blurred(body, 0.9 * scale) * mottle
            + np.float32(0.34) * _blurred(rim, 0.8 * scale)
            + np.float32(0.35) * _blurred(nucleoli, 0.8 * scale) * self.is_nucleus
        )
        self.borders = self._cell_borders(points[nuclei.kind == Kind.TUMOR])

    def _cell_borders(self, tumor_points: NDArray[np.float64]) -> Field:
        """Draw the lines half-way between neighbouring tumour nuclei."""
        seeds = np.full((self.height, self.width), 255, np.uint8)
        columns, rows = np.floor(tumor_points).astype(int).T
        inside = (columns >= 0) & (columns < self.width) & (rows >= 0) & (rows < self.height)
        if not inside.any():
            return np.zeros(seeds.shape, np.float32)
        seeds[rows[inside], columns[inside]] = 0
        distance, label = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        border = np.zeros(seeds.shape, np.float32)
        border[1:, 1:] = (label[1:, 1:] != label[:-1, 1:]) | (label[1:, 1:] != label[1:, :-1])
        # Farther than the halo reaches, two windows could disagree about the nearest nucleus.
        border[distance > 36 * self.painter.scale] = 0
        return _blurred(border, 1.0 * self.painter.scale)

    def haematoxylin_eosin(self) -> tuple[Field, Field, Field]:
        """Give the amounts of haematoxylin, eosin and DAB (none) on H&E."""
        nest, stroma, cytoplasm = self.nest, self.stroma, self.cytoplasm
        haematoxylin = (
            self.tissue * (nest * (0.075 + 0.018 * cytoplasm) + stroma * (0.035 + 0.06 * self.aggregate)) + self.nuclear
        )
        in_nest = 0.15 + 0.03 * cytoplasm + 0.02 * self._texture("fine", 1) + 0.09 * self.borders
        in_stroma = np.clip(0.20 + 0.075 * self.fibre + 0.03 * cytoplasm, 0.03, 0.6) * (1 - 0.45 * self.aggregate)
        eosin = self.tissue * (nest * in_nest + stroma * in_stroma) * (1 - 0.55 * self.is_nucleus)
        return haematoxylin, eosin + 0.05 * self.is_nucleus, np.zeros_like(eosin)

    def haematoxylin_dab(self) -> tuple[Field, Field, Field]:
        """Give the amounts of haematoxylin, eosin (a trace of colour) and DAB on an H-DAB section."""
        nest, stroma, cytoplasm = self.nest, self.stroma, self.cytoplasm
        ground = nest * (0.03 + 0.008 * cytoplasm) + stroma * np.clip(0.025 + 0.012 * self.fibre, 0.005, 0.2)
        # DAB hides the counterstain beneath it.
        visible = 1 - 0.6 * np.clip(self.dab, 0, 1)
        haematoxylin = self.tissue * ground + self.nuclear * (0.62 * self.block.counterstain) * visible
        mottle = np.clip(0.62 + 0.13 * self.chromatin + 0.05 * self.grain, 0.2, 1.3)
        unspecific = self.tissue * (0.012 + 0.008 * np.clip(cytoplasm, -1, 3) + 0.008 * nest)
        dab = unspecific + self.block.dab_strength * self.dab * mottle
        return haematoxylin, self.tissue * 0.012, dab

    def sensor_noise(self) -> NDArray[np.float32]:
        """Give the noise of the camera, grey levels `[H, W, 3]`."""
        grey, colour = self.grain * 1.6, self._texture("fine", 1) * 0.8
        return np.asarray(cv2.merge([grey + colour, grey - 0.5 * colour, grey + 0.7 * colour]), np.float32)


def _blurred(values: Field, sigma: float) -> Field:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)


def _wrapped(texture: Field, columns: Field, rows: Field) -> Field:
    """Read a periodic texture at fractional places."""
    around = cv2.copyMakeBorder(texture, 0, 1, 0, 1, cv2.BORDER_WRAP)
    read = cv2.remap(around, np.mod(columns, TEXTURE_PX), np.mod(rows, TEXTURE_PX), cv2.INTER_LINEAR)
    return np.asarray(read, np.float32)
