"""Find nuclei in an H-DAB picture at about 0.5 µm per pixel, in the manner of QuPath's cell detection.

Optical density with the background taken off → fragments (basins of the Laplacian of Gaussian) → those dark enough →
holes filled → clumps cut by the distance transform → area, contrast and mean DAB per nucleus. Detection works on a
red-weighted sum of densities, not on haematoxylin: positive nuclei hardly have any.

Reach is bounded and arithmetic is in integers, so a nucleus does not depend on the window it is found in, as long as
`HALO_UM` of surroundings are given and windows start at multiples of `ALIGN_PX`.
"""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from . import basin_kernels
from . import nuclei_kernels as kernels
from .parameters import CountParameters
from .reader import Picture
from .stain import density_table, unmixing_matrix

HALO_UM = 32.0
ALIGN_PX = 4
# Densities are counted in units of 1/8192, distances in 1/256 pixel.
DENSITY_UNIT = 8192
DISTANCE_UNIT = 256
# A peak of the Laplacian below this density is noise.
FAINTEST_PEAK = 0.001
SMALLEST_FRAGMENT_UM2 = 8.0


class Nuclei(NamedTuple):
    """Nuclei of one window: whole sums of pixel places (`sum_x / area_px` is the centre), and measurements."""

    area_px: NDArray[np.int64]
    sum_x: NDArray[np.int64]
    sum_y: NDArray[np.int64]
    mean_signal: NDArray[np.float64]
    """Of the contrast, or of the probability, that the nuclei were found by."""
    dab: NDArray[np.float64]

    def where(self, chosen: NDArray[np.bool_]) -> "Nuclei":
        """Give some of the nuclei."""
        return Nuclei._make(column[chosen] for column in self)


@lru_cache(maxsize=32)
def _tables(parameters: CountParameters) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Tabulate, per grey level and channel, the weighted density and the share of DAB."""
    density = density_table(parameters.white_point)
    weighted = np.round(density * parameters.weights * DENSITY_UNIT)
    dab = density * unmixing_matrix(parameters.haematoxylin, parameters.dab)[:, 1] * DENSITY_UNIT
    return weighted.astype(np.uint16), np.round(dab).astype(np.int32)


def _signal(picture: Picture, parameters: CountParameters, mpp: float) -> NDArray[np.uint16]:
    """Give the weighted density above its background, `uint16 [H, W]`.

    Background: opening with a disc of the darkest of each 4 × 4 pixels, so that its reach is bounded.
    """
    density = kernels.weigh(np.ascontiguousarray(picture), _tables(parameters)[0])
    height, width = density.shape
    block = np.ones((ALIGN_PX, ALIGN_PX), np.uint8)
    palest = cv2.erode(density, block, anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)[::ALIGN_PX, ::ALIGN_PX]
    radius = max(round(parameters.background_um / mpp / ALIGN_PX), 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    opened = cv2.dilate(cv2.erode(np.ascontiguousarray(palest), disc), disc)
    size = (opened.shape[1] * ALIGN_PX, opened.shape[0] * ALIGN_PX)
    background = cv2.resize(opened, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    return np.asarray(cv2.subtract(density, background), np.uint16)


def _convexity(signal: NDArray[np.uint16], parameters: CountParameters, mpp: float) -> NDArray[np.uint16]:
    """Give how convex each place of the blurred picture is, framed; its basins are the fragments."""
    sigma = parameters.sigma_um / mpp
    side = 2 * int(np.ceil(3 * sigma)) + 1
    framed: NDArray[np.uint16] = kernels.convexity(np.asarray(cv2.GaussianBlur(signal, (side, side), sigma), np.uint16))
    return framed


def fragment_contrasts(picture: Picture, parameters: CountParameters, mpp: float) -> NDArray[np.float64]:
    """Give the mean contrast of every fragment of at least 8 µm²: the sample that the threshold is calibrated on."""
    signal = _signal(picture, parameters, mpp)
    sums, areas = basin_kernels.fragments(_convexity(signal, parameters, mpp), signal)
    large = areas * mpp * mpp >= SMALLEST_FRAGMENT_UM2
    return np.asarray((sums / areas / DENSITY_UNIT)[large], np.float64)


def find_nuclei(picture: Picture, parameters: CountParameters, mpp: float) -> Nuclei:
    """Find the nuclei of one window, `uint8 [H, W, 3] RGB` at `mpp` µm per pixel."""
    signal = _signal(picture, parameters, mpp)
    nuclei = cut_nuclei(_nuclear_mask(signal, parameters, mpp), signal, picture, parameters, mpp)
    nuclei = nuclei._replace(mean_signal=nuclei.mean_signal / DENSITY_UNIT)
    return nuclei.where(nuclei.mean_signal >= parameters.detection_threshold)


def cut_nuclei(
    mask: NDArray[np.uint8],
    signal: NDArray[np.uint16],
    picture: Picture,
    parameters: CountParameters,
    mpp: float,
) -> Nuclei:
    """Fill the holes of a mask in place, cut its clumps, measure the parts and keep those of a nucleus's size."""
    if parameters.fill_um2 > 0:
        count, holes = cv2.connectedComponents(1 - mask, connectivity=8)
        kernels.fill_holes(mask, holes, count, int(parameters.fill_um2 / mpp / mpp))
    sums, tops = _parts(mask, signal, picture, parameters)
    area_um2 = sums[:, 0] * mpp * mpp
    nuclear = (area_um2 >= parameters.smallest_um2) & (area_um2 <= parameters.largest_um2) & (tops > DISTANCE_UNIT)
    area, sum_y, sum_x, total, dab = sums[nuclear].T
    return Nuclei(area, sum_x, sum_y, total / area, dab / area / DENSITY_UNIT)


def _nuclear_mask(signal: NDArray[np.uint16], parameters: CountParameters, mpp: float) -> NDArray[np.uint8]:
    """Join the fragments that are dark enough, grown by a pixel within their convex part."""
    framed = _convexity(signal, parameters, mpp)
    threshold, faintest = parameters.detection_threshold * DENSITY_UNIT, FAINTEST_PEAK * DENSITY_UNIT
    dark = basin_kernels.dark_fragments(framed, signal, threshold, faintest)
    grown = cv2.bitwise_and(cv2.dilate(dark, np.ones((3, 3), np.uint8)), (framed > 0).view(np.uint8))
    return np.ascontiguousarray(grown[1:-1, 1:-1], np.uint8)


def _parts(
    mask: NDArray[np.uint8], signal: NDArray[np.uint16], picture: Picture, parameters: CountParameters
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Cut clumps at the waists of the distance transform and measure the parts: sums of each, height of its peak."""
    distance = kernels.in_units(cv2.distanceTransform(mask, cv2.DIST_L2, 5), DISTANCE_UNIT)
    framed = kernels.frame_within(np.asarray(cv2.GaussianBlur(distance, (7, 7), parameters.split_sigma_px)), mask)
    labels, tops, sums = basin_kernels.parts(framed, signal, np.ascontiguousarray(picture), _tables(parameters)[1])
    # Each pixel is compared with four neighbours.
    first, second, saddle = kernels.passes(labels, framed, 4 * int(sums[:, 0].sum()))
    order = np.argsort(saddle, kind="stable")[::-1]
    depth = int(parameters.split_depth_px * DISTANCE_UNIT)
    kernels.add_up(sums, kernels.join_shallow(first, second, saddle, order, tops, depth))
    return sums, tops
