"""The demo's complete example, on a drawn pair of cells placed by hand."""

from uuid import uuid4

import numpy as np
import pytest

from accounts.models import Project, User
from config.demo.example import example_slide, sign_example
from config.tasks import sign_demo_example
from review.models import Alignment, CellEdit, CellScore, Review, ScoringSettings
from review.report_facts import report_facts
from review.selectors import finished_score, worklist
from review.services import edit_cell, save_draft
from tests.factories import make_case, make_slide, make_synthetic_slide
from tests.review.conftest import make_score, store_cells
from tests.training.builders import change, make_done_generator
from training.models import Run
from training.services import create_run
from viewer.models import Slide

SIZE_PX = 2000


@pytest.fixture
def painted(project: Project) -> Slide:
    """A published, counted, aligned synthetic slide: its left edge is positive, the real slide's right half."""
    ScoringSettings.objects.create(project=project, grade="gep_net", hot_spot_um=250, least_cells=50)
    case, square = make_case(project), {"width_l0": SIZE_PX, "height_l0": SIZE_PX, "mpp": 0.5, "drawn": True}
    source, real = make_slide(case, "HE", **square), make_slide(case, "KI67", **square)
    synthetic = make_synthetic_slide(source, published=True)
    places = np.random.default_rng(0).uniform(0, SIZE_PX, (4000, 2)).tolist()
    for slide, is_positive in ((real, lambda x: x > SIZE_PX / 2), (synthetic, lambda x: x < 200)):
        score = make_score(slide, parameters={"method": "hdab-nuclei", "dab_threshold": 0.2})
        store_cells(score, [(x, y, bool(is_positive(x))) for x, y in places])
    Alignment.objects.create(
        fixed=source, moving=real, matrix=[1, 0, 0, 0, 1, 0], correlation=0.9, method="automatic affine"
    )
    return synthetic


def test_the_example_is_complete_and_says_that_it_is_one(painted: Slide, clinician: User) -> None:
    review = sign_example(painted, clinician)
    assert review is not None
    assert (review.reader, review.verdict, review.confidence) == (clinician, "not_usable", 3)
    assert review.comment.startswith("EXAMPLE, signed by the demo's own account when the demo was made: no person has")
    assert "100.0 % of the nuclei are positive on the real section" in review.comment
    assert [pin["kind"] for pin in review.pins] == ["lost", "invented"]
    assert review.pins[0]["x"] > SIZE_PX / 2 > review.pins[1]["x"]
    assert review.pins[0]["note"].endswith("positive nuclei on the real section, 0 here, within 224 µm.")
    assert list(CellEdit.objects.values_list("action", flat=True)) == ["flip", "remove"]
    assert review.counts["synthetic"]["reader"]["edits"] == 2
    assert worklist([painted], clinician) == {painted.pk: "signed"}
    facts = report_facts(painted, clinician)
    assert (facts.review, facts.window is not None) == (review, True)


def test_it_is_signed_once_however_often_the_demo_starts(painted: Slide, clinician: User) -> None:
    assert sign_example(painted, clinician) is not None
    assert sign_example(painted, clinician) is None
    assert (Review.objects.count(), CellEdit.objects.count()) == (1, 2)


def test_what_a_visitor_began_is_left_alone(painted: Slide, clinician: User) -> None:
    save_draft(painted, clinician, {"comment": "Mine"}, None)
    assert sign_example(painted, clinician) is None
    painted.verdict_drafts.all().delete()
    score = finished_score(painted)
    assert score is not None
    edit_cell(score, clinician, uuid4(), "flip", cell_index=0)
    assert sign_example(painted, clinician) is None
    assert (Review.objects.count(), CellEdit.objects.count()) == (0, 1)


@pytest.mark.parametrize("missing", [CellScore, Alignment])
def test_there_is_no_example_before_both_slides_are_counted_and_aligned(
    painted: Slide, clinician: User, missing: type[CellScore] | type[Alignment]
) -> None:
    missing.objects.all().delete()
    assert sign_example(painted, clinician) is None
    assert not Review.objects.exists()


def test_only_the_shipped_model_s_slide_is_the_example(painted: Slide, clinician: User, lead: User) -> None:
    project = painted.project
    assert example_slide(project) is None
    generator = change(make_done_generator(project, lead), imported=True, dataset=None)
    assert example_slide(project) is None
    Slide.objects.filter(pk=painted.pk).update(generator_sha256=generator.checkpoints.get().sha256)
    assert example_slide(project) == painted
    Slide.objects.filter(pk=painted.pk).update(published_at=None)
    assert example_slide(project) is None


def test_the_chain_s_last_link_signs_what_the_synthesis_painted(painted: Slide, clinician: User, lead: User) -> None:
    generator = make_done_generator(painted.project, lead)
    run = create_run(painted.project, Run.Kind.SYNTHESIS, lead, slide=painted.derived_from, generator_run=generator)
    change(run, status=Run.Status.SUCCEEDED, inputs={"generator": painted.generator_sha256})
    for _delivery in range(2):
        sign_demo_example(run_pk=run.pk, by_pk=clinician.pk)
    assert Review.objects.get().slide == painted
