"""Make runs, alone or as the chain of a whole training."""

from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from accounts.models import Project, User
from training.learning import config as learning_config
from training.learning.errors import ConfigError
from training.models import Dataset, Run
from training.selectors import latest_dataset
from viewer.models import Slide

Thing = TypeVar("Thing")


class Chain(NamedTuple):
    """The runs of one training, in the order in which they run."""

    source_classifier: Run
    target_classifier: Run
    generator: Run
    synthesis: Run


def create_run(
    project: Project,
    kind: str,
    by: User,
    *,
    dataset: Dataset | None = None,
    stain: str = "",
    slide: Slide | None = None,
    source_classifier_run: Run | None = None,
    target_classifier_run: Run | None = None,
    generator_run: Run | None = None,
    preset: str = "paper",
    config: dict[str, Any] | None = None,
) -> Run:
    """Make a queued run; nothing is enqueued. `config` overrules single keys of the preset.

    A mil run needs `dataset` and `stain`; cyclegan `dataset` and both classifier runs; synthesis `slide` and
    `generator_run`; score `slide` and `source_classifier_run`. Runs that it builds on may still be on their way.

    Raises:
        ApplicationError: something that the kind needs is missing or does not fit, or a key of the configuration
            is unknown or out of range. Nothing was written.
    """
    run = Run(project=project, kind=kind, config=filled_in(kind, preset, config), created_by=by)
    _refuse_foreign(project, dataset, slide, source_classifier_run, target_classifier_run, generator_run)
    match kind:
        case Run.Kind.MIL:
            _learn_classifier(run, _given(dataset, _("a frozen data set")), stain)
        case Run.Kind.CYCLEGAN:
            _learn_generator(
                run,
                _given(dataset, _("a frozen data set")),
                _given(source_classifier_run, _("a classifier of the source stain")),
                _given(target_classifier_run, _("a classifier of the target stain")),
            )
        case Run.Kind.SYNTHESIS:
            _synthesise(run, _given(slide, _("a slide")), _given(generator_run, _("a CycleGAN run")))
        case Run.Kind.SCORE:
            _score(run, _given(slide, _("a slide")), _given(source_classifier_run, _("a classifier of its stain")))
    run.save()
    return run


@transaction.atomic
def create_chain(
    project: Project,
    by: User,
    preset: str,
    slide: Slide,
    dataset: Dataset | None = None,
    configs: dict[str, dict[str, Any]] | None = None,
) -> Chain:
    """Make the runs of a whole training: both classifiers, the CycleGAN, and the synthesis of `slide`.

    dataset: the project's newest when left out. configs: keys that overrule the preset's, by kind of run.
    """
    dataset = dataset or latest_dataset(project)
    if dataset is None:
        raise ApplicationError(
            _("“%(project)s” has no frozen data set yet. Freeze its labels first.") % {"project": project.name}
        )
    keys = configs or {}

    def make(kind: Run.Kind, **inputs: Any) -> Run:
        return create_run(project, kind, by, preset=preset, config=keys.get(kind), **inputs)

    source = make(Run.Kind.MIL, dataset=dataset, stain=dataset.source_stain)
    target = make(Run.Kind.MIL, dataset=dataset, stain=dataset.target_stain)
    generator = make(Run.Kind.CYCLEGAN, dataset=dataset, source_classifier_run=source, target_classifier_run=target)
    return Chain(source, target, generator, make(Run.Kind.SYNTHESIS, slide=slide, generator_run=generator))


def filled_in(kind: str, preset: str, overrules: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return every key of a configuration, the preset's values overruled key by key."""
    try:
        values = learning_config.preset(kind, preset).to_dict()
        config = learning_config.from_dict(kind, values | (overrules or {})).to_dict()
    except ConfigError as error:
        raise ApplicationError(str(error)) from error
    _refuse_path_outside(config.get("init_weights", ""))
    return config


def _refuse_path_outside(name: str) -> None:
    """Refuse a file that the site was not told it may read: the key comes from a web form."""
    roots = settings.IMPORT_ROOTS
    if name and not any(Path(name).resolve().is_relative_to(root) for root in roots):
        raise ApplicationError(
            _("init_weights is “%(path)s”; expected a file below %(roots)s. An operator sets IMPORT_ROOTS.")
            % {"path": name, "roots": ", ".join(map(str, roots)) or _("a folder of IMPORT_ROOTS, which is empty")}
        )


def _learn_classifier(run: Run, dataset: Dataset, stain: str) -> None:
    pair = (dataset.source_stain, dataset.target_stain)
    if stain not in pair:
        raise ApplicationError(
            _("A classifier of “%(stain)s” can't be learnt from %(dataset)s, which holds %(pair)s. Choose of these.")
            % {"stain": stain, "dataset": dataset, "pair": " and ".join(pair)}
        )
    run.dataset, run.stain = dataset, stain
    run.source_stain, run.target_stain = pair
    run.independent_validation = dataset.independent_validation


def _learn_generator(run: Run, dataset: Dataset, source: Run, target: Run) -> None:
    _needs_classifier(source, dataset.source_stain)
    _needs_classifier(target, dataset.target_stain)
    run.dataset, run.source_classifier_run, run.target_classifier_run = dataset, source, target
    run.source_stain, run.target_stain = dataset.source_stain, dataset.target_stain
    run.independent_validation = (
        dataset.independent_validation and source.independent_validation and target.independent_validation
    )


def _synthesise(run: Run, slide: Slide, generator: Run) -> None:
    _may_be_used(generator, Run.Kind.CYCLEGAN)
    _needs_real_slide(slide, generator.source_stain)
    run.slide, run.generator_run, run.source_classifier_run = slide, generator, generator.source_classifier_run
    run.source_stain, run.target_stain = generator.source_stain, generator.target_stain
    run.independent_validation = generator.independent_validation


def _score(run: Run, slide: Slide, classifier: Run) -> None:
    _needs_classifier(classifier, slide.stain)
    _needs_real_slide(slide, classifier.stain)
    run.slide, run.source_classifier_run, run.stain = slide, classifier, classifier.stain
    run.source_stain, run.target_stain = classifier.source_stain, classifier.target_stain
    run.independent_validation = classifier.independent_validation


def _given(thing: Thing | None, what: str) -> Thing:
    if thing is None:
        raise ApplicationError(_("This run needs %(what)s, and none was named.") % {"what": what})
    return thing


def _needs_classifier(run: Run, stain: str) -> None:
    _may_be_used(run, Run.Kind.MIL)
    if run.stain != stain:
        raise ApplicationError(
            _("%(run)s reads %(found)s; expected a classifier of %(expected)s.")
            % {"run": run, "found": run.stain, "expected": stain}
        )


def _may_be_used(run: Run, kind: Run.Kind) -> None:
    if run.kind != kind:
        raise ApplicationError(
            _("%(run)s is no %(kind)s run; choose one that is.") % {"run": run, "kind": Run.Kind(kind).label}
        )
    if run.is_over and run.status != Run.Status.SUCCEEDED:
        raise ApplicationError(
            _("%(run)s is %(status)s and left nothing to build on. Resume it, or choose another.")
            % {"run": run, "status": run.get_status_display()}
        )


def _needs_real_slide(slide: Slide, stain: str) -> None:
    if slide.is_synthetic or slide.stain != stain:
        raise ApplicationError(
            _("“%(slide)s” does not fit: expected a real %(stain)s slide.") % {"slide": slide, "stain": stain}
        )
    if slide.state != Slide.State.READY:
        raise ApplicationError(
            _("The resolution (mpp) of “%(slide)s” is not known. Supply it on the slide's page first.")
            % {"slide": slide}
        )


def _refuse_foreign(project: Project, *named: Dataset | Slide | Run | None) -> None:
    for thing in named:
        if thing is not None and thing.project != project:
            raise ApplicationError(
                _("%(thing)s belongs to another project; choose one of “%(project)s”.")
                % {"thing": thing, "project": project.name}
            )
