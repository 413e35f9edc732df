"""Drawn tissue with known truth: two consecutive sections of one three-dimensional block.

A nucleus is an ellipsoid; a section shows it where the cut goes through it. So the H&E and the Ki-67 section agree as
pictures and differ nucleus by nucleus, as real consecutive sections do. Cut and stain are independent:
`render(cut="HE", stain="HDAB")` is the true virtual stain of the H&E section, which no real data has.

Everything is a function of absolute coordinates and the seed, so any window drawn alone equals the whole, bit for bit.
It is drawn, not scanned: figures measured on it are never clinical figures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .phantom_fields import (
    LATTICE_PX,
    MARGIN_PX,
    TEXTURE_PX,
    Field,
    FieldOptions,
    Fields,
    Points,
    draw_fields,
    periodic_noise,
)
from .phantom_nuclei import Kind, Nuclei, place_nuclei
from .phantom_render import TEXTURES, SectionPainter, Stain
from .pyramid import PyramidWriter
from .reader import Picture

Cut = Literal["HE", "KI67"]

# The fields of a larger block would not fit into ordinary memory.
LARGEST_PX = 32_768
STRIP_PX = 1024
COLUMN_PX = 2048
# Grain of the periodic textures, across and down; fibres are long.
TEXTURE_SIGMA_PX = {"chromatin": (1.3,), "fine": (0.7,), "cytoplasm": (3.0,), "fibre": (16, 1.6), "grain": (0.55,)}
# A cap of a nucleus thinner than this share of its radius is too pale to see, a disc below this radius too small.
VISIBLE_SHARE = 0.92
SMALLEST_DISC = 3.0


@dataclass(frozen=True, slots=True)
class SectionTruth:
    """Every nucleus that a section shows, one row each; `x`, `y` in level-0 pixels, whole numbers at pixel centres.

    `id` names the nucleus in the block: the same id on both sections is the same nucleus.
    """

    id: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    radius_px: NDArray[np.float64]
    kind: NDArray[np.int8]
    is_positive: NDArray[np.bool_]
    dab: NDArray[np.float64]

    @property
    def is_tumor(self) -> NDArray[np.bool_]:
        """Say which are tumour nuclei."""
        return np.asarray(self.kind == Kind.TUMOR)

    @property
    def ratio(self) -> float | None:
        """Share of positive among all nuclei; None without nuclei."""
        return float(self.is_positive.mean()) if len(self.id) else None

    @property
    def tumor_ratio(self) -> float | None:
        """Share of positive among tumour nuclei; None without any."""
        return float(self.is_positive[self.is_tumor].mean()) if self.is_tumor.any() else None

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form: the ratios and one entry per nucleus."""
        return {
            "ratio": self.ratio,
            "tumor_ratio": self.tumor_ratio,
            "nuclei": [
                {"id": id, "x": round(x, 3), "y": round(y, 3), "tumor": tumor, "positive": positive}
                for id, x, y, tumor, positive in zip(
                    *(column.tolist() for column in (self.id, self.x, self.y, self.is_tumor, self.is_positive)),
                    strict=True,
                )
            ],
        }


class TissueBlock:
    """A block of drawn tissue, cut twice: the first section is called HE, the second KI67."""

    def __init__(
        self,
        size_px: int = 6720,
        mpp: float = 0.5,
        seed: int = 0,
        *,
        section_gap_um: float = 4.0,
        rotation_deg: float = 3.0,
        shift_px: tuple[float, float] = (37.0, -22.0),
        elastic_px: float = 6.0,
        tumor_share: float = 0.45,
        tumor_extent: float = 0.42,
        ki67_low: float = 0.05,
        ki67_high: float = 0.75,
        morph: float = 1.0,
        counterstain: float = 0.34,
        dab_strength: float = 0.72,
    ) -> None:
        """Draw the fields and place the nuclei of a square block.

        Args:
            size_px: side of both slides.
            mpp: µm per pixel; nuclei keep their size in µm.
            seed: the same seed gives the same block.
            section_gap_um: distance of the two cuts.
            rotation_deg: the Ki-67 section lies rotated by this angle about the slide's centre,
            shift_px: moved by this,
            elastic_px: and stretched by about this.
            tumor_share: share of the tissue within the extent that is tumour nest.
            tumor_extent: share of the block's width that may hold nests; 0 none, 1 anywhere.
            ki67_low: lowest regional Ki-67 index within tumour.
            ki67_high: highest regional Ki-67 index.
            morph: 0 hides Ki-67 status on H&E (a negative control), 1 makes positive nuclei larger and darker.
            counterstain: strength of haematoxylin on H-DAB; 0.34 is the median of five real Ki-67 fields.
            dab_strength: strength of DAB in positive nuclei.
        """
        if not 64 <= size_px <= LARGEST_PX or not 0.1 <= mpp <= 2:
            raise ValueError(f"size_px must be 64 to {LARGEST_PX} and mpp 0.1 to 2, got {size_px} and {mpp}")
        self.size_px, self.mpp, self.seed = size_px, mpp, seed
        self.rotation_deg, self.shift_px = rotation_deg, shift_px
        self.counterstain, self.dab_strength = counterstain, dab_strength
        self.scale = 0.5 / mpp
        rng = np.random.default_rng(seed)
        options = FieldOptions(tumor_share, tumor_extent, ki67_low, ki67_high, elastic_px)
        self.fields: Fields = draw_fields(rng, size_px, self.scale, options)
        self.lymphoid: Field = periodic_noise(rng, TEXTURE_PX, 9)
        self.textures: Field = np.stack([periodic_noise(rng, TEXTURE_PX, *TEXTURE_SIGMA_PX[name]) for name in TEXTURES])
        self.nuclei: Nuclei = place_nuclei(
            rng,
            self.fields,
            self.lymphoid,
            size_px=size_px,
            margin_px=MARGIN_PX,
            mpp=mpp,
            depth_um=section_gap_um,
            morph=morph,
        )
        self._sections = {"HE": self._cut("HE", 0.0), "KI67": self._cut("KI67", section_gap_um / mpp)}

    def _cut(self, cut: Cut, z: float) -> "Section":
        nuclei = self.nuclei
        depth = np.abs(nuclei.z - z)
        disc = np.sqrt(np.maximum(nuclei.radius**2 - depth**2, 0))
        rows = np.flatnonzero((depth < VISIBLE_SHARE * nuclei.radius) & (disc > SMALLEST_DISC * self.scale))
        points = self.to_section(nuclei.points[rows], cut)
        return Section(rows, nuclei.take(rows), points, disc[rows], cKDTree(points) if len(rows) else None)

    def section(self, cut: Cut) -> "Section":
        """Give what one cut shows, nuclei just outside the slide included."""
        return self._sections[cut]

    def to_section(self, points: Points, cut: Cut) -> Points:
        """Move points `[n, 2]` (x, y) of the block, that is of the HE section, to where a cut shows them."""
        if cut == "HE" or len(points) == 0:
            return points
        stretch = np.column_stack(
            [self.fields.sample(self.fields.elastic_x, points), self.fields.sample(self.fields.elastic_y, points)]
        )
        centre = self.size_px / 2
        moved: Points = (points + stretch - centre) @ self._rotation().T + centre + np.asarray(self.shift_px)
        return moved

    def to_block(self, columns: Field, rows: Field) -> tuple[Field, Field]:
        """Undo `to_section` for the Ki-67 section, on maps of x and y."""
        rotation, centre = self._rotation(), self.size_px / 2
        u = columns - np.float32(centre + self.shift_px[0])
        v = rows - np.float32(centre + self.shift_px[1])
        (ux, uy), (vx, vy) = rotation.astype(np.float32)
        base_x, base_y = u * ux + v * vx + np.float32(centre), u * uy + v * vy + np.float32(centre)
        # The stretch is small and smooth: two fixed-point steps undo it to a hundredth of a pixel.
        x, y = base_x, base_y
        for _ in range(2):
            at_x, at_y = (x + MARGIN_PX) / LATTICE_PX, (y + MARGIN_PX) / LATTICE_PX
            x = base_x - self.fields.sample_maps(self.fields.elastic_x, at_x, at_y)
            y = base_y - self.fields.sample_maps(self.fields.elastic_y, at_x, at_y)
        return x, y

    def _rotation(self) -> NDArray[np.float64]:
        angle = np.deg2rad(self.rotation_deg)
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def truth(self, cut: Cut) -> SectionTruth:
        """List the nuclei that a section shows, those whose centre lies on the slide."""
        section = self._sections[cut]
        on_slide = np.flatnonzero(((section.points >= 0) & (section.points <= self.size_px - 1)).all(axis=1))
        nuclei, points = section.nuclei.take(on_slide), section.points[on_slide]
        return SectionTruth(
            id=section.rows[on_slide],
            x=points[:, 0],
            y=points[:, 1],
            radius_px=section.disc[on_slide],
            kind=nuclei.kind,
            is_positive=nuclei.is_positive,
            dab=nuclei.dab,
        )

    def tumor_nuclei(self, cut: Cut, tile_px: int) -> NDArray[np.int64]:
        """Count tumour nuclei per whole tile of a grid from (0, 0), `[rows, columns]`.

        A tile is tumour by the paper's rule when it holds at least one.
        """
        truth, side = self.truth(cut), self.size_px // tile_px
        columns, rows = ((axis[truth.is_tumor] // tile_px).astype(np.int64) for axis in (truth.x, truth.y))
        inside = (columns < side) & (rows < side)
        counts = np.zeros((side, side), np.int64)
        np.add.at(counts, (rows[inside], columns[inside]), 1)
        return counts

    def render(
        self,
        cut: Cut = "HE",
        stain: Stain = "HE",
        y0: int = 0,
        x0: int = 0,
        height: int | None = None,
        width: int | None = None,
    ) -> Picture:
        """Draw a window of one section in one stain, `uint8 [height, width, 3] RGB`; the whole slide by default."""
        painter = SectionPainter(self, cut)
        return painter.paint(stain, y0, x0, height or self.size_px - y0, width or self.size_px - x0)


@dataclass(frozen=True, slots=True)
class Section:
    """The nuclei that one cut goes through: rows of the block's table, places and disc radii on the slide."""

    rows: NDArray[np.int64]
    nuclei: Nuclei
    points: Points
    disc: NDArray[np.float64]
    tree: cKDTree | None

    def near(self, x: float, y: float, reach: float) -> NDArray[np.int64]:
        """List the section's nuclei within a circle, in a fixed order."""
        if self.tree is None:
            return np.empty(0, np.int64)
        return np.sort(np.asarray(self.tree.query_ball_point([x, y], reach), np.int64))


def write_section(
    block: TissueBlock, cut: Cut, stain: Stain, path: Path, on_progress: Callable[[float], None] | None = None
) -> None:
    """Write one section as a pyramidal TIFF with its mpp; its description says that the tissue is drawn.

    Raises:
        DiskFull: no space left; nothing of the file remains.
    """
    painter = SectionPainter(block, cut)
    description = f"DRAWN TISSUE, no patient: phantom seed {block.seed}, section {cut}, stain {stain}"
    with PyramidWriter(path, block.size_px, block.size_px, block.mpp, description) as writer:
        for top in range(0, block.size_px, STRIP_PX):
            height = min(STRIP_PX, block.size_px - top)
            parts = [
                painter.paint(stain, top, left, height, min(COLUMN_PX, block.size_px - left))
                for left in range(0, block.size_px, COLUMN_PX)
            ]
            writer.write_rows(np.concatenate(parts, axis=1))
            if on_progress is not None:
                on_progress((top + height) / block.size_px)
