"""Run a study to its end and write report.json, report.html and its pictures."""

import json
import shutil
from typing import Any

from training.learning.events import finite
from training.learning.files import write_whole
from training.learning.study import page, pictures
from training.learning.study.cohort import painted_cases, read_truth, tumor_cells
from training.learning.study.collect import run_study
from training.learning.study.criteria import verdicts
from training.learning.study.profiles import SOURCE, TARGET, TWIN
from training.learning.study.steps import CONDITIONAL, UNCONDITIONAL, Study


def write_report(study: Study, seed_count: int = 1) -> dict[str, Any]:
    """Take the missing steps, then write OUT/report.json and OUT/report.html; returns the report."""
    report: dict[str, Any] = finite(run_study(study, seed_count))
    report["criteria"] = [
        {"what": each.criterion.what, "value": each.value, "must": each.criterion.must, "aim": each.criterion.aim}
        | {"verdict": each.word}
        for each in verdicts(report)
    ]
    shown = draw_pictures(study)
    for number, (_, content) in enumerate(shown, start=1):
        write_whole(study.out / "pictures" / f"{number:02d}.jpg", content)
    write_whole(study.out / "report.html", page.page(report, shown).encode())
    write_whole(study.out / "report.json", json.dumps(report, indent=1, ensure_ascii=False).encode())
    shutil.rmtree(study.out / "store", ignore_errors=True)
    return report


def draw_pictures(study: Study) -> list[tuple[str, bytes]]:
    """Return captions and JPEGs of the paper's figures in kind, of every held-out case."""
    profile, folder = study.profile, study.out / "cohort"
    shown: list[tuple[str, bytes]] = []
    held_out = [spec for spec in painted_cases(profile) if spec.split == "test"]
    for spec in held_out:
        tumor = tumor_cells(read_truth(folder, spec.name, SOURCE), profile.size_px, profile.instance_px)
        real = [folder / f"{spec.name}-{stain}.tif" for stain in (SOURCE, TARGET, TWIN)]
        synthetic = [study.paint(model, spec.name) for model in (CONDITIONAL, UNCONDITIONAL)]
        for stain, path in ((SOURCE, real[0]), (TARGET, real[1])):
            truth = tumor_cells(read_truth(folder, spec.name, stain), profile.size_px, profile.instance_px)
            said = study.class_map("cohort", spec.name, stain)
            caption = f"{spec.name}, {stain} (Figure 7 in kind): slide | classes from the classifier | true classes"
            shown.append((caption, pictures.jpeg(pictures.class_figure(path, said, truth))))
        slides = pictures.beside([pictures.thumbnail(path) for path in (*real, synthetic[0])])
        caption = f"{spec.name} (Figure 9 in kind): H&E | real Ki-67, the next section | true virtual stain | synthetic"
        shown.append((caption, pictures.jpeg(slides)))
        x, y = pictures.busiest_field(tumor, profile.instance_px, profile.size_px)
        fields = pictures.beside([pictures.field(path, x, y) for path in (real[0], real[2], *synthetic)])
        caption = (
            f"{spec.name} at ({x}, {y}) (Figures 10 and 11 in kind): H&E | true virtual stain | synthetic with class | "
            "without class"
        )
        shown.append((caption, pictures.jpeg(fields)))
    return shown
