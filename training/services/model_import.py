"""Bring in a model that was trained elsewhere: both classifiers and the generator, as three runs that are over."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from accounts.models import Project, User
from training.learning import config as learning_config
from training.learning.errors import LearningError
from training.learning.header import read_metadata
from training.models import Checkpoint, Run
from viewer import storage


@dataclass(frozen=True)
class _Weights:
    """A checkpoint file, its hash, and what its header says."""

    path: Path
    sha256: str
    size_bytes: int
    metadata: dict[str, Any]


def import_model(
    project: Project, by: User, *, source_classifier: Path, target_classifier: Path, generator: Path, note: str = ""
) -> Run:
    """Store three checkpoints as runs of the project and return the generator's run; slides can be synthesised with it.

    What was brought in before is returned as it is. Tensors are looked at by the worker that uses them first.

    Raises:
        ApplicationError: a file is no checkpoint of its kind, of another pair of stains than the project's, or the
            generator was trained with other classifiers. Nothing was written.
    """
    source, target = _read(source_classifier, Run.Kind.MIL), _read(target_classifier, Run.Kind.MIL)
    painter = _read(generator, Run.Kind.CYCLEGAN)
    pair = [project.source_stain, project.target_stain]
    _expect(painter, _("stains"), painter.metadata.get("stains"), pair)
    for weights, stain in ((source, pair[0]), (target, pair[1])):
        _expect(weights, _("stain"), weights.metadata.get("stain"), stain)
    _expect(painter, _("classifiers"), painter.metadata.get("classifiers"), [source.sha256, target.sha256])
    known = Checkpoint.objects.filter(run__project=project, run__imported=True, sha256=painter.sha256).first()
    if known is not None:
        return known.run
    stored: list[str] = []
    try:
        with transaction.atomic():
            classifiers = [
                _enter(project, by, weights, note, stored, stain=stain)
                for weights, stain in ((source, pair[0]), (target, pair[1]))
            ]
            return _enter(
                project,
                by,
                painter,
                note,
                stored,
                source_classifier_run=classifiers[0],
                target_classifier_run=classifiers[1],
            )
    except BaseException:
        for key in stored:
            storage.delete(key)
        raise


def _read(path: Path, kind: Run.Kind) -> _Weights:
    try:
        content = path.read_bytes()
        metadata = read_metadata(content, path.name)
        if metadata.get("kind") == kind:
            # The keys are compared with those that this release knows.
            metadata["config"] = learning_config.from_dict(kind, metadata["config"]).to_dict()
            metadata["epoch"] = int(metadata["epoch"])
    except OSError as error:
        raise ApplicationError(
            _("%(name)s cannot be read (%(why)s).") % {"name": path.name, "why": error.strerror}
        ) from error
    except LearningError as error:
        raise ApplicationError(str(error)) from error
    except (KeyError, TypeError, ValueError) as error:
        raise ApplicationError(
            _("%(name)s lacks what its header should say (%(what)s); train it again.")
            % {"name": path.name, "what": error}
        ) from error
    weights = _Weights(path, sha256(content).hexdigest(), len(content), metadata)
    _expect(weights, _("kind"), metadata.get("kind"), kind.value)
    return weights


def _expect(weights: _Weights, what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ApplicationError(
            _("%(name)s: %(what)s is %(found)s, expected %(expected)s. Choose the files of one training.")
            % {"name": weights.path.name, "what": what, "found": _short(found), "expected": _short(expected)}
        )


def _short(value: object) -> str:
    """Name hashes by their beginning, as pages do."""
    if isinstance(value, list):
        return " · ".join(_short(one) for one in value)
    text = str(value)
    return text[:12] + "…" if len(text) == 64 else text


def _enter(project: Project, by: User, weights: _Weights, note: str, stored: list[str], **fields: Any) -> Run:
    metadata = weights.metadata
    run = Run.objects.create(
        project=project,
        kind=metadata["kind"],
        status=Run.Status.SUCCEEDED,
        imported=True,
        source_stain=project.source_stain,
        target_stain=project.target_stain,
        config=metadata["config"],
        independent_validation=metadata.get("independent_validation") is True,
        report={"imported": {"manifest": metadata.get("manifest"), "code_version": metadata.get("code_version")}},
        message=note,
        finished_at=timezone.now(),
        created_by=by,
        **fields,
    )
    key = f"runs/{run.uuid}/checkpoints/epoch-{metadata['epoch']:04d}-{weights.sha256[:12]}.safetensors"
    storage.save_file(weights.path, key)
    stored.append(key)
    Checkpoint.objects.create(
        run=run,
        epoch=metadata["epoch"],
        key=key,
        sha256=weights.sha256,
        size_bytes=weights.size_bytes,
        metrics=metadata.get("metrics") or {},
        is_best=True,
    )
    return run
