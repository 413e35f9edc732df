"""What a study draws and trains: `tiny` (everything runs, minutes), `cpu` (about two hours), `paper` (wants a GPU).

The paper's study: ten cases, consecutive sections of two stains, seven to train on and three held out (Xu et al. 2020,
Table 1). Validation lies inside the seven.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from training.learning.config import CycleGanConfig, MilConfig, SynthesisConfig, preset
from training.learning.errors import ConfigError

# The pair that is drawn. Nothing else in the learning core knows these words.
SOURCE, TARGET = "HE", "KI67"
# The true virtual stain: the source's own section, stained as the target would be.
TWIN = "TWIN"
MPP = 0.5


@dataclass(frozen=True)
class CaseSpec:
    """One case: its block, how it was stained, and the scanners that saw its two sections."""

    name: str
    seed: int
    split: str
    low_positive: bool
    ki67_low: float
    ki67_high: float
    counterstain: float
    dab_strength: float
    density_gain: dict[str, tuple[float, float, float]]
    """Per stain: how much denser (above 1) or paler each channel is, by reagent, thickness and scanner."""
    blur_px: dict[str, float]
    """Per stain: how far out of focus the scan is, the sigma of a Gauss in pixels."""


@dataclass(frozen=True)
class Profile:
    """The size of a study."""

    name: str
    size_px: int
    """Side of each square slide at 0.5 µm per pixel."""
    patch_px: int
    """Side of a bag. Paper: 2240."""
    tumor_extent: float
    """Share of a block's width that may hold tumour nests; the rest gives normal bags."""
    tumor_share: float
    """Share of the tissue within that extent that is tumour nest."""
    presets: str
    """Preset that the runs start from."""
    painted_training_cases: int
    """Training cases that are painted too, for the training row of Table 3."""
    mil: dict[str, Any] = field(default_factory=dict)
    cyclegan: dict[str, Any] = field(default_factory=dict)
    synthesis: dict[str, Any] = field(default_factory=dict)
    instance_px: int = 224
    region_px: int = 448
    """Side of a cell of the regional maps."""
    cases: int = 10
    held_out: int = 3
    validation: int = 2
    seed: int = 2020

    def case_specs(self) -> list[CaseSpec]:
        """Return the cases: training, validation, held out; the last of each kind has few positive cells."""
        splits = ["train"] * (self.cases - self.held_out - self.validation)
        splits += ["validation"] * self.validation + ["test"] * self.held_out
        specs = []
        for number, split in enumerate(splits):
            rng = np.random.default_rng([self.seed, number])
            low = number + 1 == len(splits) or splits[number + 1] != split
            gains = {
                stain: _triple(1 + rng.uniform(-0.05, 0.05) + rng.normal(0, 0.02, 3)) for stain in (SOURCE, TARGET)
            }
            blurs = {stain: round(float(rng.choice([0.0, 0.0, 0.4, 0.7])), 2) for stain in (SOURCE, TARGET)}
            specs.append(
                CaseSpec(
                    name=f"case{number + 1:02d}",
                    seed=self.seed + number,
                    split=split,
                    low_positive=low,
                    ki67_low=0.01 if low else 0.05,
                    ki67_high=0.15 if low else round(float(rng.uniform(0.5, 0.8)), 3),
                    counterstain=round(float(rng.uniform(0.31, 0.37)), 3),
                    dab_strength=round(float(rng.uniform(0.66, 0.78)), 3),
                    density_gain=gains,
                    blur_px=blurs,
                )
            )
        return specs

    def mil_config(self, threads: int) -> MilConfig:
        """Return the classifiers' configuration."""
        config = preset("mil", self.presets)
        assert isinstance(config, MilConfig)
        return replace(config, **self.mil, threads=threads)

    def cyclegan_config(self, threads: int, seed: int = 0, class_channel: bool = True) -> CycleGanConfig:
        """Return the CycleGAN's configuration."""
        config = preset("cyclegan", self.presets)
        assert isinstance(config, CycleGanConfig)
        return replace(config, **self.cyclegan, threads=threads, seed=seed, class_channel=class_channel)

    def synthesis_config(self, threads: int) -> SynthesisConfig:
        """Return the painting's configuration."""
        config = preset("synthesis", self.presets)
        assert isinstance(config, SynthesisConfig)
        return replace(config, **self.synthesis, threads=threads)


def _triple(values: Any) -> tuple[float, float, float]:
    red, green, blue = (round(float(value), 4) for value in values)
    return red, green, blue


PROFILES = {
    "tiny": Profile(
        name="tiny",
        size_px=896,
        patch_px=224,
        tumor_extent=0.5,
        tumor_share=0.6,
        presets="tiny",
        painted_training_cases=1,
        mil={"epochs": 2, "instances_per_bag": 0},
        cyclegan={"steps_per_epoch": 20, "warm_steps": 60, "patches_per_slide": 0},
        instance_px=112,
        region_px=224,
    ),
    "cpu": Profile(
        name="cpu",
        size_px=3584,
        patch_px=896,
        tumor_extent=0.5,
        tumor_share=0.5,
        presets="cpu",
        painted_training_cases=2,
        # Three times the bags of the demo, so fewer rounds make as many steps.
        mil={"rounds_per_epoch": 2},
        # Without instance norm the class reaches every pixel, glass stays white and no seam shows (docs/study.md).
        cyclegan={
            "epochs": 8,
            "steps_per_epoch": 375,
            "selection": "positive_ratio",
            "validation_fields": 12,
            "generator_norm": "none",
            "discriminator_norm": "none",
            "upsampling": "resized",
            "generator_loss": "lsgan",
            "source_density": "equal",
            "tumor_draws": 0.5,
            "learning_rate_g": 3e-4,
            "learning_rate_d": 3e-4,
        },
    ),
    # Bags near Table 1 (394 H&E and 437 Ki-67 bags of seven cases, four in five tumour), its 34,121 patches, its keys.
    "paper": Profile(
        name="paper",
        size_px=17_920,
        patch_px=2240,
        tumor_extent=0.8,
        tumor_share=0.5,
        presets="paper",
        painted_training_cases=7 - 2,
        cyclegan={"patches_per_slide": 34_121 // 7},
    ),
}


def profile(name: str) -> Profile:
    """Return a profile by name."""
    if name not in PROFILES:
        raise ConfigError(f"There is no profile {name!r}; expected one of {', '.join(PROFILES)}.")
    return PROFILES[name]
