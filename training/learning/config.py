"""What a run can be told. The defaults are the paper's (preset "paper"); each key says its unit and its source.

"Paper" is Xu et al. 2020, doi 10.3389/fmolb.2020.571180. Where the paper is silent or can be read in two ways, the
key's text says which reading is the default and why. This file imports no torch: services and pages read it.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from training.learning.errors import ConfigError
from training.learning.options import Option, RunConfig
from training.learning.presets import PRESET_KEYS


@dataclass(frozen=True)
class MilConfig(RunConfig):
    """A classifier of instances into tumour and normal, from labels of large patches."""

    kind: ClassVar[str] = "mil"

    epochs: int = 100
    """Epochs; each scores all instances, then trains on the picks. Paper: 100."""

    learning_rate: float = 1e-4
    """Adam's learning rate. Paper: 0.0001, constant."""

    weight_decay: float = 1e-4
    """Adam's L2 term. The paper is silent; Campanella et al. 2019, whose other settings equal the paper's, use 1e-4."""

    batch_size: int = 32
    """Picked instances per training step. The paper is silent."""

    score_batch_size: int = 128
    """Instances scored at a time; a matter of memory only."""

    width: int = 64
    """Channels of the first stage, a multiple of 8. Paper: ResNet34, 64."""

    stages: tuple[int, ...] = (3, 4, 6, 3)
    """Residual blocks of the four stages. Paper: ResNet34, 3, 4, 6, 3."""

    init_weights: str = ""
    """Path of ImageNet weights (safetensors, torchvision's names, the last layer is left out); empty starts at random.
    The paper is silent; Campanella et al. start from ImageNet."""

    normalization: Literal["campanella", "imagenet"] = "campanella"
    """Input scaling: mean .5 and deviation .1 (Campanella et al. 2019), or ImageNet's, for ImageNet weights.
    The paper is silent."""

    input_reduction: int = 1
    """Instances are shrunk by this factor before the network sees them. Differs from the paper: it uses 1;
    2 makes a CPU four times as fast."""

    background_share: float = 0.05
    """Instances with less tissue than this (Otsu, 0 to 1) are dropped. Paper: background is removed; no share given."""

    instances_per_bag: int = 0
    """Instances of each bag that are drawn and scored in an epoch; 0 scores all. Differs from the paper: it scores all;
    a draw makes epochs short where there are few bags."""

    picks_per_bag: int = 1
    """Highest instances of each bag that are trained on. Paper: 1."""

    rounds_per_epoch: int = 1
    """Times an epoch scores and trains before it is validated and saved. Paper: 1; more makes sense with a draw."""

    augment: bool = False
    """Flip and turn the picks by quarter turns. The paper is silent."""

    ema_decay: float = 0.0
    """Share of the old weights that the averaged copy keeps at each step; the averaged copy is what is validated and
    saved. 0 saves the trained weights themselves. Differs from the paper: it averages nothing."""

    threshold: float = 0.5
    """Probability from which an instance counts as tumour. The paper is silent."""

    threshold_from: Literal["fixed", "validation"] = "fixed"
    """fixed: the threshold above. validation: each epoch takes the threshold that separates the instances of tumour
    and normal validation bags best. Differs from the paper, which mentions no calibration."""

    selection: Literal["balanced_error", "separation"] = "balanced_error"
    """How the best epoch is found on the validation bags. balanced_error: mean error rate of tumour and normal bags,
    ties go to the lower loss (Campanella et al. 2019; the paper names no measure). separation: how often an instance
    of a tumour bag scores above one of a normal bag, which is steadier where there are few bags."""

    max_seconds: int = 0
    """End after the epoch in which this many seconds have passed; 0 never. Such an end is not repeatable."""

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        for key in ("epochs", "batch_size", "score_batch_size", "input_reduction", "picks_per_bag", "rounds_per_epoch"):
            self._require(getattr(self, key) >= 1, key, "1 or more")
        # torch 2.13 writes past its buffers in channels-last convolutions of other widths on CPUs with AVX2.
        self._require(8 <= self.width <= 512 and self.width % 8 == 0, "width", "a multiple of 8 from 8 to 512")
        sound = len(self.stages) == 4 and all(1 <= blocks <= 64 for blocks in self.stages)
        self._require(sound, "stages", "four numbers from 1 to 64")
        self._require(self.learning_rate > 0, "learning_rate", "more than 0")
        self._require(self.weight_decay >= 0, "weight_decay", "0 or more")
        self._require(self.instances_per_bag >= 0, "instances_per_bag", "0 (all) or more")
        self._require(self.max_seconds >= 0, "max_seconds", "0 (no limit) or more")
        self._require(0 <= self.background_share < 1, "background_share", "a share from 0 to below 1")
        self._require(0 < self.threshold < 1, "threshold", "a probability between 0 and 1")
        self._require(0 <= self.ema_decay < 1, "ema_decay", "a share from 0 to below 1")


@dataclass(frozen=True)
class CycleGanConfig(RunConfig):
    """The class-conditional CycleGAN between two stains."""

    kind: ClassVar[str] = "cyclegan"

    epochs: int = 100
    """Epochs. Paper: 100."""

    steps_per_epoch: int = 0
    """Training steps of an epoch; 0 goes once through the larger stain. Differs from the paper when set."""

    batch_size: int = 1
    """Patches of each stain per step. The paper is silent; CycleGAN uses 1."""

    ngf: int = 64
    """Channels of the generators' first layer. Paper, Table 2: 64."""

    ndf: int = 64
    """Channels of the discriminators' first layer. Paper, Table 2: 64."""

    n_blocks: int = 1
    """Residual blocks in the middle of a generator. Table 2 lists one pair of convolutions, read as one block; the text
    says "more complicated" than CycleGAN, which has 9."""

    generator_norm: Literal["instance", "none"] = "instance"
    """instance: each channel by its mean and deviation over the patch (Table 2). none: no norm. Differs from the paper:
    instance norm takes away what is constant over a patch, the class plane and its darkness, lifts faint fibres of a
    patch with few nuclei to the contrast of nuclei, and makes every pixel depend on all else on its tile."""

    discriminator_norm: Literal["instance", "none"] = "instance"
    """The same for the discriminators. Differs from the paper when none: behind an instance norm a discriminator sees
    neither whether glass is white nor how much fainter than nuclei fibres are."""

    upsampling: Literal["transposed", "resized"] = "transposed"
    """transposed: the generators end with transposed convolutions (Table 2), which leave a fine checker. resized:
    double the size, then convolve, with as many weights and four times the work. Differs from the paper."""

    class_channel: bool = True
    """Give the networks the patch's class as a plane of -1 (normal) or +1 (tumour). Paper: yes; false is the ablation
    of its Figure 11."""

    d_conditional: bool = True
    """The discriminators see the class plane too. Table 2 omits the plane for both networks alike; Mirza & Osindero
    2014, whom it follows, condition both."""

    class_plane: Literal["hard", "soft"] = "hard"
    """hard: the class, -1 or +1. soft: twice the classifier's probability minus 1. Paper: "class label"."""

    generator_loss: Literal["logit", "sigmoid", "lsgan"] = "logit"
    """How the generators are judged. logit: squared error of the discriminator's logit to 1; sigmoid: of its
    probability to 1, the paper's words taken literally, which saturates; both with binary cross-entropy for the
    discriminators, as the paper says. lsgan: squared error of the logit for both, as raw CycleGAN."""

    d_output: Literal["average", "map"] = "average"
    """average: one logit a patch (Table 2: AveragePool). map: one logit a position, as in PatchGAN."""

    cycle_loss: Literal["l1", "mse"] = "l1"
    """Distance between a patch and its way there and back. The paper is silent; CycleGAN uses L1."""

    cycle_weight: float = 10.0
    """Weight of the cycle loss. The paper is silent; CycleGAN uses 10."""

    identity_weight: float = 0.0
    """Weight of the identity loss, as a share of cycle_weight; 0 is none. The paper is silent; CycleGAN paints
    with 0.5."""

    pool_size: int = 50
    """Earlier synthetic patches that the discriminators are shown again. The paper is silent; CycleGAN uses 50."""

    learning_rate_g: float = 1e-4
    """Adam's learning rate of the generators. Paper: 0.0001."""

    learning_rate_d: float = 1e-4
    """Adam's learning rate of the discriminators. Paper: 0.0001."""

    beta1: float = 0.5
    """Adam's first decay. The paper is silent; CycleGAN uses 0.5."""

    beta2: float = 0.999
    """Adam's second decay. The paper is silent; CycleGAN uses 0.999."""

    lr_decay_from: float = 1.0
    """Share of the steps after which the learning rates fall in a line to 0; 1 keeps them. Differs from the paper when
    below 1: it names one constant rate."""

    warm_steps: int = 0
    """Steps at the start in which both generators only learn to return their input. Differs from the paper, which is
    silent on the start; without it a small run tends to invert the colours."""

    warm_learning_rate: float = 1e-3
    """Adam's learning rate during the warm start."""

    ema_decay: float = 0.0
    """Share of the old weights that the averaged generators keep at each step; the averaged ones are validated and
    saved. 0 saves the trained ones themselves. Differs from the paper: it averages nothing."""

    crop_px: int = 0
    """Side of the square cut at random from each patch, at the target mpp; 0 takes whole patches. Paper: 224, whole."""

    augment: bool = False
    """Flip and turn the patches by quarter turns. The paper is silent."""

    background_share: float = 0.05
    """Patches with less tissue than this (Otsu, 0 to 1) are normal whatever the classifier says: it never saw
    background. The paper is silent."""

    background_draws: float = -1.0
    """Share of the draws that go to background patches; -1 draws all patches alike. Paper: background is kept."""

    tumor_draws: float = -1.0
    """Share of the draws, in both stains, that go to patches of class tumour; -1 draws all patches alike. Differs from
    the paper when set: a short run on slides that hold little tumour else sees too few positive nuclei to paint any."""

    source_density: Literal["as_scanned", "equal"] = "as_scanned"
    """equal: every source slide is made as dense, in the median of its tissue, as the training slides are on average,
    before it is classified and painted. Differs from the paper, which is silent: without it a generator takes a dark
    slide for one of many positive nuclei."""

    patches_per_slide: int = 0
    """Patches taken from each slide, spread evenly; 0 takes all. Paper: all."""

    selection: Literal["stain_distance", "positive_ratio", "last"] = "stain_distance"
    """How the best epoch is found on the validation slides, after inverted ones are put last. stain_distance: the
    distance of the optical densities of synthetic and real target patches, class by class. positive_ratio: the
    difference of the shares of brown nuclei, class by class, for nuclear DAB stains. last: the last epoch. Paper: "the
    best result on the validation set", by a measure it does not name."""

    validation_fields: int = 8
    """Fields of two by two patches on the validation slides that every epoch is judged by."""

    core_px: int = 112
    """Middle of a tile that is kept when validation fields and previews are painted; as in synthesis."""

    halo_px: int = 32
    """Margin of a tile that is painted and thrown away; as in synthesis."""

    state_every_steps: int = 500
    """Steps between two saves of the whole state, from which a killed run goes on; also saved each epoch."""

    max_seconds: int = 0
    """End after the epoch in which this many seconds have passed; 0 never. Such an end is not repeatable."""

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        for key in ("epochs", "batch_size", "state_every_steps", "validation_fields", "core_px"):
            self._require(getattr(self, key) >= 1, key, "1 or more")
        for key in ("steps_per_epoch", "n_blocks", "pool_size", "warm_steps", "patches_per_slide", "halo_px"):
            self._require(getattr(self, key) >= 0, key, "0 or more")
        for key in ("ngf", "ndf"):
            self._require(2 <= getattr(self, key) <= 512, key, "a number from 2 to 512")
        self._require(self.n_blocks <= 64, "n_blocks", "64 or less")
        for key in ("learning_rate_g", "learning_rate_d", "warm_learning_rate"):
            self._require(getattr(self, key) > 0, key, "more than 0")
        for key in ("cycle_weight", "identity_weight", "max_seconds"):
            self._require(getattr(self, key) >= 0, key, "0 or more")
        for key in ("beta1", "beta2", "ema_decay", "background_share"):
            self._require(0 <= getattr(self, key) < 1, key, "a number from 0 to below 1")
        self._require(0 <= self.lr_decay_from <= 1, "lr_decay_from", "a share from 0 to 1")
        for key in ("background_draws", "tumor_draws"):
            self._require(getattr(self, key) == -1 or 0 <= getattr(self, key) < 1, key, "-1 or a share below 1")
        shares = max(self.background_draws, 0) + max(self.tumor_draws, 0)
        self._require(shares <= 1, "tumor_draws", "a share that leaves background_draws its own")
        self._require(self.crop_px == 0 or self.crop_px >= 32, "crop_px", "0 (whole patches) or at least 32")
        for key in ("crop_px", "core_px", "halo_px"):
            self._require(getattr(self, key) % 4 == 0, key, "a multiple of 4: the generator halves the size twice")


@dataclass(frozen=True)
class SynthesisConfig(RunConfig):
    """Painting a slide in the target stain."""

    kind: ClassVar[str] = "synthesis"

    core_px: int = 224
    """Middle of each tile that is kept, at the target mpp. Paper: 224, the patch itself. A core near the training crop
    keeps the statistics of instance normalisation as they were in training."""

    halo_px: int = 32
    """Margin of each tile that is painted and thrown away. Differs from the paper: it pastes patches edge to edge;
    a generator with one residual block sees 41 pixels, one with nine 169."""

    blend_px: int = 16
    """Width of the band, half of it in the halo, in which neighbouring tiles are mixed. Differs from the paper: 0."""

    norm_statistics: Literal["flowing", "tile"] = "flowing"
    """What instance normalisation normalises with. tile: each tile's own mean and deviation, as in training, which
    makes borders show where neighbours differ. flowing: interpolated pixel by pixel between neighbouring tiles (dense
    normalisation), at the price of a second forward pass. Differs from the paper: it has no such step."""

    class_between_tiles: Literal["steps", "flowing"] = "steps"
    """steps: each tile has the class of its patch. flowing: the class plane is interpolated between the middles of
    neighbouring tiles, so that no border shows where the class changes. Paper: one class a patch."""

    batch_size: int = 2
    """Tiles painted at a time; a matter of memory only: on a CPU two are no slower than eight."""

    background_share: float = 0.05
    """Patches with less tissue than this (Otsu, 0 to 1) are normal whatever the classifier says, as in training."""

    quality: int = 88
    """JPEG quality of the written slide, 1 to 100."""

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        for key in ("core_px", "halo_px"):
            self._require(getattr(self, key) % 4 == 0, key, "a multiple of 4: the generator halves the size twice")
        self._require(self.core_px >= 16, "core_px", "16 or more")
        self._require(self.halo_px >= 0, "halo_px", "0 or more")
        fits = 0 <= self.blend_px <= 2 * self.halo_px and self.blend_px <= self.core_px and self.blend_px % 2 == 0
        self._require(fits, "blend_px", "an even number up to twice halo_px and up to core_px")
        self._require(self.batch_size >= 1, "batch_size", "1 or more")
        self._require(0 <= self.background_share < 1, "background_share", "a share from 0 to below 1")
        self._require(1 <= self.quality <= 100, "quality", "a number from 1 to 100")


@dataclass(frozen=True)
class ScoreConfig(RunConfig):
    """The class map of a slide."""

    kind: ClassVar[str] = "score"

    batch_size: int = 128
    """Instances scored at a time; a matter of memory only."""

    background_share: float = 0.05
    """Instances with less tissue than this (Otsu, 0 to 1) are not scored, as in training."""

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        self._require(self.batch_size >= 1, "batch_size", "1 or more")
        self._require(0 <= self.background_share < 1, "background_share", "a share from 0 to below 1")


__all__ = [
    "CONFIGS",
    "PRESETS",
    "CycleGanConfig",
    "MilConfig",
    "Option",
    "RunConfig",
    "ScoreConfig",
    "SynthesisConfig",
    "from_dict",
    "preset",
]

CONFIGS: dict[str, type[RunConfig]] = {
    cls.kind: cls for cls in (MilConfig, CycleGanConfig, SynthesisConfig, ScoreConfig)
}

PRESETS = ("paper", "cpu", "tiny")


def preset(kind: str, name: str) -> RunConfig:
    """Return a configuration by name: paper, cpu (a demonstration in minutes) or tiny (a test in seconds)."""
    if kind not in CONFIGS or name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r} of {kind!r}; expected {PRESETS} of {tuple(CONFIGS)}.")
    return replace(CONFIGS[kind](), **PRESET_KEYS.get(name, {}).get(kind, {}))


def from_dict(kind: str, values: dict[str, Any]) -> RunConfig:
    """Build the configuration of a kind of run from JSON values."""
    if kind not in CONFIGS:
        raise ConfigError(f"There is no run of kind {kind!r}; expected one of {tuple(CONFIGS)}.")
    return CONFIGS[kind].from_dict(values)
