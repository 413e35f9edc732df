"""What a run is made of, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from accounts.errors import ApplicationError
from accounts.models import Project, User
from tests.factories import make_case, make_slide, make_slide_without_mpp, make_synthetic_slide
from tests.training.builders import (
    change,
    make_dataset,
    make_done_generator,
    make_done_run,
    make_labelled_case,
    make_mil_run,
)
from training.learning import config as learning_config
from training.models import Run
from training.selectors import changed_keys, nearest_preset
from training.services import create_chain, create_run, freeze_dataset


def refusal(project: Project, kind: str, by: User, **arguments: Any) -> str:
    before = Run.objects.count()
    with pytest.raises(ApplicationError) as refused:
        create_run(project, kind, by, **arguments)
    assert Run.objects.count() == before
    return refused.value.message


def test_a_run_carries_every_key_of_the_papers_configuration(project: Project, lead: User) -> None:
    run = create_run(project, Run.Kind.MIL, lead, dataset=make_dataset(project, lead), stain="KI67")
    assert run.status == Run.Status.QUEUED
    assert run.config == learning_config.MilConfig().to_dict()
    assert run.config["learning_rate"] == 0.0001
    assert run.config["epochs"] == 100
    assert (run.stain, run.source_stain, run.target_stain) == ("KI67", "HE", "KI67")
    assert changed_keys(run.kind, run.config) == []


def test_single_keys_overrule_the_preset(project: Project, lead: User) -> None:
    dataset = make_dataset(project, lead)
    run = create_run(project, Run.Kind.MIL, lead, dataset=dataset, stain="HE", config={"epochs": 3, "width": 16})
    assert [(key.key, key.value, key.paper) for key in changed_keys(run.kind, run.config)] == [
        ("epochs", 3, 100),
        ("width", 16, 64),
    ]
    assert nearest_preset("mil", run.config) == "paper"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"epoch": 3}, "no key 'epoch'"),
        ({"epochs": 0}, "epochs is 0; expected 1 or more"),
        ({"epochs": "many"}, "epochs is 'many'"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(
    project: Project, lead: User, config: dict[str, Any], said: str
) -> None:
    dataset = make_dataset(project, lead)
    assert said in refusal(project, "mil", lead, dataset=dataset, stain="HE", config=config)


def test_initial_weights_come_from_folders_that_the_site_may_read(project: Project, lead: User, tmp_path: Path) -> None:
    dataset = make_dataset(project, lead)
    config = {"init_weights": "/etc/passwd"}
    assert f"expected a file below {tmp_path}" in refusal(
        project, "mil", lead, dataset=dataset, stain="HE", config=config
    )
    config = {"init_weights": str(tmp_path / "resnet34.safetensors")}
    run = create_run(project, Run.Kind.MIL, lead, dataset=dataset, stain="HE", config=config)
    assert run.config["init_weights"] == config["init_weights"]


def test_an_unknown_preset_is_refused(project: Project, lead: User) -> None:
    dataset = make_dataset(project, lead)
    assert "no preset 'huge'" in refusal(project, "mil", lead, dataset=dataset, stain="HE", preset="huge")


def test_a_classifier_needs_a_data_set_and_one_of_its_stains(project: Project, lead: User) -> None:
    assert "needs a frozen data set" in refusal(project, "mil", lead, stain="HE")
    dataset = make_dataset(project, lead)
    assert "A classifier of “SYN” can't be learnt" in refusal(project, "mil", lead, dataset=dataset, stain="SYN")


def test_a_generator_needs_a_classifier_of_each_stain(project: Project, lead: User) -> None:
    dataset, he = make_dataset(project, lead), make_done_run(project, lead, "HE")
    said = refusal(project, "cyclegan", lead, dataset=dataset, source_classifier_run=he)
    assert "needs a classifier of the target stain" in said
    said = refusal(project, "cyclegan", lead, dataset=dataset, source_classifier_run=he, target_classifier_run=he)
    assert "reads HE; expected a classifier of KI67" in said


def test_a_failed_run_is_not_built_on(project: Project, lead: User) -> None:
    he = make_mil_run(project, lead, "HE", status=Run.Status.FAILED)
    slide = make_slide(make_case(project), "HE")
    assert "left nothing to build on" in refusal(project, "score", lead, slide=slide, source_classifier_run=he)


def test_another_projects_inputs_are_refused(project: Project, lead: User, outsider: User) -> None:
    foreign = outsider.memberships.get().project
    dataset = make_dataset(foreign, lead)
    assert "belongs to another project" in refusal(project, "mil", lead, dataset=dataset, stain="HE")
    generator = make_done_generator(project, lead)
    said = refusal(project, "synthesis", lead, generator_run=generator, slide=make_slide(make_case(foreign), "HE"))
    assert "belongs to another project" in said


def test_synthesis_wants_a_real_slide_of_the_source_stain_with_resolution(project: Project, lead: User) -> None:
    generator, case = make_done_generator(project, lead), make_case(project)
    real = make_slide(case, "HE")
    for slide, said in (
        (make_slide(case, "KI67"), "expected a real HE slide"),
        (make_synthetic_slide(real, "HE"), "expected a real HE slide"),
        (make_slide_without_mpp(case, "HE"), "The resolution (mpp) of"),
    ):
        assert said in refusal(project, "synthesis", lead, generator_run=generator, slide=slide)
    run = create_run(project, "synthesis", lead, generator_run=generator, slide=real)
    assert run.source_classifier_run == generator.source_classifier_run
    assert run.target_stain == "KI67"


def test_a_chain_links_four_runs(project: Project, lead: User) -> None:
    dataset, slide = make_dataset(project, lead), make_slide(make_case(project), "HE")
    chain = create_chain(project, lead, "tiny", slide, configs={"cyclegan": {"epochs": 7}})
    assert [run.kind for run in chain] == ["mil", "mil", "cyclegan", "synthesis"]
    assert [run.stain for run in chain] == ["HE", "KI67", "", ""]
    assert chain.generator.predecessors() == [chain.source_classifier, chain.target_classifier]
    assert chain.synthesis.predecessors() == [chain.source_classifier, chain.generator]
    assert chain.synthesis.slide == slide
    assert {run.dataset for run in chain[:3]} == {dataset}
    assert chain.generator.config["epochs"] == 7
    assert all(run.independent_validation for run in chain)


def test_a_chain_without_a_frozen_set_makes_no_run(project: Project, lead: User) -> None:
    with pytest.raises(ApplicationError, match="has no frozen data set yet"):
        create_chain(project, lead, "tiny", make_slide(make_case(project), "HE"))
    assert not Run.objects.exists()


def test_a_chain_whose_last_run_is_refused_makes_no_run(project: Project, lead: User) -> None:
    make_dataset(project, lead)
    with pytest.raises(ApplicationError, match="expected a real HE slide"):
        create_chain(project, lead, "tiny", make_slide(make_case(project), "KI67"))
    assert not Run.objects.exists()


def test_no_independent_validation_marks_every_run_of_the_chain(project: Project, lead: User) -> None:
    case = make_labelled_case(project, "Case 01")
    freeze_dataset(project, lead, allow_dependent_validation=True)
    chain = create_chain(project, lead, "tiny", case.slides.get(stain="HE"))
    assert not any(run.independent_validation for run in chain)


def test_a_classifier_of_another_set_marks_the_generator_too(project: Project, lead: User) -> None:
    he, ki67 = make_done_run(project, lead, "HE"), make_done_run(project, lead, "KI67")
    change(ki67, independent_validation=False)
    run = create_run(
        project,
        "cyclegan",
        lead,
        dataset=project.datasets.get(),
        source_classifier_run=he,
        target_classifier_run=ki67,
    )
    assert not run.independent_validation
