"""The slowly varying fields of a drawn tissue block, and the periodic textures of its sections.

Fields lie on a coarse lattice in block pixels, with a margin round the block, and are read bilinearly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# float32 [H, W]; NumPy's types for mixed arithmetic would drown the formulas in casts.
Field = NDArray[Any]
Points = NDArray[np.float64]

LATTICE_PX = 8
MARGIN_PX = 256
TEXTURE_PX = 1024
REMAP_CHUNK = 30_000
# How far, as a share of the block, the border of the tumour waves to and fro.
WAVE_SHARE = 0.012


def periodic_noise(rng: np.random.Generator, side: int, sigma_x: float, sigma_y: float | None = None) -> Field:
    """Draw smoothed white noise, `[side, side]`, of zero mean and unit variance, that continues across its edges."""
    sigma_y = sigma_x if sigma_y is None else sigma_y
    fx, fy = np.fft.rfftfreq(side)[None], np.fft.fftfreq(side)[:, None]
    smoothing = np.exp(-2 * np.pi**2 * ((sigma_x * fx) ** 2 + (sigma_y * fy) ** 2))
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((side, side))) * smoothing, s=(side, side))
    return np.asarray((noise - noise.mean()) / noise.std(), np.float32)


def ramp(values: Field, slope: float) -> Field:
    """Turn a signed field into a share from 0 to 1, half at 0."""
    return np.asarray(np.clip(values * np.float32(slope / 4) + np.float32(0.5), 0, 1))


def wrapped(texture: Field, columns: Field, rows: Field) -> Field:
    """Read a periodic texture at fractional places."""
    around = cv2.copyMakeBorder(texture, 0, 1, 0, 1, cv2.BORDER_WRAP)
    side = texture.shape[0]
    return np.asarray(cv2.remap(around, np.mod(columns, side), np.mod(rows, side), cv2.INTER_LINEAR), np.float32)


@dataclass(frozen=True, slots=True)
class Fields:
    """What varies over the block. Signed fields are positive inside."""

    tissue: Field
    tumor: Field
    ki67: Field
    fibre_angle: Field
    swirl_x: Field
    swirl_y: Field
    elastic_x: Field
    elastic_y: Field

    def sample(self, field: Field, points: Points) -> Field:
        """Read a field at points `[n, 2]` (x, y) in block pixels."""
        x, y = ((points[:, i] + MARGIN_PX).astype(np.float32) / LATTICE_PX for i in range(2))
        values = np.empty(len(points), np.float32)
        # cv2.remap takes at most 32,767 rows.
        for at in range(0, len(points), REMAP_CHUNK):
            part = slice(at, at + REMAP_CHUNK)
            values[part] = self.sample_maps(field, x[part, None], y[part, None])[:, 0]
        return values

    @staticmethod
    def sample_maps(field: Field, columns: Field, rows: Field) -> Field:
        """Read a field at fractional lattice columns and rows."""
        read = cv2.remap(field, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(read, np.float32)


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """How much tumour there is, where, and how often it divides."""

    tumor_share: float
    tumor_extent: float
    ki67_low: float
    ki67_high: float
    elastic_px: float


def draw_fields(rng: np.random.Generator, size_px: int, px_per_half_um: float, options: FieldOptions) -> Fields:
    """Draw the fields of a block; lengths below are in half micrometres, as a pixel of 0.5 µm has them."""
    side = -(-size_px // LATTICE_PX) + 2 * (MARGIN_PX // LATTICE_PX)

    def noise(sigma: float) -> Field:
        return periodic_noise(rng, side, sigma * px_per_half_um / LATTICE_PX)

    tissue = _tissue(rng, side, noise)
    nests = noise(420) + np.float32(0.35) * noise(45)
    border = _tumor_border(rng, side, size_px, px_per_half_um, noise, options.tumor_extent)
    tumor = _tumor(tissue, nests, border, options.tumor_share)
    activity = noise(500) + np.float32(0.4) * noise(120)
    activity = (activity - activity.min()) / np.ptp(activity)
    ki67_range = options.ki67_high - options.ki67_low
    ki67 = options.ki67_low + ki67_range * np.clip((activity - 0.15) / 0.7, 0, 1) ** 1.3
    return Fields(
        tissue=tissue,
        tumor=tumor,
        ki67=ki67.astype(np.float32),
        fibre_angle=noise(260) * np.float32(1.3),
        swirl_x=noise(60) * np.float32(15),
        swirl_y=noise(60) * np.float32(15),
        elastic_x=noise(700) * np.float32(options.elastic_px / 2),
        elastic_y=noise(700) * np.float32(options.elastic_px / 2),
    )


def _tissue(rng: np.random.Generator, side: int, noise: Callable[[float], Field]) -> Field:
    """Draw one rounded piece of tissue with lumina, fat and cracks."""
    rows, columns = np.mgrid[:side, :side].astype(np.float32) / side * 2 - 1
    angle = np.arctan2(rows, columns)
    # A squarish outline, so that the corners of the slide hold tissue too.
    radius = (np.abs(rows) ** 3 + np.abs(columns) ** 3) ** (1 / 3)
    outline = 0.83 + 0.05 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.04 * np.sin(3 * angle + rng.uniform(0, 6))
    inside = (outline + 0.05 * periodic_noise(rng, side, side / 14) - radius) * 8
    holes = (noise(110) - 1.75) * 3
    return np.asarray(np.minimum(inside, -holes), np.float32)


def _tumor_border(
    rng: np.random.Generator,
    side: int,
    size_px: int,
    px_per_half_um: float,
    noise: Callable[[float], Field],
    extent: float,
) -> Field:
    """Draw the wavy line that keeps the nests on one side of the block; positive where they may lie."""
    across = (np.arange(side, dtype=np.float32) * LATTICE_PX - MARGIN_PX) / size_px
    across = np.broadcast_to(across, (side, side))
    across = np.rot90(across, int(rng.integers(4)))
    distance = (extent - across) * size_px / px_per_half_um
    wave = noise(350) * (WAVE_SHARE * size_px / px_per_half_um)
    wavy = (distance + wave) / 100 + 0.4 * noise(150) + 0.35 * noise(45)
    if extent <= 0 or extent >= 1:
        return np.full((side, side), -10.0 if extent <= 0 else 10.0, np.float32)
    return np.asarray(wavy, np.float32)


def _tumor(tissue: Field, nests: Field, border: Field, share: float) -> Field:
    """Cut the nests so that they fill `share` of the tissue that lies within the border."""
    allowed = nests[(tissue > 0) & (border > 0)]
    cut = np.quantile(allowed, 1 - share) if allowed.size else 0.0
    return np.minimum(nests - np.float32(cut), border).astype(np.float32)
