"""Compose the demo: four drawn cases, labels from the drawn truth, one small training chain."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Project, User
from annotation.models import GridSettings, Label, WeakLabel
from annotation.services import ensure_grid, label_patch
from review.models import ScoringSettings
from review.services import keep_drawn_truth
from training.models import Run
from viewer.imaging.phantom import TissueBlock
from viewer.launch import import_slides
from viewer.models import Slide, SlideImport

Cut = Literal["HE", "KI67"]
Report = Callable[[str], None]

PROJECT_SLUG = "demo"
TRUTH_READER = "drawn-truth"


@dataclass(frozen=True)
class DrawnCase:
    """One case of the demo: the seed of its tissue block, and whether the truth labels it."""

    name: str
    seed: int
    labelled: bool


@dataclass(frozen=True)
class Cohort:
    """What the demo draws. `size_px` is the side of each square slide at `mpp` micrometres per pixel."""

    size_px: int = 6720
    mpp: float = 0.5
    patch_px: int = 2240
    instance_px: int = 224
    cases: tuple[DrawnCase, ...] = (
        DrawnCase("Drawn 01", seed=101, labelled=True),
        DrawnCase("Drawn 02", seed=102, labelled=True),
        DrawnCase("Drawn 03", seed=103, labelled=True),
        DrawnCase("Drawn 04", seed=104, labelled=False),
    )


CUTS: tuple[Cut, ...] = ("HE", "KI67")
STAIN_OF_CUT: dict[Cut, str] = {"HE": "HE", "KI67": "HDAB"}


def ensure_project(cohort: Cohort) -> Project:
    """Make the demo project once, marked as drawn tissue."""
    with transaction.atomic():
        project, _created = Project.objects.get_or_create(
            slug=PROJECT_SLUG,
            defaults={
                "name": "Demo: drawn tissue",
                "description": _(
                    "Consecutive H&E and Ki-67 sections of four drawn tissue blocks. No patient, no slide scanner: "
                    "every nucleus is drawn by the program, so that the truth is known."
                ),
                "drawn_tissue": True,
            },
        )
        GridSettings.objects.get_or_create(
            project=project,
            defaults={"patch_px": cohort.patch_px, "instance_px": cohort.instance_px, "target_mpp": cohort.mpp},
        )
        # Drawn after tumours of the kind that Ki-67 grades, so that the visitor sees a grade and its cut-offs.
        ScoringSettings.objects.get_or_create(project=project, defaults={"grade": ScoringSettings.Grade.GEP_NET})
    return project


def missing_sections(project: Project, cohort: Cohort) -> list[tuple[DrawnCase, Cut]]:
    """Return the sections that no real slide of the project stands for yet."""
    there = set(
        Slide.objects.filter(case__project=project, origin=Slide.Origin.REAL).values_list("case__name", "stain")
    )
    return [(case, cut) for case in cohort.cases for cut in CUTS if (case.name, cut) not in there]


def draw_and_import(project: Project, cohort: Cohort, by: User, report: Report, *, labelled: bool) -> None:
    """Draw what is missing of the cases that the truth labels, or of the visitor's.

    Two sections at a time in processes of their own; each is imported as a person would.
    """
    missing = [section for section in missing_sections(project, cohort) if section[0].labelled == labelled]
    if not missing:
        return
    settings.LAYOUT.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.LAYOUT.work, prefix="demo-") as folder:

        def draw(section: tuple[DrawnCase, Cut]) -> tuple[DrawnCase, Cut, Path]:
            case, cut = section
            path = Path(folder) / f"{case.seed}-{cut}.tif"
            truth = path.with_suffix(".json")
            subprocess.run(
                [
                    *(sys.executable, "-m", "viewer.imaging", "phantom", str(path), "--seed", str(case.seed)),
                    *("--size", str(cohort.size_px), "--mpp", str(cohort.mpp)),
                    *("--cut", cut, "--stain", STAIN_OF_CUT[cut], "--truth", str(truth)),
                ],
                check=True,
                cwd=settings.BASE_DIR,
                stdout=subprocess.DEVNULL,
            )
            return case, cut, path

        with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as drawing:
            waiting: list[SlideImport] = []
            truths: list[Path] = []
            for case, cut, path in drawing.map(draw, missing):
                report(_("%(case)s: the %(cut)s section is drawn") % {"case": case.name, "cut": cut})
                waiting += import_slides(
                    paths=[path], project=project, case_name=case.name, stain=cut, mpp=None, by=by, drawn=True
                )
                truths.append(path.with_suffix(".json"))
            wait_for_imports(waiting)
        for slide_import, truth in zip(waiting, truths, strict=True):
            keep_truth(slide_import, truth)


def wait_for_imports(imports: Iterable[SlideImport], poll_seconds: float = 0.5) -> None:
    """Wait until each import is done. Raises RuntimeError with the reason when one failed."""
    for slide_import in imports:
        while slide_import.state in {SlideImport.State.QUEUED, SlideImport.State.RUNNING}:
            time.sleep(poll_seconds)
            slide_import.refresh_from_db()
        if slide_import.state == SlideImport.State.FAILED:
            raise RuntimeError(f"{slide_import.case_name}, {slide_import.stain}: {slide_import.message}")


def keep_truth(slide_import: SlideImport, truth: Path) -> None:
    """Keep how many nuclei of each kind the section of an import was drawn with."""
    assert slide_import.slide is not None, "a finished import has its slide"
    is_positive = [nucleus["positive"] for nucleus in json.loads(truth.read_text())["nuclei"]]
    keep_drawn_truth(slide_import.slide, sum(is_positive), len(is_positive) - sum(is_positive))


def label_from_truth(project: Project, cohort: Cohort) -> int:
    """Label the patches of the labelled cases as the drawn truth says; return how many labels were written.

    A patch is tumour when at least one tumour nucleus lies in it (Xu et al. 2020, "MIL for Getting Class-Related
    Information"). The reader is an account that nobody can sign in to.
    """
    reader = truth_reader(project)
    written = 0
    for case in cohort.cases:
        if not case.labelled:
            continue
        block: TissueBlock | None = None
        for cut in CUTS:
            slide = Slide.objects.get(case__project=project, case__name=case.name, stain=cut, origin=Slide.Origin.REAL)
            ensure_grid(slide)
            patches = list(slide.patches.filter(offered=True).exclude(labels__reader=reader))
            if not patches:
                continue
            block = block or TissueBlock(size_px=cohort.size_px, mpp=cohort.mpp, seed=case.seed)
            nuclei = block.tumor_nuclei(cut, cohort.patch_px)
            for patch in patches:
                value = Label.TUMOR if nuclei[patch.row, patch.column] > 0 else Label.NORMAL
                label_patch(
                    patch=patch, value=value, reader=reader, uuid=uuid4(), seen=None, route=WeakLabel.Route.DEMO
                )
                written += 1
    return written


def truth_reader(project: Project) -> User:
    """Return the account that stands for the drawn truth. It is a pathologist without a password."""
    reader, created = User.objects.get_or_create(username=TRUTH_READER)
    if created:
        reader.set_unusable_password()
        reader.save(update_fields=["password"])
    reader.memberships.get_or_create(project=project, role="pathologist")
    return reader


def visitors_slide(project: Project, cohort: Cohort) -> Slide:
    """Return the H&E slide that the visitor labels and that the chain synthesises from."""
    name = next(case.name for case in cohort.cases if not case.labelled)
    return Slide.objects.get(case__project=project, case__name=name, stain=project.source_stain, origin="real")


def has_trained(project: Project) -> bool:
    return Run.objects.filter(project=project, kind=Run.Kind.MIL, imported=False).exists()


def has_shipped_model(project: Project) -> bool:
    return Run.objects.filter(project=project, imported=True).exists()
