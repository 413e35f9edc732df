"""Read the training room."""

from training.selectors.freezing import freeze_plan
from training.selectors.pages import made_from, metrics_series, patch_counts, run_page, run_payload, run_title
from training.selectors.plan import FreezePlan
from training.selectors.runs import (
    best_checkpoint,
    family,
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
    "FreezePlan",
    "best_checkpoint",
    "changed_keys",
    "family",
    "freeze_plan",
    "get_dataset",
    "get_run",
    "is_running",
    "latest_dataset",
    "made_from",
    "metrics_series",
    "nearest_preset",
    "patch_counts",
    "product_of",
    "run_page",
    "run_payload",
    "run_that_made",
    "run_title",
    "usable_runs",
    "visible_datasets",
    "visible_runs",
    "waits_for",
]
