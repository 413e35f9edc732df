"""What the page of a run and the API show of it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from training.models import Dataset, Run
from training.selectors.runs import best_checkpoint, family, product_of
from training.selectors.settings import changed_keys, nearest_preset
from viewer.models import Slide

Facts = dict[str, Any]

_RESUMABLE = {Run.Status.FAILED, Run.Status.CANCELLED, Run.Status.SKIPPED}


def run_payload(run: Run) -> Facts:
    """Return everything that the page of a run shows and that changes while it works. About fifteen queries."""
    product = product_of(run)
    silent = seconds_since(run.heartbeat_at) > settings.RUN_SILENCE_SECONDS if run.heartbeat_at else False
    silent = silent and run.status == Run.Status.RUNNING
    return {
        "id": run.pk,
        "uuid": str(run.uuid),
        "project": run.project.slug,
        "title": run_title(run),
        "kind": run.kind,
        "kind_name": run.get_kind_display(),
        "stain": run.stain,
        "source_stain": run.source_stain,
        "target_stain": run.target_stain,
        "status": run.status,
        "status_name": run.get_status_display(),
        "cancelling": run.status == Run.Status.RUNNING and run.cancel_requested_at is not None,
        "silent": silent,
        "attempt": run.attempt,
        "worker": run.worker,
        "heartbeat_seconds_ago": round(max(seconds_since(run.heartbeat_at), 0), 1) if run.heartbeat_at else None,
        "created_at": run.created_at,
        "created_by": run.created_by.get_username(),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "seconds": _seconds_worked(run),
        "progress": run.progress,
        "message": run.message,
        "log_tail": run.log_tail,
        "report": run.report,
        "independent_validation": run.independent_validation,
        "config": run.config,
        "inputs": run.inputs,
        "resume_state": {key: run.resume_state[key] for key in ("epoch", "saved_at") if key in run.resume_state},
        "checkpoints": [
            {
                "epoch": row.epoch,
                "sha256": row.sha256,
                "size_bytes": row.size_bytes,
                "metrics": row.metrics,
                "best": row.is_best,
            }
            for row in run.checkpoints.order_by("epoch")
        ],
        "previews": [
            {"epoch": epoch, "url": reverse("run-preview", args=[run.pk, epoch])}
            for epoch in sorted(int(epoch) for epoch in run.previews)
        ],
        "steps": _steps(run, product),
        "epochs_measured": run.metrics.count(),
        "product": _product(product),
        "family": [
            {
                "id": other.pk,
                "title": run_title(other),
                "status": other.status,
                "status_name": other.get_status_display(),
                "url": run_page(other),
            }
            for other in family(run)
        ],
        "can": {
            "cancel": not run.is_over and run.cancel_requested_at is None,
            "resume": run.status in _RESUMABLE or silent or _may_be_forgotten(run),
            "publish": product is not None and product.published_at is None,
            "withdraw": product is not None and product.published_at is not None,
        },
    }


def metrics_series(run: Run) -> Facts:
    """Return what each epoch reached as columns of equal length: `epochs`, and by name in `series` (None: no value)."""
    rows = list(run.metrics.order_by("epoch").values_list("epoch", "values"))
    names = list(dict.fromkeys(name for _epoch, values in rows for name in values))
    numbers = [name for name in names if any(_is_number(values.get(name)) for _epoch, values in rows)]
    return {
        "epochs": [epoch for epoch, _values in rows],
        "series": {
            name: [values.get(name) if _is_number(values.get(name)) else None for _epoch, values in rows]
            for name in numbers
        },
    }


def made_from(run: Run) -> list[Facts]:
    """Return what a run was made from: labels, classifiers, slide, settings. Each with the page that says more."""
    facts: list[Facts] = []
    if run.dataset is not None:
        facts.append(_fact(_("Labels frozen"), run.dataset, _dataset_page(run.dataset)))
    elif run.imported:
        manifest = str(run.report.get("imported", {}).get("manifest"))
        facts.append(_fact(_("Brought in"), _("learnt elsewhere, from data set %s…") % manifest[:8], ""))
    for name, other in (
        (_("%(stain)s classifier") % {"stain": run.stain or run.source_stain}, run.source_classifier_run),
        (_("%(stain)s classifier") % {"stain": run.target_stain}, run.target_classifier_run),
        (_("Generator"), run.generator_run),
    ):
        if other is not None:
            best = best_checkpoint(other)
            value = f"run {other.pk}" + (f", epoch {best.epoch}" if best else f" ({other.get_status_display()})")
            facts.append(_fact(name, value, run_page(other)))
    if run.slide is not None:
        facts.append(_fact(_("Slide"), run.slide, reverse("slide", args=[run.slide.pk])))
    preset = nearest_preset(run.kind, run.config)
    changed = len(changed_keys(run.kind, run.config, preset))
    facts.append(
        _fact(_("Settings"), preset + (_(", %(number)s changed") % {"number": changed} if changed else ""), "")
    )
    return facts


def run_title(run: Run) -> str:
    """Name a run as people speak of it: Run 12 · CycleGAN, HE → KI67."""
    about = {
        Run.Kind.MIL: run.stain,
        Run.Kind.CYCLEGAN: f"{run.source_stain} → {run.target_stain}",
        Run.Kind.SYNTHESIS: str(run.slide) if run.slide else "",
        Run.Kind.SCORE: str(run.slide) if run.slide else "",
    }[Run.Kind(run.kind)]
    return f"Run {run.pk} · {run.get_kind_display()}, {about}"


def run_page(run: Run) -> str:
    return reverse("admin:training_run_change", args=[run.pk])


def seconds_since(moment: datetime | None) -> float:
    return (timezone.now() - moment).total_seconds() if moment is not None else 0.0


def patch_counts(dataset: Dataset) -> str:
    """Return the number of labelled patches of each stain, in words: 394 HE + 437 KI67 patches."""
    sums = {
        stain: sum(split["tumor"] + split["normal"] for split in splits.values())
        for stain, splits in dataset.counts.items()
    }
    return " + ".join(f"{number} {stain}" for stain, number in sums.items())


def _seconds_worked(run: Run) -> float | None:
    if run.started_at is None:
        return None
    end = run.finished_at or timezone.now()
    return round((end - run.started_at).total_seconds(), 1)


def _steps(run: Run, product: Slide | None) -> list[Facts]:
    """Return where the run is, as a row of steps: name, detail, state (done, on, waiting, failed)."""
    steps: list[Facts] = []
    if run.dataset is not None:
        detail = _("%(patches)s patches") % {"patches": patch_counts(run.dataset)}
        steps.append({"name": _("Labels"), "detail": detail, "state": "done"})
    if run.imported:
        steps.append({"name": _("Brought in"), "detail": _("learnt elsewhere"), "state": "done"})
    if before := run.predecessors():
        waiting = [other for other in before if other.status != Run.Status.SUCCEEDED]
        failed = any(other.is_over for other in waiting)
        detail = ", ".join(
            f"run {other.pk}" + (f" ({other.get_status_display()})" if other in waiting else "") for other in before
        )
        state = "failed" if failed else "waiting" if waiting else "done"
        steps.append({"name": _("Builds on"), "detail": detail, "state": state})
    state = {
        Run.Status.QUEUED: "waiting",
        Run.Status.RUNNING: "on",
        Run.Status.SUCCEEDED: "done",
        Run.Status.SKIPPED: "waiting",
    }.get(Run.Status(run.status), "failed")
    work = {
        Run.Kind.SYNTHESIS: _("Painting"),
        Run.Kind.SCORE: _("Scoring"),
    }.get(Run.Kind(run.kind), _("Training"))
    if not run.imported:
        steps.append({"name": work, "detail": run.get_status_display(), "state": state})
    if run.kind == Run.Kind.SYNTHESIS:
        published = product is not None and product.published_at is not None
        detail = _("published") if published else _("not published yet") if product else _("waiting")
        steps.append({"name": _("Publish"), "detail": detail, "state": "done" if published else "waiting"})
    elif run.kind != Run.Kind.SCORE:
        best = run.checkpoints.filter(is_best=True).first()
        detail = _("epoch %(epoch)s") % {"epoch": best.epoch} if best else _("waiting")
        chosen = best is not None and run.status == Run.Status.SUCCEEDED
        steps.append({"name": _("Best epoch"), "detail": detail, "state": "done" if chosen else "waiting"})
    return steps


def _product(slide: Slide | None) -> Facts | None:
    if slide is None:
        return None
    history = slide.publications.select_related("published_by", "withdrawn_by").order_by("pk")
    return {
        "slide": slide.pk,
        "title": str(slide),
        "url": reverse("slide", args=[slide.pk]),
        "published": slide.published_at is not None,
        "history": [
            {
                "published_by": row.published_by.get_username(),
                "published_at": row.published_at,
                "withdrawn_by": row.withdrawn_by.get_username() if row.withdrawn_by else None,
                "withdrawn_at": row.withdrawn_at,
                "reason": row.reason,
            }
            for row in history
        ],
    }


def _fact(name: str, value: object, url: str) -> Facts:
    return {"name": name, "value": str(value), "url": url}


def _dataset_page(dataset: Dataset) -> str:
    return reverse("admin:training_dataset_change", args=[dataset.pk])


def _may_be_forgotten(run: Run) -> bool:
    """Tell whether a run waits for nothing but a worker, and for long: the broker may have lost its message."""
    waits = run.status == Run.Status.QUEUED and not any(not other.is_over for other in run.predecessors())
    return waits and seconds_since(run.created_at) > settings.RUN_SILENCE_SECONDS


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
