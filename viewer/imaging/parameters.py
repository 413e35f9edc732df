"""What decides which pixels are a nucleus and which nuclei are positive; frozen, so that a pair is counted alike."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from .stain import DAB, HAEMATOXYLIN

# Raise this when the same picture and parameters would give other cells.
METHOD = "hdab-nuclei"
METHOD_VERSION = 2
# Nuclei found by a model and measured like the others; the version is the same.
MODEL_METHOD = "onnx-nuclei"

SENSITIVITY_THRESHOLDS = (0.1, 0.2, 0.3)
# QuPath's default cut, the one that published figures use.
DAB_THRESHOLD = 0.2
WORKING_MPP = 0.5


@dataclass(frozen=True)
class ModelCard:
    """Which model found the nuclei, and how it was asked."""

    name: str
    sha256: str
    mpp: float
    """µm per pixel that it was made for."""
    window_px: int
    """Side of the square it sees at once."""
    margin_px: int
    """What is thrown away at each edge of that square."""
    threshold: float
    """Probability above which a pixel is nucleus."""
    mean: tuple[float, float, float]
    """Taken off red, green and blue, which lie in 0 to 1."""
    deviation: tuple[float, float, float]
    """What they are divided by then."""

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read the JSON form back."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()
        }
        return cls(**values)


@dataclass(frozen=True)
class CountParameters:
    """Parameters of one count; `calibrate` sets the first four from a slide, the others are the method's."""

    white_point: tuple[float, float, float] = (255.0, 255.0, 255.0)
    """Grey level of unstained glass per channel."""
    detection_threshold: float = 0.05
    """Least mean contrast (weighted optical density above the background) of a nucleus."""
    dab_threshold: float = DAB_THRESHOLD
    """Mean DAB density above which a nucleus is positive, as calibrated or given by hand."""
    dab_threshold_calibrated: float | None = None
    """The same as calibrated on the slide; None when it was not calibrated."""
    calibrated_on: str = ""
    """What the calibration was done on, in words; empty: the defaults were used."""
    fragments: int = 0
    """How many fragments the calibration rests on; 2,000 or more are wanted."""
    warnings: tuple[str, ...] = ()
    """What to know before trusting the calibration."""
    working_mpp: float = WORKING_MPP
    """µm per pixel that pictures are halved towards."""
    weights: tuple[float, float, float] = (1.0, 0.5, 0.1)
    """Weight of the red, green and blue density in the sum that nuclei are sought in."""
    background_um: float = 8.0
    """Radius of the opening that gives the background."""
    sigma_um: float = 1.5
    """Blur before the Laplacian."""
    smallest_um2: float = 10.0
    """Least area of a nucleus."""
    largest_um2: float = 400.0
    """Largest area of a nucleus."""
    fill_um2: float = 60.0
    """Holes up to this area are filled."""
    split_sigma_px: float = 0.8
    """Blur of the distance transform."""
    split_depth_px: float = 0.6
    """A waist shallower than this does not cut a clump."""
    haematoxylin: tuple[float, float, float] = HAEMATOXYLIN
    """Optical-density vector, Ruifrok & Johnston 2001."""
    dab: tuple[float, float, float] = DAB
    """Optical-density vector, Ruifrok & Johnston 2001."""
    model: ModelCard | None = None
    """The model that finds the nuclei; None: they are found by optical density."""

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form, with the method and its version; `model` is there only where one was used."""
        values = asdict(self)
        if self.model is None:
            del values["model"]
        method = METHOD if self.model is None else MODEL_METHOD
        return {"method": method, "method_version": METHOD_VERSION, **values}

    def overridden(self, detection_threshold: float | None = None, dab_threshold: float | None = None) -> Self:
        """Replace calibrated thresholds by hand; None keeps one."""
        changes: dict[str, Any] = {"detection_threshold": detection_threshold, "dab_threshold": dab_threshold}
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def with_model(self, card: ModelCard | None) -> Self:
        """Find nuclei by a model, at the resolution it was made for; None: by optical density."""
        if card == self.model:
            return self
        return replace(self, model=card, working_mpp=card.mpp if card else WORKING_MPP)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read the JSON form back.

        Raises:
            ValueError: a parameter that this method does not have, or another method's.
        """
        if stored.get("method", METHOD) not in (METHOD, MODEL_METHOD):
            raise ValueError(f"The parameters are for {stored['method']!r}; {METHOD!r} was expected.")
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in stored.items()
            if key not in ("method", "method_version")
        }
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"Unknown parameters: {', '.join(sorted(unknown))}.")
        if values.get("model") is not None:
            values["model"] = ModelCard.from_dict(values["model"])
        return cls(**values)
