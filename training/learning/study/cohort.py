"""Draw the paper's study in phantoms: slides of ten cases, labels by the paper's rule, and the truth of every nucleus.

OUT/manifest.jsonl        the frozen data set, as training reads it; held-out cases are its split "test"
OUT/cohort.json           what was drawn
OUT/case01-HE.tif         the source's section          OUT/case01-HE.npz    its nuclei
OUT/case01-KI67.tif       the target's section          OUT/case01-KI67.npz  its nuclei
OUT/case01-TWIN.tif       the true virtual stain of the source's section, for cases that will be painted

A section that is there already is not drawn again, so a killed run goes on where it was.
"""

import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from training.learning.checkpoint import CODE_VERSION
from training.learning.data import instance_corners
from training.learning.errors import ConfigError
from training.learning.files import write_whole
from training.learning.manifest import Header, Manifest, PatchRow, SlideRow, read, write
from training.learning.study.profiles import MPP, SOURCE, TARGET, TWIN, CaseSpec, Profile
from training.learning.study.scanner import Scanner, write_scanned
from viewer.imaging.foreground import tissue_mask
from viewer.imaging.geometry import patch_side_l0
from viewer.imaging.phantom import Cut, SectionTruth, TissueBlock
from viewer.imaging.phantom_render import Stain
from viewer.imaging.slides import content_sha256, open_slide

# File, section, stain: the cut and the stain of a drawn section are independent.
SECTIONS: dict[str, tuple[Cut, Stain]] = {SOURCE: ("HE", "HE"), TARGET: ("KI67", "HDAB"), TWIN: ("HE", "HDAB")}
LEAST_TISSUE = 0.05

Say = Callable[[str], None]
Check = Callable[[], None]


def draw_cohort(
    profile: Profile, out: Path, morph: float, say: Say = lambda text: None, check: Check = lambda: None
) -> Manifest:
    """Draw what is missing and return the frozen data set; `check` is called between sections and may raise.

    Raises:
        ConfigError: the folder holds another cohort.
    """
    specs = profile.case_specs()
    identity = json.dumps(
        {
            "profile": profile.name,
            "size_px": profile.size_px,
            "patch_px": profile.patch_px,
            "tumor_extent": profile.tumor_extent,
            "tumor_share": profile.tumor_share,
            "morph": morph,
            "code_version": CODE_VERSION,
            "cases": [asdict(spec) for spec in specs],
        },
        indent=1,
    )
    label = out / "cohort.json"
    if label.exists() and label.read_text() != identity:
        raise ConfigError(f"{out} holds another cohort; name an empty folder, or remove this one to draw anew.")
    write_whole(label, identity.encode())
    if (out / "manifest.jsonl").exists():
        return read(out / "manifest.jsonl")
    slides: list[SlideRow] = []
    patches: list[PatchRow] = []
    painted = {spec.name for spec in painted_cases(profile)}
    for number, spec in enumerate(specs, start=1):
        block: TissueBlock | None = None
        for name in (SOURCE, TARGET, *([TWIN] if spec.name in painted else [])):
            check()
            path = out / f"{spec.name}-{name}.tif"
            if not path.exists() or (name != TWIN and not truth_path(out, spec.name, name).exists()):
                block = block or build_block(profile, spec, morph)
                _draw(block, spec, name, path)
            if name != TWIN:
                slides.append(_slide_row(profile, spec, name, path))
                patches += label_bags(profile, read_truth(out, spec.name, name), path)
        say(f"case {number} of {len(specs)} is drawn")
    header = Header(f"phantoms-{profile.name}", (SOURCE, TARGET), MPP, profile.patch_px, profile.instance_px, "truth")
    manifest = Manifest(header, tuple(slides), tuple(patches))
    write(manifest, out / "manifest.jsonl")
    return manifest


def painted_cases(profile: Profile) -> list[CaseSpec]:
    """Return the held-out cases and the first training cases: those that a study paints and judges."""
    specs = profile.case_specs()
    training = [spec for spec in specs if spec.split == "train"][: profile.painted_training_cases]
    return [spec for spec in specs if spec.split == "test"] + training


def build_block(profile: Profile, spec: CaseSpec, morph: float) -> TissueBlock:
    """Build a case's tissue."""
    return TissueBlock(
        profile.size_px,
        MPP,
        spec.seed,
        tumor_share=profile.tumor_share,
        tumor_extent=profile.tumor_extent,
        ki67_low=spec.ki67_low,
        ki67_high=spec.ki67_high,
        morph=morph,
        counterstain=spec.counterstain,
        dab_strength=spec.dab_strength,
    )


def _draw(block: TissueBlock, spec: CaseSpec, name: str, path: Path) -> None:
    cut, stain = SECTIONS[name]
    # The true virtual stain is what the target's laboratory and scanner would have made of the source's section.
    seen_as = SOURCE if name == SOURCE else TARGET
    write_scanned(block, cut, stain, Scanner(spec.density_gain[seen_as], spec.blur_px[seen_as]), path)
    if name == TWIN:
        return
    truth = block.truth(cut)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        id=truth.id,
        x=truth.x,
        y=truth.y,
        radius_px=truth.radius_px,
        kind=truth.kind,
        is_positive=truth.is_positive,
        dab=truth.dab,
    )
    write_whole(truth_path(path.parent, spec.name, name), buffer.getvalue())


def truth_path(folder: Path, case: str, name: str) -> Path:
    """Return where the nuclei of a section are listed."""
    return folder / f"{case}-{name}.npz"


def read_truth(folder: Path, case: str, name: str) -> SectionTruth:
    """Return the nuclei of a section."""
    with np.load(truth_path(folder, case, name), allow_pickle=False) as saved:
        return SectionTruth(**{column: saved[column] for column in saved.files})


def tumor_cells(truth: SectionTruth, size_px: int, cell_px: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Count tumour nuclei per whole cell of a grid from (0, 0), [rows, columns]."""
    side = size_px // cell_px
    counts = np.zeros((side, side), np.int64)
    columns, rows = ((axis[truth.is_tumor] // cell_px).astype(np.int64) for axis in (truth.x, truth.y))
    inside = (columns < side) & (rows < side)
    np.add.at(counts, (rows[inside], columns[inside]), 1)
    return counts


def label_bags(profile: Profile, truth: SectionTruth, path: Path) -> list[PatchRow]:
    """Label the bags of a slide by the paper's rule: tumour with at least one tumour cell, else normal.

    Bags without a single instance of tissue are left out, as a reader would leave glass out.
    """
    side = patch_side_l0(profile.patch_px, MPP, MPP)
    tumor = tumor_cells(truth, profile.size_px, profile.patch_px)
    rows = []
    with open_slide(path) as reader:
        mask = tissue_mask(reader)
        for row, column in np.ndindex(tumor.shape):
            label = "tumor" if tumor[row, column] else "normal"
            patch = PatchRow(path.name, column * side, row * side, side, label)
            corners = instance_corners(patch, profile.patch_px // profile.instance_px)
            if any(mask.share(x, y, size, size) >= LEAST_TISSUE for x, y, size in corners):
                rows.append(patch)
    return rows


def _slide_row(profile: Profile, spec: CaseSpec, stain: str, path: Path) -> SlideRow:
    size = profile.size_px
    return SlideRow(spec.name, path.name, content_sha256(path), size, size, MPP, "drawn", stain, "native", spec.split)
