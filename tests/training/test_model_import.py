"""A model that was trained elsewhere comes in as runs that are over, or not at all."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypedDict

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.errors import ApplicationError
from accounts.models import Project, User
from tests.factories import make_case, make_slide
from training import services
from training.learning import config as learning_config
from training.learning.header import FORMAT
from training.models import Checkpoint, Run

pytestmark = pytest.mark.django_db


class Model(TypedDict):
    """The three files of a model, as `import_model` names them."""

    source_classifier: Path
    target_classifier: Path
    generator: Path


def write_weights(path: Path, kind: str, **metadata: Any) -> Path:
    """A checkpoint without tensors: only the header is read when a model comes in."""
    config = learning_config.preset(kind, "tiny").to_dict()
    said = {"kind": kind, "config": config, "epoch": 5, "manifest": "ab" * 32, "code_version": "0.1.0"} | metadata
    header = json.dumps({"__metadata__": {FORMAT: json.dumps(said)}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


def hash_of(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def model(tmp_path: Path) -> Model:
    source = write_weights(tmp_path / "he.safetensors", "mil", stain="HE", independent_validation=True)
    target = write_weights(tmp_path / "ki67.safetensors", "mil", stain="KI67", independent_validation=True)
    generator = write_weights(
        tmp_path / "generator.safetensors",
        "cyclegan",
        stains=["HE", "KI67"],
        classifiers=[hash_of(source), hash_of(target)],
        independent_validation=True,
        metrics={"cycle": 0.2},
    )
    return {"source_classifier": source, "target_classifier": target, "generator": generator}


def test_a_model_comes_in_as_three_runs_that_are_over(project: Project, lead: User, model: Model) -> None:
    run = services.import_model(project, lead, **model, note="From another hospital.")
    assert (run.kind, run.status, run.imported, run.dataset) == ("cyclegan", "succeeded", True, None)
    assert run.message == "From another hospital."
    assert run.independent_validation
    source, target = run.source_classifier_run, run.target_classifier_run
    assert source is not None and target is not None
    assert (source.stain, target.stain) == ("HE", "KI67")
    checkpoint = run.checkpoints.get()
    assert (checkpoint.epoch, checkpoint.is_best, checkpoint.metrics) == (5, True, {"cycle": 0.2})
    assert checkpoint.sha256 == hash_of(model["generator"])
    with default_storage.open(checkpoint.key) as stored:
        assert stored.read() == model["generator"].read_bytes()


def test_a_slide_can_be_synthesised_with_it_and_its_pages_say_where_it_is_from(
    project: Project, lead: User, model: Model, client: Client
) -> None:
    generator = services.import_model(project, lead, **model)
    slide = make_slide(make_case(project, "Case 01"), "HE")
    run = services.create_run(project, Run.Kind.SYNTHESIS, lead, slide=slide, generator_run=generator)
    assert run.source_classifier_run == generator.source_classifier_run
    client.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("admin:training_run_change", args=[generator.pk]))
    assert page.status_code == 200
    assert "learnt elsewhere, from data set abababab…" in page.text


def test_bringing_in_the_same_model_again_changes_nothing(project: Project, lead: User, model: Model) -> None:
    first = services.import_model(project, lead, **model)
    assert services.import_model(project, lead, **model) == first
    assert Run.objects.count() == 3


@pytest.mark.parametrize(
    ("file", "kind", "metadata", "reason"),
    [
        ("generator", "cyclegan", {"stains": ["HE", "SYN"]}, "stains is HE · SYN, expected HE · KI67"),
        (
            "generator",
            "cyclegan",
            {"stains": ["HE", "KI67"], "classifiers": ["c" * 64] * 2},
            "classifiers is cccccccccccc…",
        ),
        ("generator", "mil", {"stain": "HE"}, "kind is mil, expected cyclegan"),
        ("source_classifier", "mil", {"stain": "KI67"}, "stain is KI67, expected HE"),
        ("target_classifier", "mil", {"stain": "KI67", "config": {"no_such_key": 1}}, "no_such_key"),
        ("target_classifier", "mil", {"stain": "KI67", "epoch": None}, "lacks what its header should say"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(
    file: Literal["source_classifier", "target_classifier", "generator"],
    kind: str,
    metadata: dict[str, Any],
    reason: str,
    project: Project,
    lead: User,
    model: Model,
) -> None:
    write_weights(model[file], kind, **metadata)
    with pytest.raises(ApplicationError, match=reason):
        services.import_model(project, lead, **model)
    assert not Run.objects.exists()
    assert not Checkpoint.objects.exists()


def test_a_file_that_is_no_checkpoint_or_is_missing_is_refused(project: Project, lead: User, model: Model) -> None:
    model["generator"].write_bytes(b"no weights")
    with pytest.raises(ApplicationError, match=r"generator\.safetensors is no checkpoint of ours"):
        services.import_model(project, lead, **model)
    model["generator"].unlink()
    with pytest.raises(ApplicationError, match=r"generator\.safetensors cannot be read \(No such file or directory\)"):
        services.import_model(project, lead, **model)
    assert not Run.objects.exists()


def test_the_command_names_the_run_or_the_reason(
    project: Project, lead: User, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {"project": project.slug, "by": lead.username}
    call_command("import_model", **named, **model)
    run = Run.objects.get(kind="cyclegan")
    assert f"Run {run.pk} holds the generator" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no project “nowhere”") as refused:
        call_command("import_model", **named | {"project": "nowhere"}, **model)
    assert refused.value.returncode == 2


def test_the_database_keeps_an_imported_run_over_and_without_a_data_set(
    project: Project, lead: User, model: Model
) -> None:
    run = services.import_model(project, lead, **model)
    with pytest.raises(IntegrityError, match="run_imported_is_over"), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(status=Run.Status.QUEUED)
    run.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED
