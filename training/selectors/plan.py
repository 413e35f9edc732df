"""What a freeze would hold."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from accounts.models import Project
from annotation.models import LargePatch
from training.learning.manifest import AGREED, LABELS, Header, Manifest, PatchRow, SlideRow
from training.models import SPLITS
from viewer.models import Slide


@dataclass(frozen=True)
class PlannedPatch:
    """A labelled patch with the decisions behind its label. `split` overrules its case's split."""

    patch: LargePatch
    label: str
    label_ids: tuple[int, ...]
    split: str | None = None
    rule: str = AGREED

    @property
    def case(self) -> str:
        return self.patch.slide.case.name

    @property
    def stain(self) -> str:
        return self.patch.slide.stain


@dataclass(frozen=True)
class FreezePlan:
    """What would be frozen now. Refusals speak against it; `dependence` is what a lead has to confirm.

    `all_slides` and `found` are what there is, cases that are left out included.
    """

    project: Project
    header: Header | None
    slides: tuple[Slide, ...]
    patches: tuple[PlannedPatch, ...]
    all_slides: tuple[Slide, ...]
    found: tuple[PlannedPatch, ...]
    split_of: dict[str, str]
    dependence: str
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def stains(self) -> tuple[str, str]:
        return (self.project.source_stain, self.project.target_stain)

    def labels_of(self, case: str, stain: str, label: str) -> int:
        """Count the agreed labels of a case in one stain, whatever its split."""
        return sum((row.case, row.stain, row.label) == (case, stain, label) for row in self.found)

    @property
    def splits(self) -> dict[str, list[str]]:
        """Case names by split."""
        return {split: sorted(case for case, into in self.split_of.items() if into == split) for split in SPLITS}

    def split(self, planned: PlannedPatch) -> str:
        return planned.split or self.split_of[planned.case]

    @property
    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Slides and patches of each label, by stain and split."""
        slides = Counter((slide.stain, self.split_of[slide.case.name]) for slide in self.slides)
        patches = Counter((row.stain, self.split(row), row.label) for row in self.patches)
        return {
            stain: {
                split: {"slides": slides[stain, split]} | {label: patches[stain, split, label] for label in LABELS}
                for split in SPLITS
            }
            for stain in self.stains
        }

    def manifest(self) -> Manifest:
        """Return the manifest of this plan. Raises ManifestError where the rows contradict each other."""
        if self.header is None:
            raise ValueError("A plan without a target resolution has no manifest; look at its refusals first.")
        return Manifest(
            self.header,
            tuple(_slide_row(slide, self.split_of[slide.case.name]) for slide in self.slides),
            tuple(_patch_row(row) for row in self.patches),
        )


def _slide_row(slide: Slide, split: str) -> SlideRow:
    return SlideRow(
        case=slide.case.name,
        key=slide.key,
        sha256=slide.content_sha256,
        width_l0=slide.width_l0,
        height_l0=slide.height_l0,
        mpp=float(slide.mpp or 0),
        mpp_source=slide.mpp_source,
        stain=slide.stain,
        colour=slide.colour,
        split=split,
    )


def _patch_row(row: PlannedPatch) -> PatchRow:
    place: dict[str, Any] = {"x_l0": row.patch.x_l0, "y_l0": row.patch.y_l0, "size_l0": row.patch.size_l0}
    label: dict[str, Any] = {"label": row.label, "label_ids": row.label_ids, "rule": row.rule}
    return PatchRow(slide=row.patch.slide.key, **place, **label, split=row.split)
