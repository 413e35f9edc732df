from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import openslide
import pytest

from tests.training.learning.conftest import RecordedRun
from tests.training.learning.drawing import INSTANCE_PX, draw_tissue, write_slide
from tests.training.learning.models import GAN, save_classifier, save_generator
from training.learning.classifier import load_classifier
from training.learning.compute import Compute
from training.learning.config import SynthesisConfig
from training.learning.density import slide_density
from training.learning.errors import CheckpointError, ConfigError, StopRequested
from training.learning.files import sha256_of
from training.learning.reading import TargetReader
from training.learning.synthesis import Region, synthesize
from viewer.imaging.foreground import tissue_mask
from viewer.imaging.slides import open_slide

SMALL = SynthesisConfig(core_px=64, halo_px=16, blend_px=16)
NewRun = Callable[[str], RecordedRun]


class Studio:
    """A slide, a generator and a classifier, and a way to paint with them."""

    def __init__(self, folder: Path, compute: Compute, size: int = 300, mpp: float = 0.5) -> None:
        self.slide, self.mpp = folder / "slide.tif", mpp
        write_slide(self.slide, draw_tissue("HE", 0, size), mpp)
        saved = save_classifier(folder / "classifier.safetensors")
        self.classifier = load_classifier(saved.path, compute)
        self.generator = save_generator(folder / "generator.safetensors", saved.sha256).path

    def paint(self, run: RecordedRun, region: Region | None = None, config: SynthesisConfig = SMALL) -> np.ndarray:
        synthesize(run, config, self.slide, self.mpp, self.generator, self.classifier, region)
        with open_slide(run.out / "synthetic.tif") as reader:
            return reader.read_region(0, 0, 0, reader.width_l0, reader.height_l0)


@pytest.fixture
def studio(tmp_path: Path, cpu: Compute) -> Studio:
    return Studio(tmp_path, cpu)


def test_the_synthetic_slide_has_the_frame_of_its_source_and_says_synthetic(studio: Studio, new_run: NewRun) -> None:
    run = new_run("out")
    painted = studio.paint(run)
    assert painted.shape == (300, 300, 3)
    with openslide.OpenSlide(run.out / "synthetic.tif") as slide:
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(0.5)
        assert slide.properties["tiff.ImageDescription"].startswith("SYNTHETIC KI67, computed from HE")
    report = run.report
    assert report["generator"] == sha256_of(studio.generator)
    assert report["sha256"] == sha256_of(run.out / "synthetic.tif")
    # 300 px are ten rows and columns of 32 px patches, the last ones cut off.
    assert sum(report["patches"].values()) == 100
    assert report["patches"]["background"] > 0
    assert run.said("warning") == []


def test_a_region_is_painted_in_place_and_all_else_is_white(studio: Studio, new_run: NewRun) -> None:
    whole = studio.paint(new_run("whole"), config=SynthesisConfig(core_px=64, halo_px=16, blend_px=16, quality=100))
    part = studio.paint(
        new_run("part"), (64, 128, 128, 64), SynthesisConfig(core_px=64, halo_px=16, blend_px=16, quality=100)
    )
    assert part.shape == whole.shape
    outside = np.ones(whole.shape[:2], bool)
    outside[120:200, 56:200] = False  # JPEG blocks of the border are mixed
    assert (part[outside] == 255).all()
    inner = (slice(144, 176), slice(80, 176))
    assert np.abs(part[inner].astype(int) - whole[inner]).mean() < 4
    assert new_run("part").report["region"] == [64, 128, 128, 64]


def test_a_slide_is_painted_as_if_it_were_as_dense_as_those_that_the_generator_learnt_from(
    studio: Studio, tmp_path: Path, cpu: Compute, new_run: NewRun
) -> None:
    config = replace(GAN, generator_norm="none").to_dict()
    sha256 = sha256_of(tmp_path / "classifier.safetensors")
    with open_slide(studio.slide) as reader:
        density = slide_density(TargetReader(reader, 0.5, 0.5), tissue_mask(reader), INSTANCE_PX)
        picture = reader.read_region(0, 0, 0, 300, 300)
    as_scanned = save_generator(tmp_path / "as-scanned.safetensors", sha256, config=config).path
    equal = save_generator(tmp_path / "equal.safetensors", sha256, config=config, source_density=density).path

    def change(generator: Path, name: str) -> float:
        studio.generator = generator
        write_slide(studio.slide, picture, 0.5)
        before = studio.paint(new_run(f"{name} before")).astype(int)
        write_slide(studio.slide, np.rint(255 * (picture / 255) ** 1.3).astype(np.uint8), 0.5)
        return float(np.abs(studio.paint(new_run(f"{name} darker")) - before).mean())

    assert change(equal, "equal") < change(as_scanned, "as scanned") / 3


@pytest.mark.parametrize("region", [(-1, 0, 10, 10), (0, 0, 301, 10), (0, 0, 0, 10)])
def test_a_region_off_the_slide_is_refused_and_nothing_is_written(
    region: Region, studio: Studio, new_run: NewRun
) -> None:
    with pytest.raises(ConfigError, match="does not lie on the slide of 300 × 300 pixels"):
        studio.paint(new_run("out"), region)
    assert not new_run("out").out.exists()


def test_a_slide_of_another_resolution_is_resampled_and_says_so(tmp_path: Path, cpu: Compute, new_run: NewRun) -> None:
    run = new_run("out")
    painted = Studio(tmp_path, cpu, size=600, mpp=0.25).paint(run)
    assert painted.shape == (300, 300, 3)
    assert run.report["mpp"] == 0.5
    assert "resampled from 0.25 to 0.5" in run.said("warning")[0]["message"]


def test_a_classifier_of_another_stain_is_refused(
    studio: Studio, new_run: NewRun, cpu: Compute, tmp_path: Path
) -> None:
    studio.classifier = load_classifier(save_classifier(tmp_path / "other.safetensors", "KI67").path, cpu)
    with pytest.raises(CheckpointError, match="its stain is 'KI67', expected 'HE'"):
        studio.paint(new_run("out"))
    assert not new_run("out").out.exists()


def test_another_classifier_than_in_training_is_warned_of(
    studio: Studio, new_run: NewRun, cpu: Compute, tmp_path: Path
) -> None:
    saved = save_classifier(tmp_path / "later.safetensors", epoch=9)
    studio.classifier = load_classifier(saved.path, cpu)
    studio.paint(new_run("out"))
    assert "not the one the generator was trained with" in new_run("out").report["warnings"][0]


def test_a_generator_with_a_class_channel_needs_a_classifier(studio: Studio, new_run: NewRun) -> None:
    with pytest.raises(ConfigError, match="give the source stain's classifier"):
        synthesize(new_run("out"), SMALL, studio.slide, 0.5, studio.generator, None)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "mil"}, "its kind is 'mil', expected 'cyclegan'"),
        ({"config": {"ngf": 8}}, "shape of generator.0.weight is"),
        ({"config": {"ngx": 8}}, "lacks what a generator needs"),
        ({"config": {"ngf": 10**9}}, "lacks what a generator needs"),
        ({"stains": ["HE"]}, "lacks what a generator needs"),
        ({"target_mpp": None}, "lacks what a generator needs"),
    ],
)
def test_a_generator_checkpoint_that_does_not_fit_is_refused(
    changes: dict[str, object], says: str, studio: Studio, new_run: NewRun
) -> None:
    save_generator(studio.generator, studio.classifier.sha256, **changes)
    with pytest.raises(CheckpointError, match=says):
        studio.paint(new_run("out"))
    assert not new_run("out").out.exists()


def test_nothing_is_left_of_a_slide_when_the_run_is_stopped(studio: Studio, new_run: NewRun) -> None:
    run = new_run("out")
    run.stop.requested = True
    with pytest.raises(StopRequested):
        studio.paint(run)
    assert list(run.out.iterdir()) == []
