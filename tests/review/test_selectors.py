import hashlib

from accounts.models import User
from review.models import Alignment, CellScore, ScoringSettings
from review.selectors import real_counterpart, review_payload, shown_score
from review.services import reopen_verdict, sign_verdict
from tests.factories import make_case, make_slide, make_slide_without_mpp, make_synthetic_slide
from tests.review.conftest import Pair, make_score, queued
from training.models import Checkpoint, Dataset, Run
from viewer.models import Slide

State = CellScore.State


def test_the_counterpart_is_the_newest_ready_real_slide_of_case_and_stain(pair: Pair) -> None:
    newest = make_slide(pair.source.case, "KI67")
    make_slide_without_mpp(pair.source.case, "KI67")
    make_slide(make_case(pair.source.project), "KI67")
    make_slide(pair.source.case, "SYN")
    make_synthetic_slide(pair.source, published=True)
    assert real_counterpart(pair.synthetic) == newest


def test_a_case_without_a_real_slide_of_the_stain_has_no_counterpart(lone_synthetic: Slide) -> None:
    assert real_counterpart(lone_synthetic) is None


def test_the_payload_holds_three_slides_and_what_the_reader_may_do(pair: Pair, clinician: User, lead: User) -> None:
    payload = review_payload(pair.synthetic, clinician)
    assert [payload[pane]["id"] for pane in ("source", "real", "synthetic")] == [slide.pk for slide in pair]
    assert payload["synthetic"]["synthetic"] is True
    assert payload["can"] == {"score": True, "edit": True, "sign": True}
    assert review_payload(pair.synthetic, lead)["can"] == {"score": False, "edit": False, "sign": False}
    assert (payload["draft"], payload["standing"], payload["grading"]) == (None, None, "none")
    assert payload["scores"] == {"real": None, "synthetic": None}
    assert (payload["alignment"], payload["reviews"], payload["ki67"]) == (None, [], True)
    assert payload["urls"] == {"scores": "/api/v1/scores/", "reviews": "/api/v1/reviews/"}


def test_a_case_without_a_real_slide_says_so(lone_synthetic: Slide, clinician: User) -> None:
    payload = review_payload(lone_synthetic, clinician)
    assert (payload["real"], payload["alignment"], payload["scores"]["real"]) == (None, None, None)
    assert payload["alignment_note"] == "This case has no real slide of the same stain to compare with."


def test_the_payload_holds_the_alignment_or_why_there_is_none(pair: Pair, clinician: User) -> None:
    assert "being aligned" in review_payload(pair.synthetic, clinician)["alignment_note"]
    alignment = Alignment.objects.create(
        fixed=pair.source, moving=pair.real, method="automatic affine", message="The sections do not fit."
    )
    payload = review_payload(pair.synthetic, clinician)
    assert (payload["alignment"], payload["alignment_note"]) == (None, "The sections do not fit.")
    Alignment.objects.filter(pk=alignment.pk).update(matrix=[1, 0, 5, 0, 1, 7], correlation=0.8, message="")
    payload = review_payload(pair.synthetic, clinician)
    assert payload["alignment"] == {
        "matrix": [1, 0, 5, 0, 1, 7],
        "correlation": 0.8,
        "error_um": None,
        "method": "automatic affine",
        "version": 1,
        "points": [],
        "by": None,
    }
    assert payload["alignment_note"] == ""


def test_another_target_stain_gets_no_ki67_words(pair: Pair, clinician: User) -> None:
    synthetic = make_synthetic_slide(pair.source, "SYN", published=True)
    make_score(synthetic)
    payload = review_payload(synthetic, clinician)
    assert payload["ki67"] is False
    assert payload["scores"]["synthetic"]["grade"] is None


def test_verdicts_are_listed_newest_first(pair: Pair, clinician: User) -> None:
    first = sign_verdict(pair.synthetic, clinician, "not_usable", "Nuclei are missing.")
    reopen_verdict(first, clinician, "They are there on the next level.")
    sign_verdict(pair.synthetic, clinician, "usable")
    rows = review_payload(pair.synthetic, clinician)["reviews"]
    assert [(row["reader"], row["verdict_name"], row["comment"]) for row in rows] == [
        ("clinician", "usable", ""),
        ("clinician", "not usable", "Nuclei are missing."),
    ]


def test_the_lineage_names_the_run_the_epoch_and_the_data_set(pair: Pair, lead: User) -> None:
    assert review_payload(pair.synthetic, lead)["lineage"]["run"] is None
    dataset = Dataset.objects.create(
        project=pair.source.project,
        number=1,
        source_stain="HE",
        target_stain="KI67",
        manifest_key="datasets/1/manifest.jsonl",
        manifest_sha256="ab" * 32,
        counts={},
        independent_validation=True,
        created_by=lead,
    )
    run = Run.objects.create(
        project=dataset.project, kind=Run.Kind.MIL, dataset=dataset, config={}, created_by=lead, stain="HE"
    )
    Checkpoint.objects.create(
        run=run, epoch=7, key="runs/1/7", sha256=pair.synthetic.generator_sha256, size_bytes=1, is_best=True
    )
    assert review_payload(pair.synthetic, lead)["lineage"] == {
        "run": run.pk,
        "epoch": 7,
        "dataset": "set 1 · abababab",
        "independent_validation": True,
        "generator_sha256": pair.synthetic.generator_sha256,
    }


def test_a_project_that_asks_for_no_grade_gets_none(pair: Pair) -> None:
    make_score(pair.real, positive=20, negative=480)
    shown = shown_score(pair.real)
    assert shown is not None and (shown["grade"], shown["grade_note"]) == (None, "")


def test_a_finished_score_is_shown_with_grade_and_note(pair: Pair) -> None:
    ScoringSettings.objects.create(project=pair.real.project, grade=ScoringSettings.Grade.GEP_NET)
    score = make_score(pair.real, positive=20, negative=480, interval_low=0.026, interval_high=0.061)
    shown = shown_score(pair.real)
    assert shown is not None
    assert (shown["id"], shown["ratio"], shown["interval"], shown["cells"]) == (score.pk, 0.04, [0.026, 0.061], 500)
    assert shown["grade"] == "G2"
    assert shown["grade_note"] == "The 95 % interval (2.6–6.1 %) spans the 3 % cut-off."


def test_the_newest_count_is_shown_while_it_runs(pair: Pair) -> None:
    make_score(pair.real)
    running = queued(pair.real)
    shown = shown_score(pair.real)
    assert shown is not None and (shown["id"], shown["state"]) == (running.pk, "queued")


def test_a_failed_recount_is_told_beside_the_standing_number(pair: Pair) -> None:
    standing = make_score(pair.real, message="Only 12 fragments.")
    queued(pair.real, state=State.FAILED, message="The disk is full.")
    shown = shown_score(pair.real)
    assert shown is not None and shown["id"] == standing.pk
    assert shown["message"] == "Only 12 fragments. A later count failed: The disk is full."


def test_a_failure_is_shown_when_there_is_nothing_else(pair: Pair) -> None:
    queued(pair.real, state=State.FAILED, message="The disk is full.")
    shown = shown_score(pair.real)
    assert shown is not None and (shown["state"], shown["message"]) == ("failed", "The disk is full.")


def test_counts_of_a_region_or_of_replaced_bytes_are_not_shown_as_the_slides(pair: Pair) -> None:
    make_score(pair.real, region_l0=[0, 0, 100, 100])
    make_score(pair.real, slide_version=hashlib.sha256(b"older").hexdigest()[:12])
    assert shown_score(pair.real) is None
