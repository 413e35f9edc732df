"""Nuclei by a model from a local ONNX file, in place of the optical densities. docs/counting.md has the contract.

The model sees square windows on a fixed grid of the slide, so its answer for a pixel never depends on the tiling. What
it calls nucleus is cut into cells and measured like any other nucleus.
"""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import UnusableModel
from .nuclei import ALIGN_PX, Nuclei, cut_nuclei
from .onnx_file import read_onnx
from .parameters import CountParameters, ModelCard
from .reader import Picture

KEYS = "counterstain."
WINDOW_RANGE_PX = (64, 1024)
WINDOW_PX, MARGIN_PX, MPP, THRESHOLD = 512, 64, 0.5, 0.5
MPP_RANGE_UM = (0.1, 2.0)
MOST_CHANNELS = 2
# Pixels of the window per pixel of the answer.
STEPS = (1, 2, 4)
PROBABILITY_UNIT = 65535
# Probabilities may pass 0 and 1 by rounding.
SLACK = 1e-3
EVEN = 0.5

# Reads working pixels: x, y, width, height.
Read = Callable[[int, int, int, int], Picture]
Planes = NDArray[np.float32]


class NucleusModel:
    """A loaded model. Threads may share it."""

    def __init__(self, path: Path) -> None:
        """Load a file and try it on a window of noise, which shows most values that are no probability.

        Raises:
            UnusableModel: no ONNX, not in the agreed form, or onnxruntime is not installed.
        """
        path = Path(path)
        content = read_onnx(path)
        try:
            import onnxruntime
        except ImportError as error:
            raise UnusableModel(
                "onnxruntime is not installed, so no model can find nuclei. Install requirements.txt, or count without."
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # What goes wrong is told by exceptions; the library would write it to stderr as well.
        options.log_severity_level = 4
        self._name = path.name
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise self._unusable(_first_line(error)) from error
        self.card = self._read_card(hashlib.sha256(content).hexdigest())
        shape = self.card.window_px, self.card.window_px, 3
        noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        self._channels = len(self._probabilities(noise))

    @property
    def tells_positive(self) -> bool:
        """Whether the model says itself which nuclei are positive, instead of their DAB."""
        return self._channels == MOST_CHANNELS

    def is_positive(self, nuclei: Nuclei, parameters: CountParameters) -> NDArray[np.bool_]:
        """Say which nuclei are positive: by the model's second plane, else by their DAB."""
        return nuclei.mean_signal > EVEN if self.tells_positive else nuclei.dab > parameters.dab_threshold

    def find(
        self, read: Read, left: int, top: int, width: int, height: int, parameters: CountParameters, mpp: float
    ) -> Nuclei:
        """Find the nuclei of a rectangle of working pixels, `mpp` µm each; `mean_signal` is of the last plane."""
        core, margin = self.card.window_px - 2 * self.card.margin_px, self.card.margin_px
        x0, y0 = left // core * core, top // core * core
        columns, rows = -(-(left + width - x0) // core), -(-(top + height - y0) // core)
        picture = read(x0 - margin, y0 - margin, columns * core + 2 * margin, rows * core + 2 * margin)
        planes = np.zeros((self._channels, rows * core, columns * core), np.float32)
        for row in range(rows):
            for column in range(columns):
                y, x = row * core, column * core
                window = picture[y : y + self.card.window_px, x : x + self.card.window_px]
                planes[:, y : y + core, x : x + core] = self._probabilities(window)[:, margin:-margin, margin:-margin]
        inside = np.ascontiguousarray(planes[:, top - y0 : top - y0 + height, left - x0 : left - x0 + width])
        shown = picture[top - y0 + margin :, left - x0 + margin :][:height, :width]
        mask = (inside[0] > self.card.threshold).astype(np.uint8)
        said = np.round(np.clip(inside[-1], 0, 1) * PROBABILITY_UNIT).astype(np.uint16)
        nuclei = cut_nuclei(mask, said, np.ascontiguousarray(shown), parameters, mpp)
        return nuclei._replace(mean_signal=nuclei.mean_signal / PROBABILITY_UNIT)

    def _probabilities(self, window: Picture) -> Planes:
        """Run the model on one window: `float32 [channels, window, window]`, checked."""
        mean, deviation = (np.asarray(values, np.float32) for values in (self.card.mean, self.card.deviation))
        scaled = ((window.astype(np.float32) / 255 - mean) / deviation).transpose(2, 0, 1)[None]
        try:
            (answer,) = self._session.run([self._output], {self._input: np.ascontiguousarray(scaled, np.float32)})
        except Exception as error:
            raise self._unusable(_first_line(error)) from error
        side = self.card.window_px
        shape = np.shape(answer)
        if len(shape) != 4 or shape[0] != 1 or not 1 <= shape[1] <= MOST_CHANNELS or shape[2] != shape[3]:
            raise self._unusable(f"it answers with {shape}; (1, 1 or 2, side, side) was expected")
        if shape[2] < 1 or side / shape[2] not in STEPS:
            raise self._unusable(f"it answers {side} pixels by {shape[2]}; every 1, 2 or 4 pixels was expected")
        if answer.dtype != np.float32:
            raise self._unusable(f"it answers in {answer.dtype}; float32 was expected")
        if not (np.isfinite(answer).all() and answer.min() >= -SLACK and answer.max() <= 1 + SLACK):
            raise self._unusable("it answers with values off 0 to 1; probabilities were expected, end with a sigmoid")
        step = side // shape[2]
        planes: Planes = answer[0].repeat(step, 1).repeat(step, 2)
        return planes

    def _read_card(self, sha256: str) -> ModelCard:
        """Read the agreed values from the file's metadata, and names and size from its input and output."""
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
            found = ", ".join(f"{given.name} {given.type} {given.shape}" for given in inputs) or "none"
            raise self._unusable(f"its inputs are {found}; one of float32 [1, 3, side, side] was expected")
        self._input, self._output = inputs[0].name, outputs[0].name
        batch, channels, height, width = inputs[0].shape
        if channels not in (3, None) and not isinstance(channels, str):
            raise self._unusable(f"it takes {channels} channels; 3 (RGB) were expected")
        if isinstance(batch, int) and batch != 1:
            raise self._unusable(f"it takes {batch} pictures at once; 1 was expected")
        if isinstance(height, int) and isinstance(width, int) and height != width:
            raise self._unusable(f"it takes pictures of {width} × {height}; squares were expected")
        fixed = next((side for side in (height, width) if isinstance(side, int)), None)
        window = int(self._number("window_px", fixed or WINDOW_PX, *WINDOW_RANGE_PX))
        if fixed is not None and window != fixed:
            raise self._unusable(f"it takes windows of {fixed} pixels and its metadata says {window}")
        margin = int(self._number("margin_px", min(MARGIN_PX, window // 4), 1, window // 2 - 1))
        if window % ALIGN_PX or (window - 2 * margin) < ALIGN_PX or margin % ALIGN_PX:
            raise self._unusable(f"window {window} and margin {margin} must be multiples of {ALIGN_PX}")
        return ModelCard(
            name=self._name,
            sha256=sha256,
            mpp=self._number("mpp", MPP, *MPP_RANGE_UM),
            window_px=window,
            margin_px=margin,
            threshold=self._number("threshold", THRESHOLD, 0.01, 0.99),
            mean=self._triple("mean", 0.0, -10, 10),
            deviation=self._triple("deviation", 1.0, 1e-3, 10),
        )

    def _number(self, key: str, otherwise: float, least: float, most: float) -> float:
        return self._within(key, self._metadata().get(KEYS + key, str(otherwise)), least, most)

    def _triple(self, key: str, otherwise: float, least: float, most: float) -> tuple[float, float, float]:
        parts = self._metadata().get(KEYS + key, ",".join([str(otherwise)] * 3)).split(",")
        if len(parts) != 3:
            raise self._unusable(f"its metadata says {KEYS}{key} {','.join(parts)[:40]}; three numbers were expected")
        red, green, blue = (self._within(key, part, least, most) for part in parts)
        return red, green, blue

    def _within(self, key: str, text: str, least: float, most: float) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise self._unusable(f"its metadata says {KEYS}{key} {text[:40]}; {least:g} to {most:g} was expected")
        return value

    def _metadata(self) -> dict[str, Any]:
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def _unusable(self, why: str) -> UnusableModel:
        return UnusableModel(f"{self._name} cannot be used to find nuclei: {why}. See docs/counting.md.")


def _first_line(error: Exception) -> str:
    """Shorten what the library says to one line."""
    return " ".join(str(error).split())[:300].rstrip(". ")
