from collections.abc import Callable
from uuid import uuid4

import pytest

from accounts.errors import ApplicationError
from accounts.models import User
from annotation.models import PatchPrediction
from review.extents import region_counts, tumor_counts
from review.models import Alignment, CellEdit, ScoringSettings
from review.selectors import finished_score
from review.services import edit_cell
from tests.conftest import SiteClient
from tests.factories import make_patch
from tests.review.conftest import Pair
from training.models import Run
from viewer.models import Slide

ClientOf = Callable[[User], SiteClient]
# The upper left four of the six cells that the fixture counts on each slide.
CORNERS = [(60.0, 60.0), (200.0, 60.0), (200.0, 200.0), (60.0, 200.0)]


def judge(slide: Slide, *probabilities: float) -> None:
    """Let a classifier look at patches of 400 px along the slide's upper edge."""
    for column, probability in enumerate(probabilities):
        PatchPrediction.objects.create(
            patch=make_patch(slide, column, 0, size_l0=400),
            checkpoint_sha256="ab" * 32,
            probability=probability,
            best_x_l0=0,
            best_y_l0=0,
            instance_probabilities=b"",
        )


def test_a_region_is_counted_on_both_slides_and_says_its_extent(counted_pair: Pair) -> None:
    ScoringSettings.objects.create(project=counted_pair.source.project, least_cells=4)
    found = region_counts(counted_pair.synthetic, CORNERS)
    assert (found["extent"], found["name"], found["note"]) == ("region", "Drawn region", "")
    assert found["area_mm2"] == pytest.approx(0.07**2)
    assert [found[side]["machine"]["cells"] for side in ("real", "synthetic")] == [4, 4]
    assert found["synthetic"]["outlines"] == [[list(corner) for corner in CORNERS]]


def test_a_region_follows_the_alignment_to_the_real_slide(counted_pair: Pair) -> None:
    # A quarter turn that brings the two cells at the lower right under the region.
    Alignment.objects.update(matrix=[0, -1, 790, 1, 0, 520])
    found = region_counts(counted_pair.synthetic, CORNERS)
    assert (found["real"]["machine"]["cells"], found["synthetic"]["machine"]["cells"]) == (2, 4)
    assert found["real"]["outlines"][0][0] == [730.0, 580.0]


def test_the_counts_of_a_region_follow_edits_inside_of_it_alone(counted_pair: Pair, clinician: User) -> None:
    score = finished_score(counted_pair.synthetic)
    assert score is not None
    edit_cell(score, clinician, uuid4(), "flip", cell_index=0)
    edit_cell(score, clinician, uuid4(), "add", place=(700.0, 700.0), positive=True)
    found = region_counts(counted_pair.synthetic, CORNERS)["synthetic"]
    assert (found["machine"]["positive"], found["machine"]["edits"]) == (2, 0)
    assert (found["reader"]["positive"], found["reader"]["cells"], found["reader"]["edits"]) == (1, 4, 1)
    assert CellEdit.objects.count() == 2


def test_a_region_without_cells_has_no_ratio(counted_pair: Pair) -> None:
    found = region_counts(counted_pair.synthetic, [(400.0, 400.0), (420.0, 400.0), (410.0, 420.0)])
    assert (found["synthetic"]["reader"]["ratio"], found["synthetic"]["reader"]["interval"]) == (None, None)
    assert found["synthetic"]["grade"] is None


def test_a_region_on_sections_that_are_not_aligned_is_counted_on_the_synthetic_slide_alone(counted_pair: Pair) -> None:
    Alignment.objects.all().delete()
    found = region_counts(counted_pair.synthetic, CORNERS)
    assert (found["real"], found["synthetic"]["machine"]["cells"]) == (None, 4)
    assert "not aligned" in found["note"]


@pytest.mark.parametrize(
    ("corners", "told"),
    [
        ([], "at least 3 corners"),
        (CORNERS[:2], "at least 3 corners"),
        ([*CORNERS[:2], (801.0, 10.0)], "lies outside of the slide of 800 × 800"),
        ([*CORNERS[:2], (10.0, -1.0)], "lies outside of the slide"),
    ],
)
def test_a_region_that_is_none_or_lies_off_the_slide_is_refused(
    counted_pair: Pair, corners: list[tuple[float, float]], told: str
) -> None:
    with pytest.raises(ApplicationError, match=told):
        region_counts(counted_pair.synthetic, corners)


def test_tumour_patches_of_the_real_slide_hold_for_both(counted_pair: Pair) -> None:
    Alignment.objects.update(matrix=[1, 0, 10, 0, 1, 0])
    judge(counted_pair.source, 0.1)
    judge(counted_pair.real, 0.9, 0.2)
    found = tumor_counts(counted_pair.synthetic)
    assert found["name"] == "Tumour patches, as the Ki-67 classifier sees them on the real slide"
    assert (found["patches"], found["classifier"], found["area_mm2"]) == (1, "ab" * 32, pytest.approx(0.04))
    assert found["outlines"] == [[[-10.0, 0.0], [390.0, 0.0], [390.0, 400.0], [-10.0, 400.0]]]
    assert [found[side]["machine"]["cells"] for side in ("real", "synthetic")] == [4, 4]


def test_where_nobody_judged_the_real_slide_the_source_s_classifier_speaks(counted_pair: Pair) -> None:
    judge(counted_pair.source, 0.2, 0.8)
    found = tumor_counts(counted_pair.synthetic)
    assert "H&E classifier" in found["name"]
    assert [found[side]["machine"]["cells"] for side in ("real", "synthetic")] == [0, 0]


def test_a_classifier_s_own_threshold_says_what_is_tumour(counted_pair: Pair, lead: User) -> None:
    judge(counted_pair.real, 0.4, 0.2)
    assert tumor_counts(counted_pair.synthetic)["patches"] == 0
    real = counted_pair.real
    over = {"project": real.project, "created_by": lead, "stain": "KI67", "status": "succeeded", "config": {}}
    classifier = Run.objects.create(kind=Run.Kind.MIL, imported=True, **over)
    report = {"classifier": "ab" * 32, "threshold": 0.35}
    Run.objects.create(kind=Run.Kind.SCORE, slide=real, source_classifier_run=classifier, report=report, **over)
    assert tumor_counts(counted_pair.synthetic)["patches"] == 1


def test_tumour_patches_that_nobody_knows_are_refused_with_what_to_do(counted_pair: Pair) -> None:
    with pytest.raises(ApplicationError, match="scores the real slide with the Ki-67 classifier"):
        tumor_counts(counted_pair.synthetic)


def test_extents_over_the_api(client_of: ClientOf, clinician: User, outsider: User, counted_pair: Pair) -> None:
    client = client_of(clinician)
    asked: dict[str, str | int] = {
        "slide": counted_pair.synthetic.pk,
        "extent": "region",
        "corners": "60,60 200,60 200,200 60,200",
    }
    assert client.get("/api/v1/extents/", asked).json()["synthetic"]["machine"]["cells"] == 4
    assert client_of(outsider).get("/api/v1/extents/", asked).status_code == 404
    wrongs: list[dict[str, str | int]] = [
        {"slide": counted_pair.real.pk},
        {"corners": "60,60 nan,60 200,200"},
        {"corners": "60,60"},
        {"corners": ""},
        {"corners": "1,1 " * 1001},
        {"extent": "moon"},
        {"extent": "tumor"},
    ]
    for wrong in wrongs:
        assert client.get("/api/v1/extents/", {**asked, **wrong}).status_code == 400, wrong
