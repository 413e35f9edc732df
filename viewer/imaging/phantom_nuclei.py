"""The nuclei of a drawn tissue block: ellipsoids in three dimensions, placed once, cut twice."""

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .phantom_fields import TEXTURE_PX, Field, Fields, Points

Floats = NDArray[np.float64]

# Half micrometres, that is pixels at 0.5 µm: spacing of the lattice that nuclei are jittered from, and of its layers.
PITCH = 19.0
LAYER_UM = 4.6
DEPTH_BEYOND_CUTS_UM = 7.0
# Nuclei that overlap more than this, in three dimensions, cannot both be there.
CLOSEST = 0.93
LYMPHOID = 1.15


class Kind(IntEnum):
    """What cell a nucleus belongs to."""

    TUMOR = 0
    STROMA = 1
    LYMPHOCYTE = 2


@dataclass(frozen=True, slots=True)
class Nuclei:
    """One row per nucleus; lengths in block pixels, depth `z` in pixels below the first cut."""

    x: Floats
    y: Floats
    z: Floats
    kind: NDArray[np.int8]
    is_positive: NDArray[np.bool_]
    radius: Floats
    aspect: Floats
    angle_rad: Floats
    haematoxylin: Floats
    dab: Floats
    has_nucleolus: NDArray[np.bool_]
    nucleolus_shift: NDArray[np.int64]

    @property
    def points(self) -> Points:
        """Centres `[n, 2]` (x, y)."""
        return np.column_stack([self.x, self.y])

    def take(self, rows: NDArray[np.int64]) -> "Nuclei":
        """Select rows."""
        return Nuclei(*(getattr(self, field.name)[rows] for field in fields(self)))

    def __len__(self) -> int:
        """Count the nuclei."""
        return len(self.x)


def place_nuclei(
    rng: np.random.Generator,
    fields_of_block: Fields,
    lymphoid: Field,
    *,
    size_px: int,
    margin_px: int,
    mpp: float,
    depth_um: float,
    morph: float,
) -> Nuclei:
    """Fill the block with nuclei: dense in tumour nests and lymphoid aggregates, sparse and elongated in stroma.

    `lymphoid` is a periodic texture `[TEXTURE_PX, TEXTURE_PX]`; `morph` (0 to 1) says how much larger and darker
    Ki-67-positive tumour nuclei are.
    """
    scale = 0.5 / mpp
    points, z_um = _lattice(rng, size_px, margin_px, scale, depth_um)
    kind = _kinds(rng, fields_of_block, lymphoid, points)
    present = kind >= 0
    points, z_um, kind = points[present], z_um[present], kind[present]
    count = len(kind)
    tumor, stroma, lymphocyte = (kind == value for value in (Kind.TUMOR, Kind.STROMA, Kind.LYMPHOCYTE))

    index = np.select([tumor, lymphocyte], [fields_of_block.sample(fields_of_block.ki67, points), 0.06], 0.01)
    is_positive = rng.random(count) < index
    radius = np.select(
        [tumor, lymphocyte], [rng.normal(8.3, 0.9, count), rng.normal(5.6, 0.4, count)], rng.normal(6.2, 0.7, count)
    )
    radius = np.clip(radius + morph * 1.3 * (is_positive & tumor), 4.2, 12) * scale
    aspect = np.where(stroma, rng.uniform(0.42, 0.68, count), rng.uniform(0.74, 1.0, count))
    along_fibre = fields_of_block.sample(fields_of_block.fibre_angle, points) + rng.normal(0, 0.25, count)
    angle = np.where(stroma, along_fibre, rng.uniform(0, np.pi, count))
    z = z_um / mpp
    kept = _without_overlaps(rng, np.column_stack([points, z]), radius * np.sqrt(aspect), PITCH * scale)

    haematoxylin = np.clip(rng.normal(1, 0.12, count), 0.6, 1.4)
    haematoxylin *= np.select([lymphocyte, stroma, tumor & is_positive], [1.35, 1.15, 1 + 0.22 * morph], 1.0)
    dab = np.where(is_positive, np.clip(rng.lognormal(-0.05, 0.38, count), 0.42, 2.0), 0.0)
    return Nuclei(
        x=points[:, 0],
        y=points[:, 1],
        z=z,
        kind=kind,
        is_positive=is_positive,
        radius=radius,
        aspect=aspect,
        angle_rad=angle,
        haematoxylin=haematoxylin,
        dab=dab,
        has_nucleolus=rng.random(count) < np.where(tumor, 0.35, 0.05),
        nucleolus_shift=rng.integers(-20, 21, (count, 2)),
    ).take(kept)


def _lattice(
    rng: np.random.Generator, size_px: int, margin_px: int, scale: float, depth_um: float
) -> tuple[Points, Floats]:
    """Jitter a hexagonal lattice in layers of depth, from above the first cut to below the last."""
    pitch = PITCH * scale
    xs, ys = (np.arange(-margin_px, size_px + margin_px, step) for step in (pitch, pitch * 0.866))
    points, depths = [], []
    for depth in np.arange(-DEPTH_BEYOND_CUTS_UM, depth_um + DEPTH_BEYOND_CUTS_UM, LAYER_UM):
        x, y = np.meshgrid(xs, ys)
        x = x + (np.arange(len(ys)) % 2)[:, None] * (pitch / 2) + rng.uniform(0, pitch)
        y = y + rng.uniform(0, pitch)
        layer = np.column_stack([x.ravel(), y.ravel()])
        points.append(layer + rng.normal(0, pitch * 0.17, layer.shape))
        depths.append(depth + rng.uniform(-2.4, 2.4, len(layer)))
    return np.concatenate(points), np.concatenate(depths)


def _kinds(rng: np.random.Generator, block: Fields, lymphoid: Field, points: Points) -> NDArray[np.int8]:
    """Decide what each lattice point becomes; -1 leaves it empty."""
    in_tissue = block.sample(block.tissue, points) > 0.03
    in_nest = in_tissue & (block.sample(block.tumor, points) > 0.03)
    columns, rows = (np.mod(points[:, i] * 0.25, TEXTURE_PX).astype(np.int64) for i in range(2))
    in_stroma = in_tissue & ~in_nest
    in_aggregate = in_stroma & (lymphoid[rows, columns] > LYMPHOID)
    chance = rng.random(len(points))
    kinds = np.full(len(points), -1, np.int8)
    kinds[in_nest & (chance < 0.94)] = Kind.TUMOR
    kinds[in_aggregate & (chance < 0.85)] = Kind.LYMPHOCYTE
    kinds[in_stroma & ~in_aggregate & (chance < 0.22)] = Kind.STROMA
    return kinds


def _without_overlaps(rng: np.random.Generator, centres: Points, radius: Floats, reach: float) -> NDArray[np.int64]:
    """Keep, of nuclei that would overlap, the one that a random ranking prefers."""
    count = len(centres)
    if count == 0:
        return np.empty(0, np.int64)
    pairs = cKDTree(centres).query_pairs(reach, output_type="ndarray")
    distance = np.linalg.norm(centres[pairs[:, 0]] - centres[pairs[:, 1]], axis=1)
    pairs = pairs[distance < CLOSEST * (radius[pairs[:, 0]] + radius[pairs[:, 1]])]
    rank = rng.permutation(count)
    # The better-ranked of each pair first, and pairs in the order of that rank: then one pass is enough.
    swap = rank[pairs[:, 0]] > rank[pairs[:, 1]]
    pairs[swap] = pairs[swap][:, ::-1]
    pairs = pairs[np.lexsort((rank[pairs[:, 1]], rank[pairs[:, 0]]))]
    gone = bytearray(count)
    for better, worse in pairs.tolist():
        if not gone[better]:
            gone[worse] = 1
    return np.flatnonzero(np.frombuffer(gone, np.uint8) == 0)
