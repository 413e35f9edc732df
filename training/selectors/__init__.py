"""Read the training room."""

from training.selectors.freezing import EVALUATION, LEFT_OUT, SPLITS, TRAIN, VALIDATION, FreezePlan, freeze_plan
from training.selectors.runs import (
    best_checkpoint,
    get_dataset,
    get_run,
    is_running,
    latest_dataset,
    product_of,
    run_that_made,
    usable_runs,
    visible_datasets,
    visible_runs,
    waits_for,
)
from training.selectors.settings import changed_keys, nearest_preset

__all__ = [
    "EVALUATION",
    "LEFT_OUT",
    "SPLITS",
    "TRAIN",
    "VALIDATION",
    "FreezePlan",
    "best_checkpoint",
    "changed_keys",
    "freeze_plan",
    "get_dataset",
    "get_run",
    "is_running",
    "latest_dataset",
    "nearest_preset",
    "product_of",
    "run_that_made",
    "usable_runs",
    "visible_datasets",
    "visible_runs",
    "waits_for",
]
