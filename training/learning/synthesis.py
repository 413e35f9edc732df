"""A run of kind `synthesis`: a slide painted in the target stain, as a pyramid that says SYNTHETIC.

Every patch of the grid gets its class from the source stain's classifier (background is normal without asking), then
tiles are painted row by row; background is painted too. Memory does not grow with the height of the slide.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.learning.checkpoint import CODE_VERSION, expect, load, load_weights
from training.learning.classifier import Classifier
from training.learning.compute import Compute
from training.learning.conditioning import class_values
from training.learning.config import CycleGanConfig, SynthesisConfig
from training.learning.cyclegan import build_generator
from training.learning.density import equalize
from training.learning.errors import CheckpointError, ConfigError, DiskFull
from training.learning.files import sha256_of
from training.learning.folding import spare_memory
from training.learning.painting import Floats, Painter, core_within
from training.learning.reading import TargetReader
from training.learning.run import Run, Ticker
from training.learning.store import Pixels
from viewer.imaging import errors as imaging
from viewer.imaging.colour import Colour
from viewer.imaging.foreground import tissue_mask
from viewer.imaging.pyramid import PyramidWriter
from viewer.imaging.slides import SlideReader, open_slide

Region = tuple[int, int, int, int]  # x, y, width, height in level-0 pixels


class ClassMap:
    """The class of each patch of a slide's grid, asked for row by row and kept for one row."""

    def __init__(
        self,
        target: TargetReader,
        tissue_share: Callable[[int, int], float],
        classifier: Classifier,
        patch_px: int,
        background_share: float,
        soft: bool,
    ) -> None:
        """Classify patches of `patch_px` on the grid from (0, 0); `tissue_share` takes a patch's x and y."""
        self._target, self._tissue_share, self._classifier = target, tissue_share, classifier
        self._patch_px, self._background_share, self._soft = patch_px, background_share, soft
        self._columns = -(-target.width // patch_px)
        self._row, self._classes = -1, np.empty(0, np.float32)
        self.counts = {"tumor": 0, "normal": 0, "background": 0}

    def __call__(self, y: int, xs: list[int]) -> Floats:
        """Return the classes of the patches that hold the points (x, y)."""
        row = y // self._patch_px
        if row != self._row:
            self._row, self._classes = row, self._classify(row)
        return self._classes[[min(x // self._patch_px, self._columns - 1) for x in xs]]

    def _classify(self, row: int) -> Floats:
        side, y = self._patch_px, row * self._patch_px
        tissue = np.array([self._tissue_share(column * side, y) for column in range(self._columns)], np.float32)
        asked = np.flatnonzero(tissue >= self._background_share)
        probabilities = np.zeros(self._columns, np.float32)
        for start in range(0, len(asked), 64):
            columns = asked[start : start + 64]
            left, right = int(columns[0]) * side, (int(columns[-1]) + 1) * side
            strip = self._target.read(left, y, right - left, side)
            pixels = np.stack([strip[:, column * side - left : column * side - left + side] for column in columns])
            probabilities[columns] = self._classifier.probabilities(pixels)
        classes = class_values(probabilities, tissue, self._classifier.threshold, self._background_share, self._soft)
        self.counts["tumor"] += int((classes[asked] > 0).sum())
        self.counts["normal"] += int((classes[asked] <= 0).sum())
        self.counts["background"] += self._columns - len(asked)
        return classes


def synthesize(
    run: Run,
    config: SynthesisConfig,
    slide: Path,
    mpp: float,
    generator_path: Path,
    classifier: Classifier | None,
    region: Region | None = None,
    colour: Colour = "native",
) -> None:
    """Write OUT/synthetic.tif and OUT/report.json. `colour`: how the slide's pixels are read.

    The picture has the slide's frame at the generator's resolution; with a region, what lies outside it is white.

    Raises:
        LearningError: a checkpoint does not fit, or the region does not lie on the slide.
        StopRequested: asked to stop; nothing is left of the half-written slide.
    """
    generator, trained, metadata = load_generator(generator_path, run.compute)
    patch_px = int(metadata["instance_px"])
    if trained.class_channel:
        if classifier is None:
            raise ConfigError("The generator was trained with a class channel; give the source stain's classifier.")
        check_classifier(classifier, metadata, generator_path.name)
        # Painting takes ten times as long as scoring: memory is scarcer here than time.
        spare_memory(classifier.net)
        if classifier.sha256 != metadata["classifiers"][0]:
            run.reporter.warning(
                "The classifier is not the one the generator was trained with "
                f"({classifier.sha256[:12]}…, not {str(metadata['classifiers'][0])[:12]}…)."
            )
    with open_slide(slide, colour) as reader:
        target = TargetReader(reader, mpp, float(metadata["target_mpp"]))
        if target.resampled:
            run.reporter.warning(f"The slide is resampled from {mpp:g} to {target.mpp:g} µm per pixel.")
        window = _window_of(region, reader, target)
        mask = tissue_mask(reader)
        equalize(target, mask, patch_px, metadata.get("source_density"))
        classes: Callable[[int, list[int]], Floats] = _no_class
        class_map = None
        if classifier is not None and trained.class_channel:
            class_map = ClassMap(
                target,
                lambda x, y: target.tissue(mask, x, y, patch_px),
                classifier,
                patch_px,
                config.background_share,
                trained.class_plane == "soft",
            )
            classes = class_map
        painter = Painter(
            generator,
            trained.class_channel,
            core_within(config.core_px, patch_px),
            config.halo_px,
            min(config.blend_px, core_within(config.core_px, patch_px)),
            config.batch_size,
            run.compute,
            flowing_statistics=config.norm_statistics == "flowing" and trained.generator_norm == "instance",
            flowing_class=config.class_between_tiles == "flowing",
        )
        _paint_slide(run, config, painter, target, classes, window, _description(metadata, generator_path))
    report: dict[str, Any] = {
        "kind": "synthesis",
        "config": config.to_dict(),
        "stains": metadata["stains"],
        "generator": sha256_of(generator_path),
        "classifier": None if classifier is None else classifier.sha256,
        "width": target.width,
        "height": target.height,
        "mpp": target.mpp,
        "region": region,
        "patches": None if class_map is None else class_map.counts,
        "sha256": sha256_of(run.out / "synthetic.tif"),
        "size_bytes": (run.out / "synthetic.tif").stat().st_size,
        "independent_validation": metadata.get("independent_validation"),
    }
    run.finish(report)


def _paint_slide(
    run: Run,
    config: SynthesisConfig,
    painter: Painter,
    target: TargetReader,
    classes: Callable[[int, list[int]], Floats],
    window: Region,
    description: str,
) -> None:
    """Paint the window of the slide, in target pixels, into the pyramid; all else is white."""
    left, top, width, height = window
    ticker = Ticker(run, -(-height // painter.core_px), 1, epoch=1, message="Painting")
    try:
        with PyramidWriter(
            run.out / "synthetic.tif", target.width, target.height, target.mpp, description, quality=config.quality
        ) as writer:
            _write_white(writer, top, target.width)

            def read(x: int, y: int, columns: int, rows: int) -> Pixels:
                return target.read(left + x, top + y, columns, rows)

            def class_of(y: int, xs: list[int]) -> Floats:
                return classes(min(top + y, target.height - 1), [left + x for x in xs])

            for strip in painter.paint(read, class_of, width, height, tick=ticker):
                if width < target.width:
                    whole = np.full((len(strip), target.width, 3), 255, np.uint8)
                    whole[:, left : left + width] = strip
                    strip = whole
                writer.write_rows(strip)
            _write_white(writer, target.height - top - height, target.width)
    except imaging.DiskFull as full:
        raise DiskFull(str(full)) from full


def _write_white(writer: PyramidWriter, rows: int, width: int) -> None:
    for start in range(0, rows, 256):
        writer.write_rows(np.full((min(256, rows - start), width, 3), 255, np.uint8))


def _window_of(region: Region | None, reader: SlideReader, target: TargetReader) -> Region:
    """Turn a region in level-0 pixels into target pixels."""
    if region is None:
        return 0, 0, target.width, target.height
    x, y, width, height = region
    inside = min(x, y) >= 0 and x + width <= reader.width_l0 and y + height <= reader.height_l0
    if not inside or min(width, height) < 1:
        raise ConfigError(
            f"The region {region} does not lie on the slide of {reader.width_l0} × {reader.height_l0} pixels; give "
            "x, y, width and height in level-0 pixels."
        )
    left, top = round(x / target.scale), round(y / target.scale)
    right, bottom = round((x + width) / target.scale), round((y + height) / target.scale)
    right, bottom = min(right, target.width), min(bottom, target.height)
    return left, top, max(1, right - left), max(1, bottom - top)


def _no_class(y: int, xs: list[int]) -> Floats:
    return np.zeros(len(xs), np.float32)


def _description(metadata: dict[str, Any], generator_path: Path) -> str:
    source, target = metadata["stains"]
    return (
        f"SYNTHETIC {target}, computed from {source}; no stained tissue. Not for diagnosis. "
        f"Generator {sha256_of(generator_path)[:12]}, epoch {metadata.get('epoch')}, Counterstain {CODE_VERSION}."
    )


def check_classifier(classifier: Classifier, metadata: dict[str, Any], name: str) -> None:
    """Refuse a classifier of another stain, resolution or patch size than the generator's."""
    expect("The classifier", "stain", classifier.stain, metadata["stains"][0])
    expect("The classifier", "target_mpp", classifier.target_mpp, metadata["target_mpp"])
    expect("The classifier", f"instance_px (for {name})", classifier.instance_px, metadata["instance_px"])


def load_generator(path: Path, compute: Compute) -> tuple[torch.nn.Module, CycleGanConfig, dict[str, Any]]:
    """Load the generator from source to target stain, with its configuration and metadata.

    Raises:
        CheckpointError: damaged, of another kind, or incomplete.
    """
    metadata, tensors = load(path, "cyclegan")
    try:
        config = CycleGanConfig.from_dict(metadata["config"])
        source, target = metadata["stains"]
        complete = all(isinstance(stain, str) for stain in (source, target)) and float(metadata["target_mpp"]) > 0
        density = metadata.get("source_density") or [1.0, 1.0, 1.0]
        complete = complete and len(density) == 3 and min(float(each) for each in density) > 0
        if not complete or len(metadata["classifiers"]) != 2 or int(metadata["instance_px"]) < 16:
            raise ValueError("its metadata make no sense")
        with torch.device("meta"):
            generator = build_generator(config)
    except (KeyError, TypeError, ValueError, ConfigError) as broken:
        raise CheckpointError(f"{path.name} lacks what a generator needs ({broken}); train it again.") from None
    load_weights(generator, tensors, "generator.", path.name)
    return generator.to(compute.device).eval(), config, metadata
