"""From the figures of single slides to the study's report.json."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.learning.checkpoint import CODE_VERSION
from training.learning.config import preset
from training.learning.study.class_maps import judge_classes
from training.learning.study.cohort import painted_cases, read_truth, tumor_cells
from training.learning.study.profiles import SOURCE, TARGET, Profile
from training.learning.study.steps import APPLIED, CONDITIONAL, CONTROL, UNCONDITIONAL, Model, Study, seeds
from training.learning.study.tables import PAPER_ROWS, summary

Figures = dict[str, Any]


def run_study(study: Study, seed_count: int = 1) -> Figures:
    """Take all steps that are missing and return the report; the same command goes on where a killed one was."""
    cases = painted_cases(study.profile)
    held_out = [spec.name for spec in cases if spec.split == "test"]
    training = [spec.name for spec in cases if spec.split == "train"]
    classifiers = {stain: classifier_figures(study, stain, held_out) for stain in (SOURCE, TARGET)}
    judged: dict[str, dict[str, Figures]] = {}
    painted: list[tuple[Model, list[str]]] = [
        (CONDITIONAL, held_out + training),
        (APPLIED, held_out),
        (UNCONDITIONAL, held_out),
        (CONTROL, held_out),
    ]
    painted += [(model, held_out) for model in seeds(seed_count)]
    for model, names in painted:
        judged[model.name] = {case: study.judge(model, case) for case in names}
    main = judged[CONDITIONAL.name]
    low = [spec.name for spec in cases if spec.split == "test" and spec.low_positive]
    return {
        "profile": study.profile.name,
        "code_version": CODE_VERSION,
        "compute": study.compute.describe(),
        "cases": {spec.name: {"split": spec.split, "low_positive": spec.low_positive} for spec in cases},
        "null_index": study.training_index("cohort"),
        "differs_from_paper": differing_keys(study),
        "classifiers": classifiers,
        "models": {name: model_figures([slides[case] for case in held_out]) for name, slides in judged.items()},
        "table_3": {
            "training": summary([main[case] for case in training]),
            "evaluation": summary([main[case] for case in held_out]),
            "low positive": summary([main[case] for case in low]),
            "others": summary([main[case] for case in held_out if case not in low]),
        },
        "table_3_by_model": {name: summary([slides[case] for case in held_out]) for name, slides in judged.items()},
        "paper": PAPER_ROWS,
        "slides": judged,
        "inverted": sorted({f"{name}, {case}" for name, of in judged.items() for case in of if of[case]["inverted"]}),
        "seed_spread": seed_spread(judged, held_out),
    }


def differing_keys(study: Study) -> dict[str, dict[str, list[Any]]]:
    """Return every key of the runs that is not the paper's: [here, paper]."""
    profile: Profile = study.profile
    configs = {
        "mil": profile.mil_config(study.threads),
        "cyclegan": study.gan_config(CONDITIONAL),
        "synthesis": profile.synthesis_config(study.threads),
    }
    table = {}
    for kind, config in configs.items():
        here, paper = config.to_dict(), preset(kind, "paper").to_dict()
        table[kind] = {key: [here[key], paper[key]] for key in here if here[key] != paper[key] and key != "threads"}
    return table


def classifier_figures(study: Study, stain: str, cases: Sequence[str]) -> Figures:
    """Return how well a classifier tells instances of the held-out cases, together and case by case."""
    maps = [study.class_map("cohort", case, stain) for case in cases]
    profile = study.profile
    truths = [
        tumor_cells(read_truth(study.out / "cohort", case, stain), profile.size_px, profile.instance_px)
        for case in cases
    ]
    by_case = {case: judge_classes([one], [truth]) for case, one, truth in zip(cases, maps, truths, strict=True)}
    return judge_classes(maps, truths) | {"by_case": by_case}


def model_figures(slides: Sequence[Mapping[str, Any]]) -> Figures:
    """Return a model's means over the held-out slides, with the smallest and the largest."""

    def over(read: Any) -> dict[str, float | None]:
        values = [value for value in (read(slide) for slide in slides) if value is not None]
        if not values:
            return {"mean": None, "least": None, "most": None}
        return {"mean": float(np.mean(values)), "least": float(min(values)), "most": float(max(values))}

    def error(name: str, against: str) -> Any:
        return lambda slide: None if None in (slide[name], slide[against]) else abs(slide[name] - slide[against])

    return {
        "ratio_error": over(error("synthetic", "twin")),
        "null_ratio_error": over(error("null", "twin")),
        "floor": over(error("twin", "real")),
        "density_correlation": over(lambda slide: slide["density_correlation"]),
        "nuclei_f1": over(lambda slide: slide["nuclei"]["f1"]),
        "nuclei_f1_of_twin": over(lambda slide: slide["nuclei_of_twin"]["f1"]),
        "lost": over(lambda slide: slide["nuclei"]["lost"]),
        "invented": over(lambda slide: slide["nuclei"]["invented"]),
        "nucleus_auc": over(lambda slide: slide["nucleus_auc"]),
        "nucleus_auc_ceiling": over(lambda slide: slide["nucleus_auc_ceiling"]),
        "map_error": over(lambda slide: slide["map"]["mean_absolute_error"]),
        "null_map_error": over(lambda slide: slide["null_map"]["mean_absolute_error"]),
        "map_correlation": over(lambda slide: slide["map"]["correlation"]),
        "null_map_correlation": over(lambda slide: slide["null_map"]["correlation"]),
        "normal_tissue": over(lambda slide: slide["normal_tissue"]["synthetic"]),
        "normal_tissue_of_twin": over(lambda slide: slide["normal_tissue"]["twin"]),
        "tumor_tissue": over(lambda slide: slide["tumor_tissue"]["synthetic"]),
        "tumor_tissue_of_twin": over(lambda slide: slide["tumor_tissue"]["twin"]),
        "seam_fine": over(lambda slide: slide["seams"]["fine"]),
        "seam_broad": over(lambda slide: slide["seams"]["broad"]),
        "seam_broad_of_twin": over(lambda slide: slide["seams_of_twin"]["broad"]),
        "class_consistency": over(lambda slide: slide["class_consistency"]),
        "flip_as_tumor": over(lambda slide: slide["flip"].get("as_tumor")),
        "flip_as_normal": over(lambda slide: slide["flip"].get("as_normal")),
        "mil_kid": over(lambda slide: slide["stain"].get("mil_kid")),
        "mil_kid_floor": over(lambda slide: slide["stain"].get("mil_kid_floor")),
        "mil_kid_ceiling": over(lambda slide: slide["stain"].get("mil_kid_ceiling")),
    }


def seed_spread(
    judged: Mapping[str, Mapping[str, Figures]], held_out: Sequence[str]
) -> dict[str, dict[str, list[Any]]]:
    """Return, for models with and without class, each seed's figures; empty with one seed."""
    spread: dict[str, dict[str, list[Any]]] = {}
    for kind in (CONDITIONAL.name, UNCONDITIONAL.name):
        names = [name for name in judged if name == kind or name.startswith(f"{kind}-seed")]
        if len(names) < 2:
            return {}
        of_seed = [model_figures([judged[name][case] for case in held_out]) for name in names]
        spread[kind] = {key: [figures[key]["mean"] for figures in of_seed] for key in of_seed[0]}
    return spread
