"""The study's steps: draw, train, paint, judge. A step whose result is there is not taken again.

OUT/cohort/, OUT/control/                drawn cases; in the control H&E carries no sign of Ki-67 (morph 0)
OUT/mil-HE/, OUT/mil-KI67/               the classifiers
OUT/gan-conditional/, gan-unconditional/, gan-control/
OUT/paint-<model>/<case>/                synthetic slides      OUT/judge-<model>/<case>.json   their figures

Each step keeps what it was made from in inputs.json; a step made from something else is taken again. Training goes on
from its saved state, so a study can be killed at any moment and started again with the same command.
"""

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from training.learning import checkpoint, synthesis, train_cyclegan, train_mil
from training.learning.classifier import Classifier, load_classifier
from training.learning.compute import Compute, prepare
from training.learning.config import CycleGanConfig
from training.learning.events import Reporter, finite
from training.learning.files import sha256_of, write_whole
from training.learning.manifest import Manifest
from training.learning.painting import Painter, core_within
from training.learning.run import Run, Stop
from training.learning.study.class_maps import ClassMap, class_map
from training.learning.study.cohort import draw_cohort, painted_cases, read_truth
from training.learning.study.judge import Painted, judge_slide
from training.learning.study.profiles import MPP, SOURCE, TARGET, Profile
from training.learning.study.reference import Reference, reference
from viewer.imaging.slides import open_slide

Say = Callable[[str], None]


@dataclass(frozen=True)
class Model:
    """One CycleGAN of a study: on which cohort it learns, from which seed, with or without the class."""

    name: str
    cohort: str = "cohort"
    class_channel: bool = True
    seed: int = 0
    learned_by: str = ""
    """Name of the model whose weights are used, where it is not trained itself."""


CONDITIONAL, UNCONDITIONAL = Model("conditional"), Model("unconditional", class_channel=False)
CONTROL = Model("control", cohort="control")
# The main model shown slides whose H&E carries no sign of Ki-67.
APPLIED = Model("applied", cohort="control", learned_by="conditional")


def seeds(count: int) -> list[Model]:
    """Return further pairs of models with and without class, of seeds 1, 2 …"""
    return [
        replace(model, name=f"{model.name}-seed{seed}", seed=seed)
        for seed in range(1, count)
        for model in (CONDITIONAL, UNCONDITIONAL)
    ]


@dataclass
class Study:
    """A study at work."""

    profile: Profile
    out: Path
    threads: int
    stop: Stop = field(default_factory=Stop)
    say: Say = print

    def __post_init__(self) -> None:
        """Begin with nothing decoded."""
        self._maps: dict[tuple[str, str, str], ClassMap] = {}
        self._references: dict[tuple[str, str], Reference] = {}

    @cached_property
    def compute(self) -> Compute:
        """The device."""
        return prepare(self.profile.mil_config(self.threads))

    def cohort(self, name: str) -> Manifest:
        """Draw a cohort: `cohort`, or `control`."""
        morph = 0.0 if name == "control" else 1.0
        return draw_cohort(
            self.profile, self.out / name, morph, lambda text: self.say(f"{name}: {text}"), self.stop.check
        )

    def mil(self, stain: str) -> Path:
        """Train a classifier and return its best checkpoint."""
        config, manifest = self.profile.mil_config(self.threads), self.cohort("cohort")
        inputs = {"config": config.to_dict(), "manifest": manifest.sha256, "stain": stain}

        def train(run: Run, resume: Path | None) -> None:
            train_mil.train_mil(run, config, manifest, stain, self.out / "cohort", resume)

        return self._best(self._step(f"mil-{stain}", inputs, train))

    def classifier(self, stain: str) -> Classifier:
        """Return the classifier of a stain."""
        return load_classifier(self.mil(stain), self.compute, stain=stain)

    def gan(self, model: Model) -> Path:
        """Train a CycleGAN and return the checkpoint of its best epoch."""
        if model.learned_by:
            return self.gan(CONDITIONAL)
        manifest, config = self.cohort(model.cohort), self.gan_config(model)
        classifiers = (self.classifier(SOURCE), self.classifier(TARGET))
        pair = classifiers if model.class_channel else (None, None)
        inputs = {
            "config": config.to_dict(),
            "manifest": manifest.sha256,
            "classifiers": [None if each is None else each.sha256 for each in pair],
        }

        def train(run: Run, resume: Path | None) -> None:
            train_cyclegan.train_cyclegan(run, config, manifest, pair, self.out / model.cohort, resume)

        return self._best(self._step(f"gan-{model.name}", inputs, train))

    def gan_config(self, model: Model) -> CycleGanConfig:
        """Return a model's configuration."""
        return self.profile.cyclegan_config(self.threads, model.seed, model.class_channel)

    def paint(self, model: Model, case: str) -> Path:
        """Paint the source's section of a case and return the synthetic slide."""
        generator, config = self.gan(model), self.profile.synthesis_config(self.threads)
        classifier = self.classifier(SOURCE) if model.class_channel else None
        slide = self.out / model.cohort / f"{case}-{SOURCE}.tif"
        inputs = {
            "config": config.to_dict(),
            "generator": sha256_of(generator),
            "classifier": None if classifier is None else classifier.sha256,
            "cohort": self.cohort(model.cohort).sha256,
        }

        def work(run: Run, resume: Path | None) -> None:
            synthesis.synthesize(run, config, slide, MPP, generator, classifier)

        return self._step(f"paint-{model.name}/{case}", inputs, work) / "synthetic.tif"

    def judge(self, model: Model, case: str) -> dict[str, Any]:
        """Return the figures of a painted slide."""
        slide, generator_path = self.paint(model, case), self.gan(model)
        inputs = {
            "synthetic": sha256_of(slide),
            "classifier": self.classifier(TARGET).sha256,
            "code_version": checkpoint.CODE_VERSION,
        }
        path = self.out / f"judge-{model.name}" / f"{case}.json"
        if path.exists():
            saved: dict[str, Any] = json.loads(path.read_text())
            if saved["inputs"] == inputs:
                return dict(saved["figures"])
        self.stop.check()
        self.say(f"judging {model.name}, {case}")
        generator, trained, metadata = synthesis.load_generator(generator_path, self.compute)
        painting = self.profile.synthesis_config(self.threads)
        core = core_within(painting.core_px, self.profile.instance_px)
        painter = Painter(generator, trained.class_channel, core, painting.halo_px, 0, 8, self.compute)
        target = self.classifier(TARGET)
        others = [spec.name for spec in painted_cases(self.profile) if spec.name != case]
        with open_slide(slide) as reader:
            synthetic_map = class_map(reader, target, painting.background_share)
        painted = Painted(
            reference=self.reference(model.cohort, case, core),
            synthetic=slide,
            source_map=self.class_map(model.cohort, case, SOURCE),
            synthetic_map=synthetic_map,
            density=metadata.get("source_density"),
            other_target=self.out / model.cohort / f"{others[0]}-{TARGET}.tif",
        )
        figures = finite(judge_slide(painted, self.profile, painter, target, self.training_index(model.cohort)))
        write_whole(path, json.dumps({"inputs": inputs, "figures": figures}, indent=1).encode())
        return dict(figures)

    def reference(self, cohort: str, case: str, core_px: int) -> Reference:
        """Return what a case's synthetic slides are compared with, made once."""
        key = (cohort, case)
        if key not in self._references:
            self._references[key] = reference(self.out / cohort, case, self.profile, core_px)
        return self._references[key]

    def class_map(self, cohort: str, case: str, stain: str) -> ClassMap:
        """Return what a classifier says of a real section, asked once."""
        classifier = self.classifier(stain)
        key = (cohort, case, stain)
        if key not in self._maps:
            path = self.out / "maps" / f"{cohort}-{case}-{stain}-{classifier.sha256[:12]}.npz"
            if not path.exists():
                self.stop.check()
                with open_slide(self.out / cohort / f"{case}-{stain}.tif") as reader:
                    made = class_map(reader, classifier, classifier.config.background_share)
                buffer = io.BytesIO()
                np.savez_compressed(buffer, probability=made.probability, tissue=made.tissue)
                write_whole(path, buffer.getvalue())
            with np.load(path, allow_pickle=False) as saved:
                share = classifier.config.background_share
                self._maps[key] = ClassMap(saved["probability"], saved["tissue"], classifier.threshold, share)
        return self._maps[key]

    def training_index(self, cohort: str) -> float:
        """Return the mean share of positive among tumour nuclei of the training sections: all that the null knows."""
        training = [spec.name for spec in self.profile.case_specs() if spec.split == "train"]
        indices = [read_truth(self.out / cohort, case, TARGET).tumor_ratio for case in training]
        return float(np.mean([index for index in indices if index is not None]))

    def _step(self, name: str, inputs: dict[str, Any], work: Callable[[Run, Path | None], None]) -> Path:
        """Take a step in its folder, unless it is done; a training begun with the same inputs goes on."""
        folder = self.out / name
        wanted = json.dumps(finite(inputs) | {"code_version": checkpoint.CODE_VERSION}, indent=1, sort_keys=True)
        label = folder / "inputs.json"
        same = label.exists() and label.read_text() == wanted
        if same and (folder / "report.json").exists():
            return folder
        self.stop.check()
        if not same:
            shutil.rmtree(folder, ignore_errors=True)
            write_whole(label, wanted.encode())
        self.say(name)
        with (folder / "events.jsonl").open("a") as events:
            run = Run(folder, Reporter(events), self.stop, self.compute, shared_store=self.out / "store")
            work(run, folder if (folder / "state").exists() else None)
        return folder

    @staticmethod
    def _best(folder: Path) -> Path:
        report = json.loads((folder / "report.json").read_text())
        return folder / str(report["best"]["path"])
