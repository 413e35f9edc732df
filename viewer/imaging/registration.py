"""Align two sections of one block: an affine map between their level-0 pixels, found on small density maps.

Red light is absorbed by haematoxylin and by DAB but hardly by eosin, so red density is a map of nuclei in both stains.
A search over all rotations gives the start, ECC (Evangelidis & Psarakis 2008) refines it, coarse to fine.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import RegistrationFailed
from .reader import SlideReader
from .stain import density_table

Map = NDArray[Any]
Matrix = NDArray[np.float64]

COARSE_PX = 160
FINE_PX = (320, 640, 1280)
BLUR_UM = 12.0
ANGLE_STEP_DEG = 6
CANDIDATES = 4
START_PX = 8.0
# Outlines alone correlate even between unrelated sections; structure within them does not.
STRUCTURE_PX = 2.0
LEAST_STRUCTURE = 0.18
FAINTEST = 0.02
# Consecutive sections shrink and stretch a little; more than this means that ECC has run away.
LARGEST_STRETCH = 1.25
ECC_ITERATIONS, ECC_EPSILON = 200, 1e-5


@dataclass(frozen=True, slots=True)
class Affine:
    """`matrix` (a, b, c, d, e, f): x' = a x + b y + c, y' = d x + e y + f, from fixed to moving level-0 pixels.

    `correlation` (−1 to 1) is that of the aligned density maps, at the coarse level.
    """

    matrix: tuple[float, float, float, float, float, float]
    correlation: float

    def apply(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Move points of the fixed slide to the moving one."""
        a, b, c, d, e, f = self.matrix
        return a * x + b * y + c, d * x + e * y + f


def register(fixed: SlideReader, moving: SlideReader, fixed_mpp: float, moving_mpp: float) -> Affine:
    """Find where each pixel of the fixed slide lies on the moving one.

    Raises:
        RegistrationFailed: a slide without tissue, or maps that do not resemble each other.
    """
    slides = ((fixed, fixed_mpp), (moving, moving_mpp))
    longest_um = max(max(reader.width_l0, reader.height_l0) * mpp for reader, mpp in slides)
    finest = [_density(reader, mpp, longest_um / FINE_PX[-1]) for reader, mpp in slides]
    if any(np.ptp(density) < FAINTEST for density in finest):
        raise RegistrationFailed("One of the slides shows no stained tissue, so there is nothing to align.")

    def maps(longest_px: int) -> tuple[Map, Map]:
        scale, blur_px = longest_px / FINE_PX[-1], BLUR_UM * longest_px / longest_um
        return _shrunk(finest[0], scale, blur_px), _shrunk(finest[1], scale, blur_px)

    coarse = maps(COARSE_PX)
    starts = [_refined(*coarse, start, cv2.MOTION_EUCLIDEAN) for start in _starts(*coarse)]
    matrix = max(starts, key=lambda start: _structure(*coarse, start))
    matrix = _refined(*coarse, matrix, cv2.MOTION_AFFINE)
    correlation, structure = _correlation(*coarse, matrix), _structure(*coarse, matrix)
    if not structure >= LEAST_STRUCTURE:
        raise RegistrationFailed(
            f"The two sections could not be aligned: the structure of their density maps correlates by "
            f"{structure:.2f}, at least {LEAST_STRUCTURE} was expected. Check that both are sections of the same block."
        )
    pair, longest_px = coarse, COARSE_PX
    for following_px in FINE_PX:
        pair = maps(following_px)
        matrix = _refined(*pair, _rescaled(matrix, following_px / longest_px), cv2.MOTION_AFFINE)
        longest_px = following_px
    to_l0 = _pixel_scale(moving, pair[1]) @ np.vstack([matrix, [0, 0, 1]]) @ np.linalg.inv(_pixel_scale(fixed, pair[0]))
    a, b, c, d, e, f = (float(value) for value in to_l0[:2].ravel())
    return Affine((a, b, c, d, e, f), round(correlation, 4))


def _density(reader: SlideReader, mpp: float, map_um: float) -> Map:
    """Read a slide's red density at `map_um` µm per pixel, `float32 [H, W]`, compressed so that DAB does not rule."""
    width, height = (max(16, round(side * mpp / map_um)) for side in (reader.width_l0, reader.height_l0))
    picture = reader.read_scaled(0, 0, reader.width_l0, reader.height_l0, width, height)
    red = picture[..., 0]
    white = float(np.clip(np.percentile(red, 99), 180, 255))
    density = density_table((white, white, white))[:, 0].astype(np.float32)[red]
    strong = max(float(np.percentile(density, 95)), 0.02)
    return np.asarray(np.sqrt(np.minimum(density / strong, 1)), np.float32)


def _shrunk(density: Map, scale: float, blur_px: float) -> Map:
    height, width = density.shape
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(density, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), max(blur_px, 0.8), borderType=cv2.BORDER_REPLICATE), np.float32)


def _starts(fixed: Map, moving: Map) -> list[Matrix]:
    """Correlate at every rotation and shift; give the best few, by density and by structure, as rigid maps."""
    pairs = (fixed - fixed.mean(), moving - moving.mean()), (_band(fixed, START_PX), _band(moving, START_PX))
    return [start for pair in pairs for start in _best_shifts(*pair)]


def _best_shifts(fixed: Map, moving: Map) -> list[Matrix]:
    diagonals = [math.ceil(math.hypot(*density.shape)) for density in (fixed, moving)]
    side, reach = cv2.getOptimalDFTSize(sum(diagonals)), diagonals[1]
    spectrum = np.conj(np.fft.rfft2(fixed, (side, side)))
    centre = np.array([moving.shape[1] - 1, moving.shape[0] - 1]) / 2
    found: list[tuple[float, Matrix]] = []
    for angle in range(0, 360, ANGLE_STEP_DEG):
        # Rotates the moving map into a square that holds it whole.
        turn: Matrix = np.asarray(cv2.getRotationMatrix2D((centre[0], centre[1]), angle, 1), np.float64)
        turn[:, 2] += (reach - 1) / 2 - centre
        turned = cv2.warpAffine(moving, turn, (reach, reach))
        score = np.fft.irfft2(spectrum * np.fft.rfft2(turned, (side, side)), (side, side))
        row, column = np.unravel_index(int(score.argmax()), score.shape)
        shift = [(int(at) + side // 2) % side - side // 2 for at in (column, row)]
        # Fixed → turned is a shift, turned → moving undoes the rotation.
        back: Matrix = np.asarray(cv2.invertAffineTransform(turn), np.float64)
        back[:, 2] += back[:, :2] @ np.array(shift, np.float64)
        found.append((float(score.max()), back))
    found.sort(key=lambda candidate: -candidate[0])
    return [matrix for _, matrix in found[:CANDIDATES]]


def _band(density: Map, sigma_px: float) -> Map:
    """Take the slow part off a map: what is left is structure of about `sigma_px`."""
    return np.asarray(density - cv2.GaussianBlur(density, (0, 0), sigma_px), np.float32)


def _structure(fixed: Map, moving: Map, matrix: Matrix) -> float:
    return _correlation(_band(fixed, STRUCTURE_PX), _band(moving, STRUCTURE_PX), matrix)


def _refined(fixed: Map, moving: Map, matrix: Matrix, motion: int) -> Matrix:
    """Refine a map by ECC; keep the given one where ECC fails, runs away or does not improve."""
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ECC_ITERATIONS, ECC_EPSILON)
    try:
        _, found = cv2.findTransformECC(fixed, moving, matrix.astype(np.float32), motion, criteria)
    except cv2.error:
        # ECC does not converge where the maps hardly overlap.
        return matrix
    refined: Matrix = np.asarray(found, np.float64)
    stretches = np.linalg.svd(refined[:, :2], compute_uv=False)
    if not np.isfinite(refined).all() or stretches[0] > LARGEST_STRETCH or stretches[1] < 1 / LARGEST_STRETCH:
        return matrix
    return max((matrix, refined), key=lambda candidate: _correlation(fixed, moving, candidate))


def _correlation(fixed: Map, moving: Map, matrix: Matrix) -> float:
    """Correlate the fixed map with the moving one brought onto it, where both are; −1 where they hardly overlap."""
    size = fixed.shape[1], fixed.shape[0]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(moving, matrix, size, flags=flags)
    covered = cv2.warpAffine(np.ones_like(moving), matrix, size, flags=flags) > 0.99
    if covered.sum() < 0.25 * min(fixed.size, moving.size):
        return -1.0
    a, b = fixed[covered], warped[covered]
    if a.std() == 0 or b.std() == 0:
        return -1.0
    return float(np.corrcoef(a, b)[0, 1])


def _rescaled(matrix: Matrix, factor: float) -> Matrix:
    """Carry a map between pixels over to maps `factor` times as large; whole numbers are pixel centres."""
    moved = matrix.copy()
    half = np.array([0.5, 0.5])
    moved[:, 2] = factor * (matrix[:, 2] + half - matrix[:, :2] @ half) - half + matrix[:, :2] @ half
    return moved


def _pixel_scale(reader: SlideReader, density: Map) -> Matrix:
    """Give the matrix from a map's pixels to the slide's level-0 pixels."""
    x = reader.width_l0 / density.shape[1]
    y = reader.height_l0 / density.shape[0]
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])
